"""What pictures and reports show: the recent past of some repositories, counted from the facts.

How it looks is in ``pictures.py`` and ``report.py``.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

WEEKS = 13
RECENT_DAYS = 30

_SQL = load("history", __package__)

Row = dict[str, Any]


@dataclass(frozen=True)
class History:
    """Thirteen weeks of some repositories, up to and with ``last_day``."""

    last_day: date
    days: list[Row]
    """day, opened, merged, reviews, comments: a row for each of the 91 days."""
    weeks: list[Row]
    """day (the week's last), first_review_hours_p50 and _p90, merge_hours_p50 and _p90; null where there were none."""
    reviewers: list[Row]
    """contributor, is_bot, reviews of others' pull requests: over 30 days, persons first, most first."""


def members(connection: Connection, workspace_id: UUID | None = None) -> list[int]:
    """Ids of the repositories of a workspace; without one, of all active workspaces."""
    row = connection.execute(_SQL["members"], {"workspace_id": workspace_id}).fetchone()
    return row["repository_ids"] if row else []


def history(connection: Connection, repository_ids: list[int], last_day: date) -> History:
    """What happened in these repositories until the end of ``last_day``."""
    values = _spans(last_day) | {"repository_ids": repository_ids}
    days, weeks, reviewers = (
        connection.execute(_SQL[name], values).fetchall() for name in ("days", "weeks", "reviewers")
    )
    return History(last_day, days, weeks, reviewers)


def responses(connection: Connection, repository_ids: list[int], last_day: date) -> Row:
    """First reviews of 30 days: pull_requests, within_4, _24, _72, _168 (hours), first_review_hours_p50 and _p90."""
    values = _spans(last_day) | {"repository_ids": repository_ids}
    row = connection.execute(_SQL["responses"], values).fetchone()
    assert row is not None
    return row


def authors_of_half(connection: Connection, repository_ids: list[int], last_day: date) -> list[Row]:
    """The persons whom the contributor absence factor of 90 days counts: contributor, merged."""
    values = _spans(last_day) | {"repository_ids": repository_ids}
    return connection.execute(_SQL["authors_of_half"], values).fetchall()


def _spans(last_day: date) -> dict[str, datetime]:
    stop = datetime.combine(last_day + timedelta(days=1), time(), UTC)
    return {
        "start": stop - timedelta(weeks=WEEKS),
        "quarter": stop - timedelta(days=90),
        "recently": stop - timedelta(days=RECENT_DAYS),
        "stop": stop,
    }
