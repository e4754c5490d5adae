"""The events that a run holds, and how each ends: a run that fails or is killed gives back what it did not finish.

What the events ask for is done by the assets.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.queue import Claimed
from contrib_pipeline.instance import liveness
from contrib_pipeline.warehouse.connection import Connection

FROM_COMMAND_LINE = "contrib/command"
"""Tag of runs that a command started in its own process."""
_MOST_TOLD = 20


@dataclass
class Claims:
    """Events held by one run."""

    connection: Connection
    run_id: str
    events: list[Claimed]
    log: dg.DagsterLogManager
    open: set[str] = field(default_factory=set)

    def done(self, events: Sequence[Claimed], reason: str | None = None) -> None:
        """Carried out; ``reason`` where there is more to say."""
        queue.finish(self.connection, self._close(events), self.run_id, "done", reason)

    def skip(self, events: Sequence[Claimed], reason: str) -> None:
        """There is nothing to do."""
        queue.finish(self.connection, self._close(events), self.run_id, "skipped", reason)
        self.log.info(f"{_told(events)}: skipped. {reason}")

    def fail(self, events: Sequence[Claimed], reason: str) -> None:
        """It can't be done, now or later."""
        queue.finish(self.connection, self._close(events), self.run_id, "failed", reason)
        self.log.error(f"{_told(events)}: failed. {reason}")

    def retry(self, events: Sequence[Claimed], reason: str) -> None:
        """It went wrong: again after a pause, three times at most."""
        queue.give_back(self.connection, self._close(events), self.run_id, reason)
        self.log.warning(f"{_told(events)}: to be tried again. {reason}")

    def defer(self, events: Sequence[Claimed], until: datetime, reason: str) -> None:
        """It may not be done yet: again at ``until``, the attempt not counted."""
        queue.put_back(self.connection, self._close(events), self.run_id, reason, not_before=until)
        self.log.info(f"{_told(events)}: to be done from {until.isoformat(timespec='seconds')} on. {reason}")

    def _close(self, events: Sequence[Claimed]) -> list[str]:
        ids = [event.id for event in events]
        self.open -= set(ids)
        return ids


@contextmanager
def claimed(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    connection: Connection,
    ids: Sequence[str],
    started_here: Sequence[Event],
) -> Iterator[Claims]:
    """The events ``ids``, or, in a run that no event asked for, rows for the work ``started_here``.

    What is not ended inside is given back.
    """
    run_id = context.run.run_id
    liveness.hold(connection, run_id)
    with connection.transaction():
        if not ids and started_here:
            source: inbox.Source = "cli" if FROM_COMMAND_LINE in context.run.tags else "ui"
            ids = inbox.post(connection, started_here, source)
        events = queue.claim(connection, ids, run_id)
    claims = Claims(connection, run_id, events, context.log, {event.id for event in events})
    try:
        if events:
            context.log.info(f"{_told(events)}: taken.")
        if lost := sorted(set(ids) - claims.open):
            context.log.info(f"{_some(lost)}: done, cancelled or taken by another run meanwhile.")
        yield claims
    finally:
        if claims.open:
            queue.give_back(connection, sorted(claims.open), run_id, f"Run {run_id} ended before it was done.")
        liveness.release(connection, run_id)


def _told(events: Sequence[Claimed]) -> str:
    """The events by id, with what they are about."""
    return _some([f"{event.id} ({event.key})" if event.key else event.id for event in events])


def _some(texts: Sequence[str]) -> str:
    rest = len(texts) - _MOST_TOLD
    return ", ".join(texts[:_MOST_TOLD]) + (f" and {rest} more" if rest > 0 else "")
