"""Stops the embedded server when nobody uses it any more, however its users ended.

A user is a process that holds a shared lock on the file ``users.lock``; the system takes the lock away when the
process ends, kill -9 included. This file is also run as a script, by its path and with the standard library alone,
so that it starts in milliseconds: it then waits for the exclusive lock, which it gets when the last user is gone.
How the server is started is the business of :mod:`contrib_pipeline.warehouse.embedded`.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_STOP_SECONDS = 60


def serving(data: Path) -> int | None:
    """The process id of the server whose data folder is ``data``; None when its pid file is missing or stale."""
    pid = first_number(data / "postmaster.pid")
    return pid if pid and is_server(pid, data) else None


def first_number(lock_file: Path) -> int | None:
    """The process id in a lock file of Postgres: its first line."""
    try:
        return int(lock_file.read_bytes().partition(b"\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def is_server(pid: int, data: Path) -> bool:
    """Whether that process is a Postgres with this data folder: the number alone may be anybody's by now."""
    return f"/postgres -D {data} " in f"{_command(pid)} "


def _command(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def opened(lock_file: Path) -> int:
    """A descriptor of a lock file, to lock; closing it, or the end of the process, unlocks."""
    return os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def locked(lock_file: Path) -> Iterator[int]:
    """Hold the exclusive lock on a file; yields its descriptor."""
    descriptor = opened(lock_file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def stop(data: Path) -> None:
    """End the server of ``data`` and wait until it is gone: a clean shutdown, after a minute a hard one."""
    if (pid := serving(data)) is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        patience = time.monotonic() + _STOP_SECONDS
        while is_server(pid, data):
            if time.monotonic() > patience:
                os.kill(pid, signal.SIGQUIT)
            time.sleep(0.01)


def _watch(folder: Path, watcher_lock: int) -> None:
    with locked(folder / "users.lock"):
        stop(folder / "data")
        os.close(watcher_lock)  # first this one: who gets the users' lock next must see that nobody watches


def _main(folder: str, watcher_lock: str) -> None:
    if os.fork():
        os._exit(0)  # the starter waits for this process only; the other one is nobody's child
    os.setsid()
    os.chdir("/")
    _watch(Path(folder), int(watcher_lock))


if __name__ == "__main__":
    _main(*sys.argv[1:])
