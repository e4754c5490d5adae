"""What must hold of the metrics, each rule once: its name, the table it is about, its meaning, and its SQL's offenders.

A number that must be right is compared with the facts by the tests; here is watched what can go wrong while it runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg import sql

from contrib_pipeline.metrics.definitions import DAILY, TRENDS, WINDOWS
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("checks", __package__)


@dataclass(frozen=True)
class Check:
    """One rule."""

    name: str
    table: str
    """The table in schema metrics that it is about."""
    sentence: str
    is_warning: bool = False
    """What it finds may be so: it is to be looked at."""


CHECKS = (
    Check("every_day_is_there", "workspace_daily", "Every day of the retention that is over has rows."),
    Check("a_row_per_active_workspace", "workspace_daily", "Every day has a row for each active workspace."),
    Check(
        "what_happened_was_counted",
        "workspace_daily",
        "The day that ended last was computed since, and counts as much as happened: a run that wrote nothing, or "
        "zeros, shows here.",
    ),
    Check(
        "repositories_add_up",
        "workspace_daily",
        "On final days the things that a workspace counts are the sums of its repositories'.",
    ),
    Check("numbers_are_possible", "workspace_daily", "No number is negative or larger than what it is part of."),
    Check(
        "no_sudden_drop",
        "workspace_daily",
        "No workspace did a fifth or less of what is usual on that weekday, on the day that ended last.",
        is_warning=True,
    ),
    Check("numbers_are_possible", "repository_daily", "No number is negative or larger than what it is part of."),
    Check("trends_are_there", "workspace_trends", "The day that ended last has all trends, of every active workspace."),
    Check(
        "contributors_are_there",
        "workspace_contributors",
        "Every active workspace in which people did something lists somebody.",
    ),
)

_NAMES = {
    "workspace_daily": "(select slug from workspaces.workspaces where id = workspace_id)",
    "repository_daily": "(select name_with_owner from github.repositories where id = repository_id)",
}
# Persons and hours of several repositories do not add up; two repositories may have the same reviewer.
_ADDED = (
    "case when not bool_or(repository_daily.day is not null and repository_daily.{0} is null)"
    " then coalesce(sum(repository_daily.{0}), 0) end"
)
_ADDITIVE = [metric.name for metric in DAILY if metric.unit not in ("people", "hours")]


def offenders(connection: Connection, check: Check, today: date, retention_days: int) -> list[dict[str, Any]]:
    """What breaks the rule, the worst first: what, detail, and offenders (how many there are); empty if it holds."""
    values = {
        "today": today,
        "first": today - timedelta(days=retention_days - 1),
        "numbers": len(TRENDS) * len(WINDOWS),
    }
    query = sql.SQL(_SQL[check.name]).format(
        table=sql.Identifier(check.table),
        name=sql.SQL(_NAMES.get(check.table, "null")),
        columns=_listed(sql.Identifier(metric.name) for metric in DAILY),
        whole=_listed(sql.SQL("workspace_daily.{}").format(sql.Identifier(name)) for name in _ADDITIVE),
        added=_listed(sql.SQL(_ADDED).format(sql.Identifier(name)) for name in _ADDITIVE),
    )
    return connection.execute(query, values).fetchall()


def _listed(parts: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)
