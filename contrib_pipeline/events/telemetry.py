"""``GET /metrics``: what the database knows of events, captures, GitHub's limits and runs, as Prometheus text.

All are gauges read from tables at the time of asking: they survive restarts and don't depend on who is asked.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contrib_pipeline.events import inbox
from contrib_pipeline.events.forecast import read_forecast
from contrib_pipeline.warehouse.budget import budget_state
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("inbox")
CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(connection: Connection) -> bytes:
    """The whole page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Tables(connection))
    return generate_latest(registry)


class _Tables(Collector):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def collect(self) -> Iterable[Metric]:
        counted = inbox.counts(self._connection)
        yield _gauge("contrib_events", "Events in the inbox.", ("name", "state"), counted, "events")
        depth = inbox.depth(self._connection)
        waiting = [{"when": when, "events": depth[when]} for when in ("due", "later")]
        yield _gauge("contrib_inbox_depth", "Pending events, due now or later.", ("when",), waiting, "events")
        oldest = "Seconds that the oldest due event has waited."
        yield _gauge("contrib_inbox_oldest_seconds", oldest, (), [depth], "oldest_seconds")
        captures = self._rows("captures")
        yield _gauge("contrib_captures", "Captures of repositories.", ("kind", "result"), captures, "captures")
        through = {"seconds": read_forecast(self._connection).seconds(datetime.now(UTC))}
        until = "Seconds until what waits is done, by the pace of the last hour; absent where unknown."
        yield _gauge("contrib_inbox_through_seconds", until, (), [through], "seconds")
        yield from _budgets(budget_state(self._connection))
        runs = self._rows("runs") if self._rows("has_runs")[0]["present"] else []
        yield _gauge("contrib_runs", "Dagster's runs.", ("status",), runs, "runs")

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        return self._connection.execute(_SQL[statement]).fetchall()


def _budgets(rows: Sequence[dict[str, Any]]) -> Iterable[Metric]:
    """GitHub's limits, of GraphQL in points, of REST (core) in requests."""
    for name, column, meaning in (
        ("points_limit", "points_limit", "Points (of core: requests) that GitHub gives an hour."),
        ("points_left", "points_left", "Points (of core: requests) left at GitHub."),
        ("reset_timestamp_seconds", "reset_at", "When they are full again."),
        ("paused_until_timestamp_seconds", "paused_until", "GitHub asked for a pause until then; absent without one."),
        ("requests_in_flight", "requests_in_flight", "Requests under way."),
    ):
        yield _gauge(f"contrib_github_{name}", meaning, ("credential", "resource"), rows, column)


def _gauge(name: str, meaning: str, labels: Sequence[str], rows: Iterable[dict[str, Any]], value: str) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=labels)
    for row in rows:
        if row[value] is not None:
            gauge.add_metric([str(row[label]) for label in labels], _number(row[value]))
    return gauge


def _number(value: Any) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(value)
