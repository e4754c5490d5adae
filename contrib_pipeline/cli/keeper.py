"""Keeps the embedded server running for stock Dagster, which does not know that it has to be started.

Started by ``contrib-pipeline env``; ends by itself when no session has been opened for a while. A running Dagster
opens some every few seconds.
"""

import sys
import time
from pathlib import Path

import psycopg

from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer

_NAME = "keeper"
_LOOK_SECONDS = 20.0
_IDLE_LOOKS = 15  # five minutes


def main() -> None:
    """Hold the server of the home folder given as argument until it is idle."""
    with EmbeddedServer(Path(sys.argv[1])) as url, connect(url, application_name=_NAME) as connection:
        idle, sessions = 0, _sessions(connection)
        while idle < _IDLE_LOOKS:
            time.sleep(_LOOK_SECONDS)
            try:
                now = _sessions(connection)
            except psycopg.Error:
                return
            idle = idle + 1 if now == sessions and not _others(connection) else 0
            sessions = now


def _sessions(connection: Connection) -> int:
    """How many sessions the database has seen."""
    row = connection.execute("select sessions from pg_stat_database where datname = current_database()").fetchone()
    assert row is not None
    return int(row["sessions"])


def _others(connection: Connection) -> bool:
    """Whether anybody is connected now but keepers: two of them would hold the server for each other for ever."""
    row = connection.execute(
        "select exists (select from pg_stat_activity where datname = current_database()"
        " and application_name <> %s and backend_type = 'client backend') as are_there",
        [_NAME],
    ).fetchone()
    assert row is not None
    return bool(row["are_there"])


if __name__ == "__main__":
    main()
