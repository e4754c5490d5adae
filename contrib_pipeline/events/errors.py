"""What can be wrong with an event, as one line for a person."""

from typing import Any

_LONGEST_SHOWN = 80


class EventError(Exception):
    """What was asked of the inbox can't be done; the message says why and what now."""


class BadPayload(ValueError):
    """A payload can't be understood; the message names the field and the remedy."""


class UnsafeBind(EventError):
    """The receiver would accept events from anybody."""


def shown(value: Any) -> str:
    """``value`` as a message quotes it: its beginning, control characters escaped."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
