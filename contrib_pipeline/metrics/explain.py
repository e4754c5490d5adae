"""The rows behind one number of ``metrics.workspace_daily``.

The rows are the facts as they stand now; where the number was computed before a fact arrived, they differ until the
day is computed again. How they make the number is in the metric's sentence (``definitions.py``).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from contrib_pipeline.metrics.definitions import BY_NAME
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("explain", __package__)


class UnknownMetric(Exception):
    """No column of the daily tables has this name; the message names those that do."""


def explain(connection: Connection, workspace_id: UUID, day: date, metric: str) -> list[dict[str, Any]]:
    """The facts that ``metric`` counts, oldest first.

    Keys: at, what, repository, number, title, state, hours, lines, actor_id, actor (login), id, pull_request_id, url.
    Numbers of people have a row per deed of theirs; hours and lines have a row per pull request.
    Raises :class:`UnknownMetric`.
    """
    if metric not in BY_NAME:
        raise UnknownMetric(f"There is no metric {metric!r}; there are: {', '.join(BY_NAME)}.")
    start = datetime.combine(day, time(), UTC)
    values = {
        "workspace_id": workspace_id,
        "metric": metric,
        "start": start,
        "stop": start + timedelta(days=1),
    }
    statement = "standing" if BY_NAME[metric].window == "end of day" else "facts"
    return connection.execute(_SQL[statement], values).fetchall()
