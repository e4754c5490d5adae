"""Instants as GitHub writes them: ``2026-11-24T09:30:00Z``. In this spelling they sort and compare as text."""

import time
from calendar import timegm

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def text(seconds: float) -> str:
    """Seconds since 1970 in GitHub's spelling."""
    return time.strftime(_FORMAT, time.gmtime(seconds))


def seconds(instant: str) -> int:
    """GitHub's spelling as seconds since 1970."""
    return timegm(time.strptime(instant, _FORMAT))


def later(instant: str, by: float) -> str:
    """``by`` seconds after ``instant``."""
    return text(seconds(instant) + by)


def now() -> str:
    """The present second."""
    return text(time.time())
