"""Whether a run's process lives, asked of Postgres: no heartbeat, no lease, no file.

A run's process holds a shared lock named after the run from its birth, and whatever holds events for the run holds
it too; Postgres drops it with the connection, however the process ended. The one truth for the launcher's health
check and for giving back what killed runs held.
"""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.statements import load

_SQL = load("liveness", __package__)
_NAME = re.compile(r"run process (\d+) on (.*)")
_LONGEST_NAME = 63  # bytes of an application_name that Postgres keeps


@dataclass(frozen=True)
class Process:
    """The process of a run."""

    pid: int
    host: str

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that its pid means something."""
        return self.host == _host()


@contextmanager
def shown(url: str, run_id: str) -> Iterator[None]:
    """Show that this process is the run's, for as long as the block lasts or the process lives."""
    with connect(url, application_name=f"run process {os.getpid()} on {_host()}") as connection:
        hold(connection, run_id)
        yield


def hold(connection: Connection, run_id: str) -> None:
    """Show that the run lives, until ``connection`` is closed or :func:`release` is called."""
    connection.execute(_SQL["hold"], {"run_id": run_id})


def release(connection: Connection, run_id: str) -> None:
    """``connection`` no longer works for the run."""
    connection.execute(_SQL["release"], {"run_id": run_id})


def lives(connection: Connection, run_id: str) -> bool:
    """Whether anybody works for the run."""
    return bool(_holders(connection, run_id))


def process(connection: Connection, run_id: str) -> Process | None:
    """The run's process; None if it has ended, has not begun, or is that of a command."""
    for name in _holders(connection, run_id):
        if match := _NAME.fullmatch(name):
            return Process(int(match[1]), match[2])
    return None


def _holders(connection: Connection, run_id: str) -> list[str]:
    return [row["name"] for row in connection.execute(_SQL["holders"], {"run_id": run_id})]


def _host() -> str:
    return socket.gethostname()[: _LONGEST_NAME - len(f"run process {2**22} on ")]
