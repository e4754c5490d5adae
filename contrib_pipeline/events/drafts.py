"""The row that an event becomes, before it is written: pure, given what we hold of repositories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contrib_pipeline.events.catalogue import Ignored, NotUnderstood, Outcome, Understood, understand
from contrib_pipeline.events.cleaning import clean_text
from contrib_pipeline.events.commands import Discover, OfRepository
from contrib_pipeline.events.repositories import Lookup
from contrib_pipeline.events.ulids import Seed

Source = Literal["inngest", "webhook", "cli", "schedule", "ui"]
Row = dict[str, Any]
"""A row of events.inbox, by column."""


@dataclass(frozen=True)
class Event:
    """One event as it came."""

    name: str
    data: Mapping[str, Any]
    external_id: str | None = None
    """The sender's id, if any."""
    id: str | None = None
    """The ULID it is to have; made where None."""
    function: str | None = None
    """What to understand it as, where that is not its name (webhooks)."""
    ignored: str | None = None
    """Why there is nothing to do, where that is already known (webhooks)."""


def drafts(events: Sequence[Event], payloads: Sequence[Mapping[str, Any]], source: Source, find: Lookup) -> list[Row]:
    """The rows of ``events`` with their cleaned ``payloads``, in order: pending, skipped or quarantined."""
    seed = Seed.fresh()
    return [
        {
            "id": event.id or seed.id(position),
            "name": clean_text(event.name),
            "data": payload,
            "source": source,
            "external_id": clean_text(event.external_id) if event.external_id else None,
            "attempts": 0,
            "run_id": None,
            **meaning(_outcome(event, payload, find, source)),
        }
        for position, (event, payload) in enumerate(zip(events, payloads, strict=True), start=1)
    ]


def _outcome(event: Event, payload: Mapping[str, Any], find: Lookup, source: Source) -> Outcome:
    if event.ignored:
        return Ignored(event.ignored)
    outcome = understand(event.function or event.name, payload, find)
    if source == "webhook" and isinstance(outcome, Understood) and isinstance(outcome.command, OfRepository):
        command = outcome.command
        if command.key in find.untracked and not isinstance(command, Discover):
            reason = f"{command.repository} is not tracked: contrib-pipeline track {command.repository}."
            return Ignored(reason, outcome.function)
    return outcome


def meaning(outcome: Outcome) -> Row:
    """The columns that depend on what the event asks for."""
    match outcome:
        case Understood(function=function, priority=priority):
            return _columns("pending", function=function, key=outcome.key, priority=priority)
        case Ignored(reason=reason, function=function):
            return _columns("skipped", function=function, reason=reason)
        case NotUnderstood(reason=reason, function=function):
            return _columns("quarantined", function=function, reason=reason)


def _columns(
    state: str,
    *,
    function: str | None = None,
    key: str | None = None,
    priority: int = 0,
    reason: str | None = None,
) -> Row:
    return {"state": state, "function": function, "key": key, "priority": priority, "reason": reason}
