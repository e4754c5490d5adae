"""A handful of connections for the receiver's threads, opened when needed and kept."""

from collections import deque
from collections.abc import Callable
from typing import TypeVar

import psycopg

from contrib_pipeline.warehouse.connection import Connection, connect, first_line
from contrib_pipeline.warehouse.errors import WarehouseError

T = TypeVar("T")


class Connections:
    """Connections to one database, used by one thread at a time each."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: deque[Connection] = deque()  # its append and pop are safe between threads

    def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` with a connection; once more with a new one if a kept one turns out to be dead.

        So ``work`` must be safe to repeat. Raises :class:`WarehouseError` when the database can't be reached.
        """
        try:
            kept = self._idle.pop()
        except IndexError:
            return self._with_new(work)
        try:
            return self._once(work, kept)
        except psycopg.OperationalError:
            self.close()  # the server was restarted: the others are dead too
            return self._with_new(work)

    def _with_new(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._once(work, connect(self._url, application_name="contrib-pipeline events"))
        except psycopg.OperationalError as error:
            raise WarehouseError(f"Postgres went away: {first_line(error)}") from error

    def _once(self, work: Callable[[Connection], T], connection: Connection) -> T:
        try:
            return work(connection)
        finally:
            if not connection.broken and not connection.closed:
                self._idle.append(connection)

    def close(self) -> None:
        """Close all that is idle."""
        while self._idle:
            self._idle.pop().close()
