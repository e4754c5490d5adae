"""Computes what looks back over many days: ``metrics.workspace_trends`` and ``metrics.workspace_contributors``.

Both are counted from the facts of their windows, never from daily rows: a median of medians is no median.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from contrib_pipeline.metrics.compute import repositories_of
from contrib_pipeline.metrics.definitions import TRENDS, WINDOWS
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load


class Topic(StrEnum):
    """Trends that are counted from the same rows, so that they are computed together, and beside those of others.

    A topic has a lock and a transaction of its own, and rows that no other touches.
    """

    WORK = "work"
    PEOPLE = "people"
    NEWCOMERS = "newcomers"

    @property
    def metrics(self) -> list[str]:
        single = {Topic.PEOPLE: "active_contributors", Topic.NEWCOMERS: "new_contributors"}
        if self in single:
            return [single[self]]
        return [metric.name for metric in TRENDS if metric.name not in single.values()]


_TRENDS = load("trends", __package__)
_TOPICS = {topic: load(f"trends_of_{topic}", __package__) for topic in Topic}
_CONTRIBUTORS = load("contributors", __package__)
_STARTS = sorted({days for window in WINDOWS for days in (window, 2 * window)}, reverse=True)
"""Days before the end at which a window begins, or the one before it."""


def compute_trends(
    connection: Connection, days: Iterable[date], *, workspace_ids: Sequence[UUID] | None = None
) -> dict[date, int]:
    """Write the trends that end with each of ``days`` anew, a topic after the other; rows written by day.

    Of all active workspaces, or of ``workspace_ids``.
    """
    return {
        day: sum(compute_topic(connection, topic, day, workspace_ids=workspace_ids) for topic in Topic) for day in days
    }


def compute_topic(
    connection: Connection, topic: Topic, day: date, *, workspace_ids: Sequence[UUID] | None = None
) -> int:
    """Write a topic's trends that end with ``day`` anew, in one transaction; rows written."""
    ids = None if workspace_ids is None else list(workspace_ids)
    *gathering, numbers = _TOPICS[topic].values()
    stop = _end(day)
    with connection.transaction():
        connection.execute(_TRENDS["set_planner"])
        connection.execute(_TRENDS["lock"], {"topic": topic, "day": day})
        values = {
            "day": day,
            "metrics": topic.metrics,
            "stop": stop,
            "starts": [stop - timedelta(days=days) for days in _STARTS],
            "workspace_ids": ids,
            "repository_ids": repositories_of(connection, ids),
        }
        for statement in gathering:
            connection.execute(statement, values)
        connection.execute(_TRENDS["delete"], values)
        return connection.execute(_TRENDS["windows"] + numbers + _TRENDS["write"], values).rowcount


def workspace_trends(connection: Connection, workspace_id: UUID, day: date) -> list[dict[str, Any]]:
    """The trends of a workspace that end with ``day``: window_days, metric, current, previous, change_percent."""
    return connection.execute(_TRENDS["read"], {"workspace_id": workspace_id, "day": day}).fetchall()


def compute_contributors(connection: Connection, today: date, *, workspace_ids: Sequence[UUID] | None = None) -> int:
    """Write who did most, for ``today`` and each workspace's newest final day, and drop other days; rows written.

    Of all active workspaces, or of ``workspace_ids``.
    """
    ids = None if workspace_ids is None else list(workspace_ids)
    with connection.transaction():
        connection.execute(_CONTRIBUTORS["set_planner"])
        connection.execute(_CONTRIBUTORS["lock"])
        values: dict[str, Any] = {"today": today, "workspace_ids": ids}
        days = [row["day"] for row in connection.execute(_CONTRIBUTORS["days"], values)]
        values |= {"days": days, "stops": [_end(day) for day in days]}
        connection.execute(_CONTRIBUTORS["prepare"])
        connection.execute(_CONTRIBUTORS["gather"], values | {"repository_ids": repositories_of(connection, ids)})
        connection.execute(_CONTRIBUTORS["index"])
        connection.execute(_CONTRIBUTORS["delete"], values)
        return connection.execute(_CONTRIBUTORS["write"], values).rowcount


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)
