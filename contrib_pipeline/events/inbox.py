"""Events on their way in: every event becomes a row before its sender gets an answer.

Posting, recording what a person started in the UI, replaying, looking, forgetting. Handing rows to runs is
``queue``'s business, what a payload means ``catalogue``'s.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from psycopg.types.json import Jsonb

from contrib_pipeline.events.catalogue import understand
from contrib_pipeline.events.cleaning import clean
from contrib_pipeline.events.drafts import Event, Row, Source, drafts, meaning
from contrib_pipeline.events.errors import EventError
from contrib_pipeline.events.logs import Fields
from contrib_pipeline.events.repositories import look_up, references
from contrib_pipeline.events.ulids import new_id
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

__all__ = [
    "Event", "Row", "Source", "activity", "counts", "depth", "keys_asked_for", "list_events", "post", "prune", "record",
    "replay", "show",
]  # fmt: skip

log = logging.getLogger(__name__)
_SQL = load("inbox")
_AT_ONCE = timedelta(0)
_LONGEST_NAME_LOGGED = 200
_LONGEST_EXTERNAL_ID = 500  # what fits an index entry, with room to spare

# How long a sender's id is remembered: GitHub redelivers for days.
_WINDOWS: dict[Source, timedelta] = {"webhook": timedelta(days=30)}
_INNGEST_WINDOW = timedelta(hours=24)
# Not orjson: its integers end at 64 bits, an event's don't.
_dumps = partial(json.dumps, allow_nan=False, ensure_ascii=False)


def post(connection: Connection, events: Sequence[Event], source: Source, *, delay: timedelta = _AT_ONCE) -> list[str]:
    """Write ``events`` into the inbox, all or none of them; their ids in the same order.

    None is started before ``delay`` has passed. An event whose sender's id came before is skipped; a webhook that
    came before gets no new row, and its first one is started again if it had failed.
    """
    with connection.transaction():
        rows = _drafts(connection, events, source)
        repeats = _repeats(connection, rows, source)
        new = [_skipped(row, repeats.get(row["id"])) for row in rows]
        if source == "webhook" and repeats:
            new = [row for row in rows if row["id"] not in repeats]
            connection.execute(_SQL["reset_failed"], {"ids": list(repeats.values()), "delay": delay})
        fresh = _insert(connection, new, delay)
    elsewhere = {**(repeats if source == "webhook" else {}), **fresh}
    ids = [elsewhere.get(row["id"]) or row["id"] for row in rows]
    states = {row["id"]: row["state"] for row in new}
    for row, event_id in zip(rows, ids, strict=True):
        _log(row, event_id, states.get(row["id"], "repeated"))
    return ids


def record(connection: Connection, events: Sequence[Event], source: Source, run_id: str) -> list[str]:
    """Rows for work that ``run_id`` is already doing (started in the UI or by a command); their ids.

    Raises :class:`EventError` for an event that asks for nothing.
    """
    with connection.transaction():
        rows = _drafts(connection, events, source)
        for row in rows:
            if row["state"] != "pending":
                raise EventError(f"{row['name']}: {row['reason']}")
            row.update(state="running", run_id=run_id, attempts=1)
        _insert(connection, rows, _AT_ONCE)
    return [row["id"] for row in rows]


def replay(connection: Connection, ids: Sequence[str], data: Mapping[str, Any] | None = None) -> list[Row]:
    """Start events again from the beginning, with other ``data`` if given; their rows, which may be quarantined again.

    Raises :class:`EventError` for an id that is unknown or running.
    """
    with connection.transaction():
        rows = connection.execute(_SQL["lock_for_replay"], {"ids": list(ids)}).fetchall()
        _refuse_replay(ids, rows)
        payloads = [clean(dict(data)) if data is not None else row["data"] for row in rows]
        find = look_up(connection, references(payloads))
        for row, payload in zip(rows, payloads, strict=True):
            outcome = understand(row["function"] or row["name"], payload, find)
            values = {**meaning(outcome), "id": row["id"], "data": _json(payload)}
            connection.execute(_SQL["replay"], values)
    return [show(connection, id_) for id_ in ids]


def _refuse_replay(ids: Sequence[str], rows: Sequence[Row]) -> None:
    if unknown := set(ids) - {row["id"] for row in rows}:
        raise EventError(f"No event has the id {', '.join(sorted(unknown))}: see contrib-pipeline events.")
    if running := [row["id"] for row in rows if row["state"] == "running"]:
        raise EventError(f"{', '.join(running)} is running: cancel it first, or wait.")


def show(connection: Connection, event_id: str) -> Row:
    """One event, by our id or the sender's. Raises :class:`EventError` where there is none."""
    row = connection.execute(_SQL["show"], {"id": event_id}).fetchone()
    if row is None:
        raise EventError(f"No event has the id {event_id}: see contrib-pipeline events.")
    return row


