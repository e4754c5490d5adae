"""Windows of many days, against the slow computation in ``oracle.py``."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.definitions import TRENDS, WINDOWS
from contrib_pipeline.metrics.trends import (
    Topic,
    compute_contributors,
    compute_topic,
    compute_trends,
    workspace_trends,
)
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.metrics import histories, oracle
from contrib_pipeline_tests.metrics.histories import DAYS, WORKSPACES, insert

_histories = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
_ENDS = [DAYS[0], *(DAYS[1] + timedelta(days=days) for days in (0, 5, 6, 28, 60))]
"""Days whose windows of 7, 30 and 90 days cut the histories in all ways, as current and as previous window."""


def _trends(connection: Connection, workspace_id: Any, day: date) -> dict[tuple[int, str], tuple[Any, Any, Any]]:
    rows = workspace_trends(connection, workspace_id, day)
    return {
        (row["window_days"], row["metric"]): (row["current"], row["previous"], row["change_percent"]) for row in rows
    }


@_histories
@given(data=st.data())
def test_every_trend_is_what_the_sentences_say(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    compute_trends(connection, _ENDS)
    history = oracle.read(connection)
    for workspace_id in WORKSPACES[:3]:
        for day in _ENDS:
            found, expected = (
                _trends(connection, workspace_id, day),
                oracle.trends(history, workspace_id, day),
            )
            assert found.keys() == {(days, metric.name) for days in WINDOWS for metric in TRENDS}
            for key, numbers in expected.items():
                assert found[key] == pytest.approx(numbers), f"{key} of workspace {workspace_id.int}, {day}"
    assert _trends(connection, WORKSPACES[3], _ENDS[0]) == {}


@_histories
@given(data=st.data())
def test_the_ranks_of_contributors_are_what_the_sentences_say(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    compute_contributors(connection, DAYS[2])
    history = oracle.read(connection)
    for workspace_id in WORKSPACES[:3]:
        rows = connection.execute(
            "select contributor_id, pull_requests, reviews, comments, discussions, rank"
            " from metrics.workspace_contributors where workspace_id = %s order by rank",
            (workspace_id,),
        )
        assert [tuple(row.values()) for row in rows] == oracle.contributors(history, workspace_id, DAYS[2])


def _workspace_with_commenters(connection: Connection, count: int, at: datetime) -> None:
    repository = {
        "id": 1, "node_id": "n", "owner": "o", "name": "r", "name_with_owner": "o/r", "is_tracked": True,
        "history_complete": True, "read_at": at,
    }  # fmt: skip
    insert(connection, "github.repositories", [repository])
    verified = {"repository_id": 1, "kind": "pull_requests", "verified_at": at + timedelta(days=400)}
    insert(connection, "github.capture_state", [verified])
    insert(connection, "workspaces.workspaces", [{"id": WORKSPACES[0], "slug": "w", "name": "w"}])
    insert(connection, "workspaces.repositories", [{"workspace_id": WORKSPACES[0], "repository_id": 1}])
    for id in range(1, count + 1):
        person = {"id": id, "node_id": "n", "login": f"c{id}", "kind": "user", "is_bot": False}
        comment = {
            "kind": "issue", "id": id, "node_id": "n", "pull_request_id": 1, "repository_id": 1, "author_id": id,
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        insert(connection, "github.contributors", [person])
        insert(connection, "github.comments", [comment])


def test_a_hundred_contributors_are_kept_at_most(connection: Connection) -> None:
    _workspace_with_commenters(connection, 103, datetime(2024, 2, 29, tzinfo=UTC))
    assert compute_contributors(connection, DAYS[1]) == 100
    rows = connection.execute("select contributor_id from metrics.workspace_contributors order by rank")
    assert [row["contributor_id"] for row in rows] == list(range(1, 101))


def test_contributors_are_kept_for_today_and_the_newest_final_day_only(connection: Connection) -> None:
    _workspace_with_commenters(connection, 1, datetime(2024, 2, 29, tzinfo=UTC))
    compute_days(connection, DAYS)
    for today in (date(2024, 3, 2), date(2024, 3, 3)):
        compute_contributors(connection, today)
    rows = connection.execute("select day from metrics.workspace_contributors order by day")
    assert [row["day"] for row in rows] == [DAYS[-1], date(2024, 3, 3)]


def test_trends_computed_by_several_processes_at_once_are_written_once(
    connection: Connection, database_url: str
) -> None:
    _workspace_with_commenters(connection, 3, datetime(2024, 2, 29, tzinfo=UTC))
    rows = len(WINDOWS) * len(TRENDS)

    def compute(_: int) -> dict[date, int]:
        with connect(database_url) as own:
            return compute_trends(own, DAYS)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(compute, range(8))) == [dict.fromkeys(DAYS, rows)] * 8
    assert connection.execute("select from metrics.workspace_trends").rowcount == len(DAYS) * rows


def test_one_topic_of_the_trends_does_not_wait_for_another_and_leaves_its_rows_alone(
    connection: Connection, database_url: str
) -> None:
    _workspace_with_commenters(connection, 1, datetime(2024, 2, 29, tzinfo=UTC))
    compute_trends(connection, DAYS[:1])
    connection.execute("update metrics.workspace_trends set current = -1")
    with connect(database_url) as other, other.transaction(force_rollback=True):
        compute_topic(other, Topic.WORK, DAYS[0])
        connection.execute("set lock_timeout = '100ms'")
        compute_topic(connection, Topic.PEOPLE, DAYS[0])
    rows = connection.execute("select distinct metric from metrics.workspace_trends where current = -1")
    assert {row["metric"] for row in rows} == {*Topic.WORK.metrics, *Topic.NEWCOMERS.metrics}


def test_trends_of_one_workspace_leave_the_others_alone(connection: Connection) -> None:
    _workspace_with_commenters(connection, 1, datetime(2024, 2, 29, tzinfo=UTC))
    insert(connection, "workspaces.workspaces", [{"id": WORKSPACES[1], "slug": "v", "name": "v"}])
    assert compute_trends(connection, DAYS[:1]) == {DAYS[0]: 2 * len(WINDOWS) * len(TRENDS)}
    connection.execute("update metrics.workspace_trends set current = -1")
    assert compute_trends(connection, DAYS[:1], workspace_ids=[WORKSPACES[0]]) == {DAYS[0]: len(WINDOWS) * len(TRENDS)}
    rows = connection.execute("select distinct workspace_id from metrics.workspace_trends where current = -1")
    assert [row["workspace_id"] for row in rows] == [WORKSPACES[1]]


@pytest.mark.parametrize(
    ("merges", "factor"), [((2, 1, 1), 1), ((1, 1, 1), 2), ((1, 1, 1, 1), 2), ((5,), 1), ((), None)]
)
def test_exactly_half_of_the_merges_is_enough_for_the_absence_factor(
    connection: Connection, merges: tuple[int, ...], factor: int | None
) -> None:
    _workspace_with_commenters(connection, len(merges), datetime(2024, 2, 29, tzinfo=UTC))
    at = datetime(2024, 2, 29, tzinfo=UTC)
    authors = [person for person, count in enumerate(merges, start=1) for _ in range(count)]
    for id, author in enumerate([*authors, None], start=1):  # a ghost's merge counts for nobody
        row = {
            "id": id, "node_id": "n", "repository_id": 1, "number": id, "title": "t", "state": "merged", "draft": False,
            "author_id": author, "created_at": at, "updated_at": at, "closed_at": at, "merged_at": at, "url": "u",
        }  # fmt: skip
        insert(connection, "github.pull_requests", [row])
    compute_trends(connection, [DAYS[1]])
    assert _trends(connection, WORKSPACES[0], DAYS[1])[7, "contributor_absence_factor"][0] == factor
