"""Events on their way out: which are due, which run holds which, and how each ends.

A run claims rows before it works on them, so that a row asked for twice is done once; what a dead run held is given
back by whoever notices. Nothing here decides what shares a run (``dispatch``) or does the work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from contrib_pipeline.events.catalogue import Understood, understand
from contrib_pipeline.events.commands import HISTORY, Cancel, Command
from contrib_pipeline.events.inbox import Source
from contrib_pipeline.events.jobs import CAPTURES
from contrib_pipeline.events.repositories import look_up, references
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("inbox")
_CHANNEL = "contrib_inbox"
_STOP = "stop"
# Any constant that no other lock in the database uses.
_ONE_AT_A_TIME = 0x2B1F7C0B
# An event that was asked for and that no run took (its run never started) is asked for again.
_ASKED_AGAIN = timedelta(seconds=20)
RETRIES = 3


@dataclass(frozen=True)
class Pending:
    """An event that needs a run."""

    id: str
    name: str
    function: str
    key: str | None
    priority: int
    source: str
    reason: str | None = None
    """The payload's own, if it has one."""


@dataclass(frozen=True)
class Claimed:
    """An event that a run holds, and what it asks for."""

    id: str
    name: str
    function: str
    key: str | None
    command: Command
    source: Source
    attempts: int
    received_at: datetime


@dataclass(frozen=True)
class Cancelled:
    """What a cancellation reached."""

    event_ids: tuple[str, ...]
    run_ids: tuple[str, ...]
    """Runs that held some of them, to be terminated; what else they hold is to be put back."""


class Wake(StrEnum):
    """Why a wait ended."""

    EVENTS = "events"
    STOP = "stop"
    TIMEOUT = "timeout"


