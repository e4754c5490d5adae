"""A GitHub App's webhook deliveries: those that did not arrive are asked for again.

GitHub never delivers again by itself. It lists every attempt for about three days, newest first; the attempts of one
delivery share its guid. Source: docs.github.com, "Handling failed webhook deliveries".
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from contrib_pipeline.github.credentials import App

_PATH = "/app/hook/deliveries"
_MOST_PAGES = 50
# What failed so often would fail again: a wrong secret, a body that is too large.
_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Redelivered:
    """What was asked for again."""

    guids: tuple[str, ...]
    given_up: int
    """Deliveries that failed three times."""
    is_whole: bool
    """Whether all attempts since the instant were looked at; false where there are more than 5,000."""


def redeliver_failed(app: App, since: datetime) -> Redelivered:
    """Ask GitHub to deliver again what failed after ``since`` (aware) and has not arrived meanwhile.

    Raises :class:`~contrib_pipeline.github.errors.GitHubError`, and what the budget raises for a wait of over a minute;
    what was asked for until then stays asked for.
    """
    attempts, is_whole = _attempts(app, since)
    arrived = {attempt["guid"] for attempt in attempts if attempt["status"] == "OK"}
    failed = Counter(attempt["guid"] for attempt in attempts if attempt["guid"] not in arrived)
    newest = {attempt["guid"]: attempt["id"] for attempt in reversed(attempts)}
    again = [guid for guid, times in failed.items() if times < _MOST_ATTEMPTS]
    for guid in reversed(again):  # the oldest first, as they happened
        app.request("POST", f"{_PATH}/{newest[guid]}/attempts", is_background=True)
    return Redelivered(tuple(again), len(failed) - len(again), is_whole)


def _attempts(app: App, since: datetime) -> tuple[list[dict[str, Any]], bool]:
    """The attempts after ``since``, newest first, and whether they are all of them."""
    found: list[dict[str, Any]] = []
    for page in _pages(app):
        found += [attempt for attempt in page if datetime.fromisoformat(attempt["delivered_at"]) > since]
        if not page or datetime.fromisoformat(page[-1]["delivered_at"]) <= since:
            return found, True
    return found, False


def _pages(app: App) -> Iterator[list[dict[str, Any]]]:
    """Pages of the list; after the last one an empty one, unless there are too many."""
    query = "per_page=100"
    for _ in range(_MOST_PAGES):
        reply = app.request("GET", f"{_PATH}?{query}", is_background=True)
        yield reply.json()
        if "next" not in reply.links:
            yield []
            return
        query = urlsplit(reply.links["next"]["url"]).query
