"""Dagster's daemon, alone on its database: ``python -m contrib_pipeline.daemon CODE_SERVER`` and its own arguments.

Two daemons would start every run twice. The one that holds a Postgres lock runs; another waits a little (the first
may be on its way out) and gives up. A daemon that loses its lock, because Postgres went away, ends. A daemon that is
told to stop ends the sensors' waits for events, for which it would wait.
"""

import importlib
import os
import runpy
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

import psycopg

from contrib_pipeline.events import queue
from contrib_pipeline.settings import read_settings
from contrib_pipeline.warehouse.connection import Connection, connect

LOCK = 0x2B1F7C0C
_PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 5.0
_STOP_AGAIN_SECONDS = 0.5
ALREADY_RUNNING = 3
"""Exit code of a daemon that found another."""


def holder(connection: Connection) -> str | None:
    """Who holds the daemon's lock: ``PID on HOST since …``; None if nobody does."""
    row = connection.execute(
        """
        select a.application_name as name, a.backend_start as since
        from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.classid = 0 and l.objid = %s and l.granted
          and l.database = (select oid from pg_database where datname = current_database())
        """,
        (LOCK,),
    ).fetchone()
    return f"{row['name'].removeprefix('daemon ')} since {row['since']:%Y-%m-%d %H:%M} UTC" if row else None


def main() -> None:
    """Entry point: take the lock, wait for the code server, then become dagster-daemon."""
    url = read_settings().database_url
    assert url is not None, "DATABASE_URL is set by whoever starts the daemon"
    name = f"daemon process {os.getpid()} on {socket.gethostname()}"
    connection = connect(url, application_name=name)
    if not _take_lock(connection):
        sys.stderr.write(f"Another daemon runs on this database: {holder(connection)}.\n")
        connection.close()
        sys.exit(ALREADY_RUNNING)
    queue.stop_waiting(connection)  # sensors of a killed daemon would still take events, for nobody
    threading.Thread(target=_end_without, args=(connection,), daemon=True).start()
    threading.Thread(target=_end_waits, args=(url, _signals()), daemon=True).start()
    importlib.import_module("dagster._daemon.cli")  # takes as long as the code server, which starts with us
    code_server, *arguments = sys.argv[1:]
    _await_code_server(code_server)
    sys.argv = ["dagster-daemon", "run", *arguments]
    runpy.run_module("dagster._daemon", run_name="__main__", alter_sys=True)


def _take_lock(connection: Connection) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        row = connection.execute("select pg_try_advisory_lock(%s) as is_ours", (LOCK,)).fetchone()
        assert row is not None
        if row["is_ours"] or time.monotonic() > deadline:
            return bool(row["is_ours"])
        time.sleep(0.5)


def _await_code_server(address: str) -> None:
    """Wait for the code server: a daemon that does not find it looks again only after five seconds."""
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)


def _signals() -> int:
    """A file descriptor on which every signal writes its number, whatever handlers Dagster sets."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    return read_end


def _end_waits(url: str, signals: int) -> None:
    """Once we are told to stop, end the sensors' waits, those too that begin until we have stopped."""
    while not {signal.SIGTERM, signal.SIGINT} & set(os.read(signals, 1)):
        pass
    with connect(url) as connection:
        while True:
            queue.stop_waiting(connection)
            time.sleep(_STOP_AGAIN_SECONDS)


def _end_without(connection: Connection) -> None:
    """End this process when the connection that holds the lock is gone."""
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            connection.execute("select 1")
        except psycopg.Error:
            sys.stderr.write("The daemon's lock is lost with its connection to Postgres; the daemon ends.\n")
            os.kill(os.getpid(), signal.SIGTERM)
            return


if __name__ == "__main__":
    main()
