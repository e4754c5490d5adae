from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.definitions import DAILY
from contrib_pipeline.metrics.trends import compute_trends
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.metrics import histories, oracle
from contrib_pipeline_tests.metrics.histories import DAYS, WORKSPACES

_VIEWS = (
    "bus_factor", "first_responses", "humans_and_bots", "leaderboard", "pull_requests", "repositories",
    "repository_daily", "review_load", "workspace_daily", "workspace_monthly", "workspace_trends", "workspace_weekly",
    "workspaces",
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


def test_every_table_view_and_column_is_commented(connection: Connection) -> None:
    rows = connection.execute(
        """
        select relnamespace::regnamespace || '.' || relname || coalesce('.' || attname, '') as silent
        from pg_class
        cross join lateral (
          select attname, attnum from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped
          union all select null, 0
        ) as part
        where relkind in ('r', 'v', 'm') and col_description(pg_class.oid, attnum) is null
          and (attnum > 0 or obj_description(pg_class.oid, 'pg_class') is null)
          and relnamespace::regnamespace::text in ('github', 'workspaces', 'metrics', 'events', 'reporting')
        """
    )
    assert [row["silent"] for row in rows] == []


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_views_of_one_question_agree_with_those_of_all_numbers(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    compute_days(connection, DAYS)
    compute_trends(connection, DAYS[-1:])
    weeks = {
        key: (row["first_review_hours_p50"], row["first_review_hours_p90"])
        for key, row in _period(connection, "week").items()
        if row["first_review_hours_p50"] is not None
    }
    responses = connection.execute("select * from reporting.first_responses").fetchall()
    assert weeks == {
        (row["workspace_id"], row["week"]): (row["first_review_hours_p50"], row["first_review_hours_p90"])
        for row in responses
    }
    within = ("within_4_hours", "within_a_day", "within_3_days", "within_a_week", "pull_requests")
    assert all([row[name] for name in within] == sorted(row[name] for name in within) for row in responses)
    assert not connection.execute(
        """
        select from reporting.humans_and_bots join reporting.workspace_daily using (workspace_id, day)
        where pull_requests_opened_by_humans + humans_and_bots.pull_requests_opened_by_bots <> pull_requests_opened
          or reviews_by_humans + humans_and_bots.reviews_by_bots <> reviews
          or comments_by_humans + humans_and_bots.comments_by_bots <> comments + review_comments
          or least(pull_requests_opened_by_humans, reviews_by_humans, comments_by_humans) < 0
        """
    ).fetchall()
    factors = connection.execute("select workspace_id, window_days, people from reporting.bus_factor").fetchall()
    assert len(factors) == 3 * len({row["workspace_id"] for row in factors})
