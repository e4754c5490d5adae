"""Children end with their supervisor, come back when they fall, and say why they can't; one daemon per database."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contrib_pipeline import daemon, lifeline, supervisor
from contrib_pipeline.events import queue
from contrib_pipeline.events.queue import Wake
from contrib_pipeline.supervisor import Child, ChildFailed, Supervisor
from contrib_pipeline.warehouse.connection import Connection, connect

PATIENCE_SECONDS = 60.0
REPOSITORY = Path(__file__).resolve().parents[1]
SLEEPS = """
    import os, pathlib, subprocess, sys, time
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {sleeper.pid}")
    time.sleep(600)
"""
SUPERVISES = """
    import os, sys, time
    from pathlib import Path
    from contrib_pipeline.supervisor import Child, Supervisor
    supervisor = Supervisor(os.environ, Path(sys.argv[1]), print)
    supervisor.start(Child("sleeper", "sleeps", [sys.argv[2]]))
    time.sleep(600)
"""
STOPS = """
    import signal, sys, threading, time
    from contrib_pipeline import daemon
    threading.Thread(target=daemon._end_waits, args=(sys.argv[1], daemon._signals()), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # as Dagster has handlers of its own
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder whose modules children can run."""
    (tmp_path / "sleeps.py").write_text(textwrap.dedent(SLEEPS))
    (tmp_path / "supervises.py").write_text(textwrap.dedent(SUPERVISES))
    (tmp_path / "stops.py").write_text(textwrap.dedent(STOPS))
    (tmp_path / "ends.py").write_text("import sys\nprint(sys.argv[1])\nsys.exit(int(sys.argv[2]))\n")
    return tmp_path


@pytest.fixture
def environment(modules: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{modules}{os.pathsep}{REPOSITORY}"}


@contextmanager
def supervised(environment: dict[str, str], logs: Path, said: list[str]) -> Iterator[Supervisor]:
    running = Supervisor(environment, logs, said.append)
    try:
        yield running
    finally:
        running.stop()


def test_a_child_and_what_it_started_end_when_the_supervisor_is_killed(
    modules: Path, environment: dict[str, str]
) -> None:
    pids = modules / "pids"
    command = [sys.executable, "-m", "supervises", str(modules / "logs"), str(pids)]
    with subprocess.Popen(command, env=environment) as killed:
        child, grandchild = pids_in(pids)
        killed.kill()
    until(lambda: not is_alive(child) and not is_alive(grandchild), "they live")


def test_stopping_ends_a_child_and_what_it_started(modules: Path, environment: dict[str, str]) -> None:
    pids = modules / "pids"
    with supervised(environment, modules / "logs", []) as running:
        running.start(Child("sleeper", "sleeps", [str(pids)]))
        child, grandchild = pids_in(pids)
        assert is_alive(child)
        assert is_alive(grandchild)
    until(lambda: not is_alive(child) and not is_alive(grandchild), "they live")


def test_a_fallen_child_is_told_of_and_started_again(
    modules: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE", 0.0)
    pids, said = modules / "pids", list[str]()
    with supervised(environment, modules / "logs", said) as running:
        running.start(Child("sleeper", "sleeps", [str(pids)]))
        first, _ = pids_in(pids)
        os.kill(first, signal.SIGKILL)

        def is_back() -> None:
            if pids_in(pids)[0] != first:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            running.watch(is_back)
    assert said[0].startswith("sleeper was killed by SIGKILL (log: ")
    assert "it is started again in" in said[0]


def test_a_child_that_does_not_come_up_is_quoted_without_colours(modules: Path, environment: dict[str, str]) -> None:
    with supervised(environment, modules / "logs", []) as running:
        running.start(Child("ender", "ends", ["\x1b[31mno \x1b[1;32mway\x1b[0m", "1"], is_ready=lambda: False))
        with pytest.raises(ChildFailed, match=r"^ender ended at once: no way \(log: "):
            running.wait_until_ready(PATIENCE_SECONDS)


def test_a_child_that_gives_up_ends_the_watch_with_its_words(modules: Path, environment: dict[str, str]) -> None:
    said: list[str] = []
    with supervised(environment, modules / "logs", said) as running:
        running.start(Child("ender", "ends", ["There is another.", "3"], gives_up_with=3))
        with pytest.raises(ChildFailed, match=r"^There is another\."):
            running.watch(lambda: None)
    assert said == []


def test_what_ignores_the_request_to_stop_is_killed() -> None:
    script = "import os, signal, sys, time\nfrom contrib_pipeline import lifeline\n"
    script += "lifeline.GRACE_SECONDS = 0.1\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nlifeline.watch()\n"
    script += "print('ready', flush=True)\ntime.sleep(600)\n"
    assert lifeline.GRACE_SECONDS < supervisor.STOP_SECONDS
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY, start_new_session=True
    ) as stubborn:
        assert stubborn.stdin is not None
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        stubborn.stdin.close()
        assert stubborn.wait(PATIENCE_SECONDS) == -signal.SIGKILL


def test_a_second_daemon_gives_up_and_names_the_first(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(daemon, "_PATIENCE_SECONDS", 0.0)
    with connect(database_url, application_name="daemon process 7 on elsewhere") as first:
        first.execute("select pg_advisory_lock(%s)", (daemon.LOCK,))
        with pytest.raises(SystemExit) as ended:
            daemon.main()
    assert ended.value.code == daemon.ALREADY_RUNNING
    assert capsys.readouterr().err.startswith("Another daemon runs on this database: process 7 on elsewhere since ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_told_to_stop_ends_the_waits_for_events(
    modules: Path, environment: dict[str, str], database_url: str, connection: Connection, number: signal.Signals
) -> None:
    queue.listen(connection)
    command = [sys.executable, "-m", "stops", database_url]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as stopping:
        assert stopping.stdout is not None
        stopping.stdout.readline()
        stopping.send_signal(number)
        assert queue.wait(connection, PATIENCE_SECONDS) is Wake.STOP
        stopping.kill()


def pids_in(path: Path) -> tuple[int, int]:
    """The two pids that the sleeping child wrote."""
    until(lambda: path.exists() and len(path.read_text().split()) == 2, f"no pids in {path}")
    child, grandchild = map(int, path.read_text().split())
    return child, grandchild


def is_alive(pid: int) -> bool:
    """Whether the process runs: a zombie, whose starter has not looked after it, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)