def list_events(
    connection: Connection,
    *,
    state: str | None = None,
    name: str | None = None,
    repository: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """The newest events, those in a state, of a name or function, about a repository."""
    values = {"state": state, "name": name, "key": repository and repository.lower(), "limit": limit}
    return connection.execute(_SQL["list"], values).fetchall()


def keys_asked_for(
    connection: Connection, function: str, keys: Sequence[str], *, reason: str | None, within: timedelta
) -> set[str]:
    """Which of ``keys`` (in any case) an event of ``function`` waits for, or was received for ``within`` that time.

    Of all such events, or only of those with this ``reason``. The keys come back in lower case.
    """
    values = {"function": function, "keys": [key.lower() for key in keys], "reason": reason, "within": within}
    return {row["key"] for row in connection.execute(_SQL["keys_asked_for"], values)}


def counts(connection: Connection) -> list[Row]:
    """How many events there are: name (of the function, ``other`` where there is none), state, events."""
    return connection.execute(_SQL["counts"]).fetchall()


def depth(connection: Connection) -> Row:
    """What is pending: due, later, and for how many seconds the oldest that is due has waited (oldest_seconds)."""
    row = connection.execute(_SQL["depth"]).fetchone()
    assert row is not None
    return row


def activity(connection: Connection, after: datetime, until: datetime) -> Row:
    """How many events came (``received``) and ``ended`` between two instants; how many are failed, quarantined now."""
    row = connection.execute(_SQL["activity"], {"after": after, "until": until}).fetchone()
    assert row is not None
    return row


def prune(connection: Connection, days: int = 30) -> int:
    """Forget what finished ``days`` ago, failed and quarantined events twelve times later; how many rows went."""
    age = {"age": timedelta(days=days)}
    connection.execute(_SQL["prune_external_ids"], {"age": max(age["age"], *_WINDOWS.values())})
    return connection.execute(_SQL["prune"], age).rowcount


def _log(row: Row, event_id: str, state: str) -> None:
    name = row["name"][:_LONGEST_NAME_LOGGED]
    log.info(Fields(event=event_id, name=name, source=row["source"], key=row["key"], state=state))


def _drafts(connection: Connection, events: Sequence[Event], source: Source) -> list[Row]:
    payloads = [clean(dict(event.data)) for event in events]
    return drafts(events, payloads, source, look_up(connection, references(payloads)))


def _repeats(connection: Connection, rows: Sequence[Row], source: Source) -> dict[str, str]:
    """The ids of rows whose sender's id came before, with the id of the first."""
    named = {row["id"]: _remembered(row["external_id"], source) for row in rows if _is_work(row)}
    if not named:
        return {}
    given = [{"external_id": name, "id": id_, "position": at} for at, (id_, name) in enumerate(named.items())]
    values = {"rows": _json(given), "window": _WINDOWS.get(source, _INNGEST_WINDOW)}
    firsts = {row["external_id"]: row["first_id"] for row in connection.execute(_SQL["remember"], values)}
    return {id_: firsts[name] for id_, name in named.items() if firsts[name] != id_}


def _is_work(row: Row) -> bool:
    """What was quarantined may be sent again, corrected, under the same id."""
    return row["external_id"] is not None and row["state"] == "pending"


def _remembered(external_id: str, source: Source) -> str:
    scope = "webhook" if source == "webhook" else "event"
    if len(external_id) > _LONGEST_EXTERNAL_ID:
        return f"{scope}:sha256:{hashlib.sha256(external_id.encode()).hexdigest()}"
    return f"{scope}:{external_id}"


def _skipped(row: Row, first: str | None) -> Row:
    return {**row, "state": "skipped", "reason": f"Repeats {first}: the sender's id is the same."} if first else row


def _insert(connection: Connection, rows: Sequence[Row], delay: timedelta) -> dict[str, str]:
    """Write ``rows``; where an id was taken by another event, the id written in its place."""
    fresh: dict[str, str] = {}
    while rows:
        written = connection.execute(_SQL["insert"], {"rows": _json(rows), "delay": delay})
        taken = {row["id"] for row in rows} - {row["id"] for row in written}
        fresh |= {id_: new_id() for id_ in taken}
        rows = [{**row, "id": fresh[row["id"]]} for row in rows if row["id"] in taken]
    return fresh


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=_dumps)
