"""Reads what was computed: the days of a workspace, and which days are still to be computed."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("daily", __package__)


def workspace_days(connection: Connection, workspace_id: UUID, first: date, last: date) -> list[dict[str, Any]]:
    """Rows of ``metrics.workspace_daily`` from ``first`` to ``last``, both included, oldest first.

    A day that was never computed has no row.
    """
    values = {"workspace_id": workspace_id, "first": first, "last": last}
    return connection.execute(_SQL["read"], values).fetchall()


def open_days(
    connection: Connection, first: date, last: date, *, workspace_ids: Sequence[UUID] | None = None
) -> list[date]:
    """The days from ``first`` to ``last`` that are to be computed (again), oldest first.

    Those on which an active workspace, of all or of ``workspace_ids``, has no row yet or one that is not final; of all,
    also those on which a repository, in a workspace or in none, has a row that is not final and could be.
    """
    ids = None if workspace_ids is None else list(workspace_ids)
    rows = connection.execute(_SQL["open_days"], {"first": first, "last": last, "workspace_ids": ids})
    return [row["day"] for row in rows]


def day_totals(connection: Connection, day: date) -> dict[str, int]:
    """Some counts of ``day`` over all repositories that are computed: what a chart over time should show."""
    row = connection.execute(_SQL["totals"], {"day": day}).fetchone()
    assert row is not None
    return row


def day_rows(connection: Connection, day: date) -> dict[str, tuple[int, int]]:
    """How many rows each of the daily tables has for ``day``, and how many of them are final."""
    return {row["name"]: (row["rows"], row["final"]) for row in connection.execute(_SQL["rows"], {"day": day})}
