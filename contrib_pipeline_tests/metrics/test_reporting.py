from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.definitions import DAILY
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.metrics import histories, oracle
from contrib_pipeline_tests.metrics.histories import DAYS, WORKSPACES

_VIEWS = (
    "leaderboard", "pull_requests", "repositories", "repository_daily", "review_load", "workspace_daily",
    "workspace_monthly", "workspace_trends", "workspace_weekly", "workspaces",
)  # fmt: skip
_NOT_OVER_PERIODS = {"pull_requests_open", "pull_requests_total", "new_contributors"}


def _views(connection: Connection) -> list[str]:
    rows = connection.execute("select viewname from pg_views where schemaname = 'reporting' order by 1")
    return [row["viewname"] for row in rows]


def test_the_names_of_the_views_are_those_that_analysts_rely_on(connection: Connection) -> None:
    assert _views(connection) == sorted(_VIEWS)


def test_the_read_only_role_reads_the_views_and_nothing_else(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("set local role contrib_readonly")
        for view in _VIEWS:
            connection.execute(f"select * from reporting.{view}")
    for table in ("github.pull_requests", "metrics.workspace_daily", "events.inbox", "workspaces.workspaces"):
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("set local role contrib_readonly")
            connection.execute(f"select * from {table}")


def _period(connection: Connection, period: str) -> dict[tuple[Any, date], dict[str, Any]]:
    rows = connection.execute(f"select * from reporting.workspace_{period}ly")
    return {(row["workspace_id"], row[period]): row for row in rows}


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_weeks_and_months_are_counted_from_the_facts_as_days_are(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    history = oracle.read(connection)
    periods = (("week", date(2024, 2, 26), timedelta(7)), ("month", date(2024, 2, 1), timedelta(29)))
    for period, first, length in periods:
        found = _period(connection, period)
        for workspace_id in WORKSPACES:
            members = set(history.members[history.members.workspace_id == workspace_id].repository_id)
            expected = oracle.numbers(history, members, first, length)
            for metric in DAILY:
                if metric.name in _NOT_OVER_PERIODS:
                    continue
                nothing = None if metric.unit == "hours" else 0
                row = found.get((workspace_id, first), {})
                assert row.get(metric.name, nothing) == pytest.approx(expected[metric.name]), metric.name


def test_a_column_of_a_reporting_view_that_is_a_metric_has_the_metric_s_sentence(
    connection: Connection,
) -> None:
    compute_days(connection, DAYS)
    for view in ("workspace_daily", "workspace_weekly", "workspace_monthly", "repository_daily"):
        rows = connection.execute(
            "select attname, col_description(attrelid, attnum) as comment"
            " from pg_attribute where attrelid = %s::regclass",
            (f"reporting.{view}",),
        )
        comments = {row["attname"]: row["comment"] for row in rows}
        for metric in DAILY:
            assert comments.get(metric.name, metric.comment) == metric.comment
