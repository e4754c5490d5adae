"""A warm process: imports Dagster and our definitions once, then forks a child for every run.

``python -m contrib_pipeline.instance.fork_server``. It has one thread and no connection, since a fork copies neither
soundly. Standard input is its lifeline; its runs hang on a pipe of its own, so that they end with it, and it waits
for them. One serves at a time; another stands by until that one has ended. When our source changes it starts itself
anew, as Dagster would have imported the new source for the next run. Without it runs start cold (``warm_launcher``).
"""

import contextlib
import fcntl
import gc
import hashlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from contrib_pipeline.instance import run_process
from contrib_pipeline.settings import PROJECT, read_settings

_STDIN = 0
_LONGEST_ADDRESS = 100  # bytes; systems allow 103 to 107
_ANSWER_SECONDS = 10.0
_SOURCE = PROJECT / "contrib_pipeline"


_MODULES = (
    "dagster._cli.api",
    "contrib_pipeline.instance.compute_logs",
    "contrib_pipeline.instance.chosen_launcher",
    "contrib_pipeline.instance.storage",
    "upath.core",
)
"""What runs import beside our definitions: their command, what dagster.yaml names, and what opening that needs."""


class _SourceChanged(Exception):
    """What this process has imported is no longer what is on disk."""


def address(home: Path) -> Path:
    """The socket of the fork server of a Dagster home; a short one where the home's path is too long for sockets."""
    wanted = home / "runs.sock"
    if len(os.fsencode(wanted)) <= _LONGEST_ADDRESS:
        return wanted
    return Path("/tmp") / f"contrib-pipeline-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}.sock"  # noqa: S108


def serves(home: Path) -> bool:
    """Whether a fork server is ready."""
    with contextlib.suppress(OSError), _connected(home):
        return True
    return False


def fork(home: Path, run_id: str, arguments: str) -> int | None:
    """Ask for the process of a run; its pid, or None where nobody serves."""
    with contextlib.suppress(OSError, ValueError), _connected(home) as server:
        server.sendall(json.dumps([run_id, arguments]).encode() + b"\n")
        with server.makefile() as answer:
            return int(answer.readline())
    return None


def main() -> None:
    """Entry point: wait for our turn, import, serve until the lifeline is cut or SIGTERM."""
    runs_line = tuple(map(int, sys.argv[1:])) or os.pipe()
    signal.signal(signal.SIGTERM, _end)
    path = address(read_settings().dagster_home)
    with path.with_suffix(".lock").open("w") as turn:
        if not _is_our_turn(turn):
            return
        source = _fingerprint()
        preload()
        signal.signal(signal.SIGCHLD, _reap)
        server = _Server(path, turn, runs_line, source)
        try:
            server.serve()
        except _SourceChanged:
            _start_anew(runs_line)
        finally:
            path.unlink(missing_ok=True)
            os.close(runs_line[1])
            _wait_for_runs()


def preload() -> None:
    """Import and resolve what every run needs, by a first run. Raises SystemExit if that leaves a second thread."""
    for module in _MODULES:
        importlib.import_module(module)
    importlib.import_module("contrib_pipeline.definitions").defs.resolve_all_job_defs()
    _first_run()
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page that the children share
    if (threads := _threads()) != 1:
        sys.exit(f"{threads} threads after importing our definitions: runs can't be forked, and start cold.")


def _first_run() -> None:
    """Run a job that does nothing, on an instance in memory: Dagster imports much only when it runs."""
    import dagster as dg

    @dg.op
    def nothing() -> None:
        """Do nothing."""

    @dg.job
    def first() -> None:
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        first.execute_in_process(instance=instance, run_config=quiet)


class _Server:
    """The listening socket, and what a child has to close of it."""

    def __init__(self, path: Path, turn: IO[str], runs_line: tuple[int, ...], source: str) -> None:
        self._turn = turn
        self._read_end, self._write_end = runs_line
        self._source = source
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)  # whoever may write to it may start runs
        self._listener.bind(os.fspath(path))
        os.umask(before)
        self._listener.listen(64)

    def serve(self) -> None:
        """Answer until the lifeline is cut. Raises :class:`_SourceChanged`."""
        while True:
            readable, _, _ = select.select([self._listener.fileno(), _STDIN], [], [])
            if _STDIN in readable and not os.read(_STDIN, 1):
                return
            if self._listener.fileno() in readable:
                with contextlib.suppress(OSError):  # whoever asked is gone
                    self._answer(self._listener.accept()[0])

    def _answer(self, client: socket.socket) -> None:
        with client:
            client.settimeout(_ANSWER_SECONDS)
            with client.makefile() as lines:
                request = lines.readline()
            if not request:  # somebody looked whether we serve
                return
            if _fingerprint() != self._source:
                raise _SourceChanged
            run_id, arguments = json.loads(request)
            pid = os.fork()
            if pid == 0:
                self._become(run_id, arguments, client)
            client.sendall(f"{pid}\n".encode())

    def _become(self, run_id: str, arguments: str, client: socket.socket) -> NoReturn:
        """Be the process of a run, in the child."""
        code = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (client, self._listener, self._turn):
                inherited.close()
            os.close(self._write_end)
            os.dup2(self._read_end, _STDIN)
            code = run_process.execute_on_lifeline(run_id, arguments)
        except BaseException:  # noqa: BLE001  # a child must never return into the server's loop
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


@contextlib.contextmanager
def _connected(home: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(_ANSWER_SECONDS)
        server.connect(os.fspath(address(home)))
        yield server


def _is_our_turn(turn: IO[str]) -> bool:
    """Wait until no other fork server serves; False if the lifeline is cut meanwhile."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if select.select([_STDIN], [], [], 1.0)[0] and not os.read(_STDIN, 1):
            return False


def _fingerprint() -> str:
    """Changes when our source does."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCE.rglob("*.*")):
        if path.suffix in (".py", ".sql", ".graphql"):
            stat = path.stat()
            digest.update(f"{path} {stat.st_mtime_ns} {stat.st_size}\n".encode())
    return digest.hexdigest()


def _threads() -> int:
    """Native threads, where the system tells (Linux): those of libraries are none that Python knows."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def _start_anew(runs_line: tuple[int, ...]) -> NoReturn:
    """Become a new interpreter with the same pid, lifeline and runs."""
    for end in runs_line:
        os.set_inheritable(end, True)
    command = [sys.executable, "-m", "contrib_pipeline.instance.fork_server", *map(str, runs_line)]
    os.execv(sys.executable, command)  # noqa: S606


def _reap(*_: int | FrameType | None) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait_for_runs() -> None:
    """Return when the last run has ended; a run that hears that its lifeline is cut has a few seconds."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _end(*_: int | FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
