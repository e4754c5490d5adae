"""What the client asks before it sends, and tells after: the protocol of a budget of points and requests.

The budget that all processes share is kept in Postgres (``warehouse/budget.py``); here is only its shape.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Quota:
    """What GitHub's headers say is left: points, or REST requests, until when."""

    limit: int
    remaining: int
    reset_at: datetime


class Reservation(Protocol):
    """One request's place in the budget."""

    def settle(self, quota: Quota) -> None:
        """Correct the reserved cost by what the answer's headers say."""

    def pause(self, until: datetime, *, everywhere: bool) -> None:
        """No request of this credential before ``until``; ``everywhere``: neither GraphQL's nor REST's."""


class Budget(Protocol):
    """Where a request's points are reserved before it is sent."""

    def reserve(self, points: int, *, is_background: bool) -> AbstractContextManager[Reservation]:
        """Wait for a place, which work in the background gets later; raises an error if that takes over a minute."""
