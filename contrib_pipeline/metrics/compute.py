"""Computes ``metrics.workspace_daily`` and ``metrics.repository_daily``, a day at a time, from the facts.

What a number means is in ``definitions.py``, how it is counted in ``measure.sql``. Which days are to be computed is
the caller's business (``read.open_days``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from psycopg import sql

from contrib_pipeline.metrics.definitions import DAILY
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("daily", __package__)
_COLUMNS = sql.SQL(", ").join(sql.Identifier(metric.name) for metric in DAILY)
_WRITE = sql.SQL(load("measure", __package__)["measure"] + _SQL["write"]).format(columns=_COLUMNS)


@dataclass(frozen=True)
class Computed:
    """What one day's computation wrote."""

    day: date
    workspaces: int
    """Rows of ``metrics.workspace_daily``: one per active workspace."""
    workspaces_final: int
    repositories: int
    """Rows of ``metrics.repository_daily``."""
    repositories_final: int
    behind: tuple[str, ...]
    """Members that keep this day from being final, by name; empty while the day is not over."""


def compute_days(
    connection: Connection, days: Iterable[date], *, workspace_ids: Sequence[UUID] | None = None
) -> list[Computed]:
    """Write the rows of ``days`` anew, one transaction each, and say what was written.

    All active workspaces and all repositories, or only ``workspace_ids`` and their repositories. Rows of what is no
    longer there (a deactivated workspace) go. Any number of processes may do this at once.
    """
    ids = None if workspace_ids is None else list(workspace_ids)
    return [_compute_day(connection, day, ids) for day in days]


def _compute_day(connection: Connection, day: date, workspace_ids: list[UUID] | None) -> Computed:
    start = datetime.combine(day, time(), UTC)
    with connection.transaction():
        connection.execute(_SQL["set_planner"])
        connection.execute(_SQL["lock"], {"day": day})
        values = {
            "day": day,
            "start": start,
            "stop": start + timedelta(days=1),
            "workspace_ids": workspace_ids,
            "repository_ids": repositories_of(connection, workspace_ids),
        }
        connection.execute(_SQL["delete_workspaces"], values)
        connection.execute(_SQL["delete_repositories"], values)
        written = connection.execute(_WRITE, values).fetchone()
    assert written is not None
    return Computed(day, **written | {"behind": tuple(written["behind"])})


def repositories_of(connection: Connection, workspace_ids: list[UUID] | None) -> list[int] | None:
    """The repositories of these workspaces; None (all) for None."""
    if workspace_ids is None:
        return None
    row = connection.execute(_SQL["repositories_of"], {"workspace_ids": workspace_ids}).fetchone()
    return row["repository_ids"] if row else []
