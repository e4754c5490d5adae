"""The budget of GitHub's points and REST requests, shared by all processes through Postgres.

One row per credential and resource: GitHub counts GraphQL's points and REST's requests apart, and what is under way
together. Implements the protocol that the client asks (it is not imported here: ``warehouse`` imports none of the
others). What a request costs, and what an answer's headers say, is the client's business.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("budget")
_POLL_SECONDS = 0.05
# A reservation ends with the session that made it. This is for sessions that Postgres does not know to be dead, and
# longer than any request may take (10 s to connect, 30 s between bytes).
_RESERVATION_SECONDS = 120

Resource = Literal["graphql", "core"]
"""GitHub's names: GraphQL, of which points are counted; REST, of which a request counts as one."""


class BudgetWait(Exception):
    """The budget has no place before ``until``, which is further away than a caller waits."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"Our share of GitHub's limit is spent, or GitHub asks to wait, until {until:%H:%M:%S} UTC.")
        self.until = until


@dataclass(frozen=True)
class Limits:
    """How much of a credential's points and concurrency is ours."""

    floor_share: float = 0.1
    """Share of the hour's points, or requests, that is left for other users of the credential."""
    background_share: float = 0.2
    """Share that work in the background leaves besides, for what somebody waits for."""
    in_flight: int = 2
    """A credential's requests at the same time, over all processes and both resources, as GitHub counts them.

    Its secondary limit allows a minute of its work a minute.
    """
    longest_wait: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class PostgresReservation:
    """One request's place."""

    connection: Connection
    row: Mapping[str, str]
    """Credential and resource."""

    def settle(self, quota: Any) -> None:
        """Correct what is left by the answer's headers (``limit``, ``remaining``, ``reset_at``)."""
        values = {"limit": quota.limit, "remaining": quota.remaining, "reset_at": quota.reset_at}
        self.connection.execute(_SQL["settle"], {**self.row, **values})

    def pause(self, until: datetime, *, everywhere: bool) -> None:
        """No request of this credential before ``until``, in any process; ``everywhere``: nor of its other resource."""
        self.connection.execute(_SQL["pause"], {**self.row, "until": until, "everywhere": everywhere})


class PostgresBudget:
    """The budget of one credential and resource.

    Needs a connection of its own: it commits while pages are being written.
    """

    def __init__(
        self, connection: Connection, secret: str, limits: Limits | None = None, resource: Resource = "graphql"
    ) -> None:
        self._connection = connection
        self._limits = limits or Limits()
        self.credential = hashlib.sha256(secret.encode()).hexdigest()[:16]
        self._row = {"credential": self.credential, "resource": resource}
        connection.execute(_SQL["add"], {**self._row, "floor_share": self._limits.floor_share})

    @contextmanager
    def reserve(self, points: int, *, is_background: bool = False) -> Iterator[PostgresReservation]:
        """A place for one request of ``points``; waits for it.

        Work in the background leaves a place and some points free, so that what somebody waits for need not wait.
        Raises :class:`BudgetWait` when it would take longer than ``longest_wait``.
        """
        while (place := self._try(points, is_background)) is None:
            time.sleep(_POLL_SECONDS)
        try:
            yield PostgresReservation(self._connection, self._row)
        finally:
            self._connection.execute(_SQL["release"], {"id": place})

    def _try(self, points: int, is_background: bool) -> int | None:
        with self._connection.transaction():
            rows = self._connection.execute(_SQL["lock"], self._row).fetchall()
            (row,) = (row for row in rows if row["resource"] == self._row["resource"])
            reserved = self._connection.execute(_SQL["reserved"], self._row).fetchone()
            assert reserved is not None
            if until := self._closed_until(row, reserved["points"] + points, is_background):
                if until - row["now"] > self._limits.longest_wait:
                    raise BudgetWait(until)
                return None
            places = max(1, self._limits.in_flight - is_background)
            if reserved["requests"] >= places:
                return None
            values = {**self._row, "points": points, "seconds": _RESERVATION_SECONDS}
            made = self._connection.execute(_SQL["reserve"], values).fetchone()
            assert made is not None
            return int(made["id"])

    def _closed_until(self, row: dict[str, Any], wanted: int, is_background: bool) -> datetime | None:
        now: datetime = row["now"]
        if row["paused_until"] and row["paused_until"] > now:
            return row["paused_until"]  # type: ignore[no-any-return]
        if row["reset_at"] is None or row["reset_at"] <= now:
            return None
        share = self._limits.floor_share + (self._limits.background_share if is_background else 0)
        floor = round(row["points_limit"] * share)
        return row["reset_at"] if row["points_left"] - wanted < floor else None


def budget_state(connection: Connection) -> list[dict[str, Any]]:
    """What is left of every credential and resource, a row each.

    credential, resource, points_limit and points_left (null before the first answer; of core, requests), reset_at
    (null where all are there), paused_until (null where nothing is paused), floor_share (of the limit, for others),
    requests_in_flight.
    """
    return connection.execute(_SQL["state"]).fetchall()
