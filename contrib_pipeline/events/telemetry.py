"""``GET /metrics``: what the database knows of events, captures, GitHub's points and runs, as Prometheus text.

All are gauges read from tables at the time of asking: they survive restarts and don't depend on who is asked.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contrib_pipeline.events import inbox
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
        points = budget_state(self._connection)
        yield _gauge("contrib_github_points_left", "Points left at GitHub.", ("credential",), points, "points_left")
        runs = self._rows("runs") if self._rows("has_runs")[0]["present"] else []
        yield _gauge("contrib_runs", "Dagster's runs.", ("status",), runs, "runs")

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        return self._connection.execute(_SQL[statement]).fetchall()


def _gauge(name: str, meaning: str, labels: Sequence[str], rows: Iterable[dict[str, Any]], value: str) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=labels)
    for row in rows:
        if row[value] is not None:
            gauge.add_metric([str(row[label]) for label in labels], float(row[value]))
    return gauge