def due(connection: Connection, limit: int = 2000, *, in_flight: int = 2) -> list[Pending]:
    """Events that need a run now, the most urgent first, marked as asked for.

    Not among them: events about something that a run holds, or that was asked for in the last 20 seconds. The history
    of a repository and its other events don't wait for each other. Nor captures while enough runs, holding what is at
    least as urgent, capture already: one more than GitHub is asked at the same time (``in_flight``), since somebody
    always has an answer to write.
    """
    with connection.transaction():
        # One at a time: two listeners at once would each see a key free and ask for a run on it.
        connection.execute("select pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
        values = {
            "limit": limit,
            "again": _ASKED_AGAIN,
            "history": HISTORY,
            "captures": CAPTURES,
            "enough": in_flight + 1,
        }
        rows = connection.execute(_SQL["due"], values).fetchall()
    return sorted((Pending(**row) for row in rows), key=lambda event: (-event.priority, event.id))


def claim(connection: Connection, ids: Sequence[str], run_id: str) -> list[Claimed]:
    """Take events for a run; those really taken, oldest first: others are cancelled, done or another run's.

    One that is no longer understood (its repository is gone from our tables) is quarantined.
    """
    with connection.transaction():
        rows = connection.execute(_SQL["claim"], {"ids": list(ids), "run_id": run_id}).fetchall()
        find = look_up(connection, references(row["data"] for row in rows))
        claimed = []
        for row in sorted(rows, key=lambda row: str(row["id"])):
            outcome = understand(row["function"], row.pop("data"), find)
            if isinstance(outcome, Understood):
                claimed.append(Claimed(command=outcome.command, **row))
            else:
                connection.execute(_SQL["quarantine"], {"id": row["id"], "reason": outcome.reason})
    return claimed


def finish(
    connection: Connection,
    ids: Sequence[str],
    run_id: str,
    state: Literal["done", "skipped", "failed", "quarantined", "cancelled"],
    reason: str | None = None,
) -> list[str]:
    """Bring events that ``run_id`` holds to their end; the ids that it still held."""
    values = {"ids": list(ids), "run_id": run_id, "state": state, "reason": reason}
    return [row["id"] for row in connection.execute(_SQL["finish"], values)]


def give_back(
    connection: Connection,
    ids: Sequence[str],
    run_id: str,
    reason: str,
    *,
    not_before: datetime | None = None,
) -> dict[str, str]:
    """Events that ``run_id`` could not do: pending again after a pause, failed after three retries; id to state."""
    values = {
        "ids": list(ids),
        "run_id": run_id,
        "reason": reason,
        "not_before": not_before,
        "retries": RETRIES,
    }
    return {row["id"]: row["state"] for row in connection.execute(_SQL["give_back"], values)}


def put_back(
    connection: Connection,
    ids: Sequence[str],
    run_id: str,
    reason: str,
    *,
    not_before: datetime | None = None,
) -> list[str]:
    """Events that ``run_id`` may not do yet (GitHub's budget): pending again, the attempt not counted."""
    when = not_before or datetime.now(UTC)
    values = {"ids": list(ids), "run_id": run_id, "reason": reason, "not_before": when}
    return [row["id"] for row in connection.execute(_SQL["put_back"], values)]


def running(connection: Connection) -> dict[str, list[str]]:
    """The ids of running events, by the run that holds them."""
    return {row["run_id"]: row["ids"] for row in connection.execute(_SQL["running"])}


def still_pending(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Those of ``ids`` that no run holds and that have not ended."""
    return [row["id"] for row in connection.execute(_SQL["still_pending"], {"ids": list(ids)})]


def cancel(connection: Connection, what: Cancel, *, reason: str, before: datetime | None = None) -> Cancelled:
    """Cancel pending and running events that match; those received after ``before`` are left alone."""
    key = what.repository.lower() if what.repository else None
    values = {
        "event_id": what.event_id,
        "run_id": what.run_id,
        "key": key,
        "reason": reason,
        "before": before,
    }
    rows = connection.execute(_SQL["cancel"], values).fetchall()
    return Cancelled(tuple(row["id"] for row in rows), tuple(sorted({row["run_id"] for row in rows if row["run_id"]})))


def carry_out_cancellations(connection: Connection, ids: Sequence[str], holder: str) -> list[str]:
    """Do what the ``cancel/function`` events among ``ids`` ask for, as ``holder``; the runs to terminate."""
    run_ids: set[str] = set()
    with connection.transaction():
        for event in claim(connection, ids, holder):
            assert isinstance(event.command, Cancel)
            reached = cancel(connection, event.command, reason=f"Cancelled by {event.id}.", before=event.received_at)
            run_ids.update(reached.run_ids)
            if event.command.run_id:
                run_ids.add(event.command.run_id)
            finish(connection, [event.id], holder, "done", f"{len(reached.event_ids)} events cancelled.")
    return sorted(run_ids)


def listen(connection: Connection) -> None:
    """Hear of new events from now on; before the first :func:`due`, so that nothing falls between."""
    connection.execute(f"listen {_CHANNEL}")


def wait(connection: Connection, seconds: float) -> Wake:
    """Sleep until something may be due, at most ``seconds``; needs :func:`listen` before."""
    row: Mapping[str, float | None] | None = connection.execute(
        _SQL["seconds_to_next"], {"again": _ASKED_AGAIN}
    ).fetchone()
    next_due = row["seconds"] if row else None
    timeout = seconds if next_due is None else max(0.0, min(seconds, next_due))
    heard = list(connection.notifies(timeout=timeout, stop_after=1))
    heard += connection.notifies(timeout=0)  # the rest of a burst: one look is enough for all of it
    if any(note.payload == _STOP for note in heard):
        return Wake.STOP
    return Wake.EVENTS if heard or timeout < seconds else Wake.TIMEOUT


def stop_waiting(connection: Connection) -> None:
    """End all waits of all processes: the daemon stops."""
    connection.execute("select pg_notify(%s, %s)", (_CHANNEL, _STOP))
