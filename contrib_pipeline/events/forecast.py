"""When the queue will be through: an estimate from what the database has measured.

Nothing here decides what runs when; that is ``queue``'s and ``dispatch``'s business, and GitHub's.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contrib_pipeline.events.commands import HISTORY, RECONCILE, SWEEP
from contrib_pipeline.warehouse.budget import Limits, budget_state
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("forecast")
_LATELY = timedelta(hours=1)
_SYNC, _DISCUSSIONS = "capture/repository.sync", "sync/discussions"
_ONE_REPOSITORY = ["repository", "owner", "repositoryId", "repository_id"]
"""With one of these, discussions are asked for of one repository, else of all."""


@dataclass(frozen=True)
class Pace:
    """What waits of one sort of events (histories, or all others), and how such events went during the last hour."""

    waiting: int
    in_background: int
    """Of those, the ones that nobody waits for: they leave more of GitHub's points to others."""
    last_begins_at: datetime
    """The latest moment that one of them waits for (a retry, GitHub's budget); past where all are due."""
    ended: int
    busy: timedelta
    """How long at least one of them was due or under way."""
    points: int
    """What captures of the sort that finished cost."""


@dataclass(frozen=True)
class Forecast:
    """When the queue will be through."""

    waiting: int
    through_at: datetime | None
    """None: nothing waits, or it is unknown."""

    def seconds(self, now: datetime) -> float | None:
        """Until it is through: 0 where nothing waits, None where it is unknown."""
        if not self.waiting:
            return 0.0
        return None if self.through_at is None else (self.through_at - now).total_seconds()

    def __str__(self) -> str:
        if not self.waiting:
            return "nothing waits"
        if self.through_at is None:
            return "unknown: nothing like what waits was done within the last hour"
        return f"through at about {self.through_at:%Y-%m-%d %H:%M} UTC"


def forecast(paces: Sequence[Pace], budgets: Iterable[Mapping[str, Any]], now: datetime) -> Forecast:
    """The latest of three moments; unknown where nothing of a sort that waits has ended within the last hour.

    - All that waits is done at the pace of the last hour. Histories and other events run beside each other and have
      paces of their own: events that ended, by the time during which some were there to be done.
    - The last one that may not begin yet begins, and is done.
    - GitHub has given the points that all this will cost if it costs what such captures cost lately: those that are
      left now above what is kept for others, and a full hour's at each reset. What nobody waits for comes last, and
      leaves more.

    ``budgets`` are rows of :func:`~contrib_pipeline.warehouse.budget.budget_state`. What comes in meanwhile is not
    foreseen.
    """
    waiting = sum(pace.waiting for pace in paces)
    if not waiting or not all(pace.ended for pace in paces if pace.waiting):
        return Forecast(waiting, None)
    ends = [end for pace in paces if pace.waiting for end in _ends(pace, now)]
    used = [b for b in budgets if b["resource"] == "graphql" and b["reset_at"]]
    each = [(pace, pace.points / pace.ended) for pace in paces if pace.waiting]
    first = sum((pace.waiting - pace.in_background) * points for pace, points in each)
    paid = [_paid_at(first, used, now)]
    if behind := sum(pace.in_background * points for pace, points in each):
        paid.append(_paid_at(first + behind, used, now, Limits.background_share))
    return Forecast(waiting, max(*ends, *paid))


def _ends(pace: Pace, now: datetime) -> tuple[datetime, datetime]:
    each = pace.busy / pace.ended
    return now + pace.waiting * each, max(now, pace.last_begins_at) + each


def _paid_at(points: float, used: Sequence[Mapping[str, Any]], now: datetime, share: float = 0) -> datetime:
    """When GitHub has given ``points``, over all credentials that were used within the hour.

    ``share`` of each hour's is left besides what is kept for others.
    """
    kept = [round(b["points_limit"] * (b["floor_share"] + share)) for b in used]
    an_hour = sum(b["points_limit"] for b in used) - sum(kept)
    missing = points - sum(max(0.0, b["points_left"] - floor) for b, floor in zip(used, kept, strict=True))
    if missing <= 0 or an_hour <= 0:
        return now
    resets = math.ceil(missing / an_hour)
    return max(b["reset_at"] for b in used) + (resets - 1) * timedelta(hours=1)  # type: ignore[no-any-return]


def read_forecast(connection: Connection, now: datetime | None = None) -> Forecast:
    """The forecast of this moment."""
    now = now or datetime.now(UTC)
    values = {
        "now": now,
        "since": now - _LATELY,
        "history": HISTORY,
        "sync": _SYNC,
        "discussions": _DISCUSSIONS,
        "one_repository": _ONE_REPOSITORY,
        "background_reasons": [RECONCILE, SWEEP],
    }
    paces = [Pace(**row) for row in connection.execute(_SQL["pace"], values)]
    return forecast(paces, budget_state(connection), now)
