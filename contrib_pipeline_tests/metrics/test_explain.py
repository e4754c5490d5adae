"""The rows behind a number make that number."""

from statistics import quantiles
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.definitions import DAILY, Metric
from contrib_pipeline.metrics.explain import UnknownMetric, explain
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.metrics import histories
from contrib_pipeline_tests.metrics.histories import DAYS, WORKSPACES


def _number(metric: Metric, rows: list[dict[str, Any]]) -> float | None:
    if metric.unit == "hours":
        hours = [row["hours"] for row in rows] * (2 if len(rows) == 1 else 1)
        tenths = quantiles(hours, n=10, method="inclusive") if hours else []
        return tenths[4 if metric.name.endswith("p50") else 8] if hours else None
    if metric.unit == "people":
        return len({row["actor_id"] for row in rows})
    if metric.unit == "lines":
        lines = [row["lines"] for row in rows]
        return None if None in lines else sum(lines)
    if metric.name == "pull_requests_reviewed":
        return len({row["pull_request_id"] for row in rows})
    return len(rows)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_the_rows_behind_each_number_make_that_number(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    compute_days(connection, DAYS, workspace_ids=WORKSPACES[:1])
    for row in connection.execute("select * from metrics.workspace_daily").fetchall():
        for metric in DAILY:
            if row[metric.name] is None and metric.null and "history" in metric.null:
                continue  # partial: the rows are some of those that would make the number
            rows = explain(connection, row["workspace_id"], row["day"], metric.name)
            assert row[metric.name] == pytest.approx(_number(metric, rows)), f"{metric.name} of {row['day']}"


def test_an_unknown_metric_is_an_error_that_names_the_known_ones(connection: Connection) -> None:
    with pytest.raises(UnknownMetric, match=r"no metric 'stars'; there are: pull_requests_opened, .*lines_merged"):
        explain(connection, WORKSPACES[0], DAYS[0], "stars")
