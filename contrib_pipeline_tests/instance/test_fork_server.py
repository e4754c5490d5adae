"""The warm process: one at a time, gone with its starter, fit to be forked."""

import subprocess
from pathlib import Path

from contrib_pipeline.instance import fork_server
from contrib_pipeline_tests.instance.conftest import Installation, is_alive, started_fork_server, until


def test_a_second_fork_server_stands_by_and_takes_over(
    installation: Installation, warm: subprocess.Popen[bytes]
) -> None:
    with started_fork_server(installation.home) as second:
        warm.kill()
        warm.wait()
        until(lambda: fork_server.serves(installation.home), lambda: f"nobody serves; second: {second.poll()}")
        assert is_alive(second.pid)


def test_it_has_one_thread_and_no_connection(warm: subprocess.Popen[bytes]) -> None:
    process = Path(f"/proc/{warm.pid}")
    assert len(list((process / "task").iterdir())) == 1
    links = [str(link.readlink()) for link in (process / "fd").iterdir() if link.is_symlink()]
    assert len([link for link in links if link.startswith("socket:")]) == 1


def test_it_ends_with_the_process_that_started_it(warm: subprocess.Popen[bytes]) -> None:
    assert warm.stdin is not None
    warm.stdin.close()
    until(lambda: not is_alive(warm.pid), lambda: "it lives")


def test_nobody_is_asked_where_nobody_serves(tmp_path: Path) -> None:
    assert not fork_server.serves(tmp_path)
    assert fork_server.fork(tmp_path, "a-run", "{}") is None


def test_a_deep_home_has_a_socket_that_systems_allow(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8)
    assert len(str(fork_server.address(deep))) < 100 < len(str(deep))
    assert fork_server.address(deep) != fork_server.address(deep / "another")
