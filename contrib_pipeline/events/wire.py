"""Inngest's event API on the wire: the body of a request as events, or what is wrong with it.

Written after Inngest's own server (pkg/api, pkg/eventstream, pkg/event): the body is read as JSON whatever its content
type says, else as a form; a request is not atomic: events before a bad one are accepted. Pure; HTTP is
``receiver``'s business.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.ulids import Seed

LARGEST_EVENT = 3 * 1024 * 1024
LARGEST_REQUEST = 64 * 1024 * 1024
"""Bytes. Inngest has no such limit; this is what 5,000 events of ordinary size need, with room to spare."""
MOST_EVENTS = 5_000
_NOT_EVENTS = "Request body must contain an event object or an array of event objects"
_EARLIEST = 315_532_800_000  # 1980-01-01 in milliseconds
_LATEST = 4_102_444_800_000  # 2100-01-01
_RESERVED = "inngest/"


class WireError(Exception):
    """A request that can't be accepted, with the HTTP status that says so."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Parsed:
    """The events of a request, up to the first bad one."""

    events: tuple[Event, ...]
    error: WireError | None = None


def read_json(body: bytes) -> Any:
    """``body`` as JSON. Raises :class:`WireError`, also for NaN, numbers out of range and bottomless nesting."""
    try:
        return json.loads(body, parse_constant=_not_a_number, parse_float=_finite)
    except RecursionError:
        raise WireError("Request body is nested too deeply") from None
    except ValueError as error:
        raise WireError(f"Request body is not valid JSON: {error}") from None


def read_request(body: bytes, content_type: str, seed: Seed) -> Parsed:
    """The events of ``body``, with ids made from ``seed``. Raises :class:`WireError` where there are none to accept."""
    value = _decoded(body, content_type)
    elements = value if isinstance(value, list) else [value]
    if len(elements) > MOST_EVENTS:
        raise WireError(f"Cannot have more than {MOST_EVENTS} events in a batch")
    if len(body) > LARGEST_EVENT and not isinstance(value, list):
        raise _too_large(1)
    events: list[Event] = []
    try:
        for position, element in enumerate(elements, start=1):
            if len(body) > LARGEST_EVENT and _size(element) > LARGEST_EVENT:
                raise _too_large(position)
            events.append(_event(element, seed.id(position)))
    except WireError as error:
        return Parsed(tuple(events), error)
    return Parsed(tuple(events))


def _decoded(body: bytes, content_type: str) -> Any:
    if not body.strip():
        return []
    if body.lstrip()[:1] in (b"{", b"["):
        return read_json(body)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _from_form(_parts(body, content_type))
    if kind == "application/x-www-form-urlencoded":
        return _from_form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    raise WireError(_NOT_EVENTS)


def _parts(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    message = message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace") + body, policy=HTTP
    )
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            yield name, content.decode("utf-8", "replace")


def _from_form(fields: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> dict[str, Any]:
    """One event of a form's fields: ``data`` as JSON, ``ts`` as a number."""
    event: dict[str, Any] = dict(fields)
    if event.get("data"):
        event["data"] = read_json(event["data"].encode())
    if event.get("ts", "").isdecimal():
        event["ts"] = int(event["ts"])
    return event


def _event(value: Any, event_id: str) -> Event:
    if not isinstance(value, dict):
        raise WireError(_NOT_EVENTS)
    name, data, external_id = value.get("name"), value.get("data"), value.get("id")
    if not isinstance(name, str) or not name.strip():
        raise WireError("event name is empty")
    if name.lower().startswith(_RESERVED):
        raise WireError(f"event name is reserved for internal use: {name[:100]}")
    if data is not None and not isinstance(data, dict):
        raise WireError("event data must be an object")
    if external_id is not None and not isinstance(external_id, str):
        raise WireError("event id must be a string")
    _check_time(value.get("ts"))
    kept = {key: inner for key, inner in (data or {}).items() if key != "_inngest"}
    return Event(name, kept, external_id or None, event_id)


def _check_time(milliseconds: Any) -> None:
    if milliseconds is None or milliseconds == 0:
        return
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int):
        raise WireError("event ts must be a whole number of milliseconds")
    if milliseconds < _EARLIEST:
        raise WireError("timestamp is before Jan 1, 1980")
    if milliseconds >= _LATEST:
        raise WireError("timestamp is after Jan 1, 2100")


def _size(element: Any) -> int:
    """Bytes of one of several events, written without spaces."""
    return len(json.dumps(element, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _too_large(position: int) -> WireError:
    message = f"Event {position} is larger than {LARGEST_EVENT // 1024 // 1024} MiB"
    return WireError(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def _not_a_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return number
