"""A day's workspaces as a short table, for Dagster's UI: rows and what their columns mean."""

from dataclasses import dataclass
from datetime import date

from contrib_pipeline.metrics.definitions import BY_NAME
from contrib_pipeline.presentation.history import Row
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("tables", __package__)
_MOST_ROWS = 20
_DIGITS = 1
_COLUMNS = {
    "opened": "pull_requests_opened",
    "merged": "pull_requests_merged",
    "open": "pull_requests_open",
    "reviews": "reviews",
    "active": "active_contributors",
    "new": "new_contributors",
    "review h": "first_review_hours_p50",
    "merge h": "merge_hours_p50",
    "comments": "comments",
}
"""Heading → metric: short, and the most asked for first, since the UI shows the table in a narrow place and cuts it off
on the right; the meaning is the schema's."""


@dataclass(frozen=True)
class DayTable:
    """The workspaces in which most happened on a day."""

    rows: list[Row]
    """workspace (slug), the columns of ``MEANINGS``, final: 20 rows at most."""
    workspaces: int
    """How many workspaces the day has."""


MEANINGS = {
    "workspace": "The workspace's slug.",
    **{heading: BY_NAME[name].comment for heading, name in _COLUMNS.items()},
    "final": "The day can't change any more without being re-opened.",
}
"""Heading → what it says, in the rows' order."""


def day_table(connection: Connection, day: date) -> DayTable:
    """The table of ``day``; without rows where it has no workspace."""
    rows = connection.execute(_SQL["day"], {"day": day, "most": _MOST_ROWS}).fetchall()
    return DayTable([_shown(row) for row in rows], rows[0]["workspaces"] if rows else 0)


def _shown(row: Row) -> Row:
    numbers = {heading: row[name] for heading, name in _COLUMNS.items()}
    rounded = {k: round(value, _DIGITS) if isinstance(value, float) else value for k, value in numbers.items()}
    return {"workspace": row["workspace"], **rounded, "final": row["is_final"]}
