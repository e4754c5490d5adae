"""The rules of a day that are easily got wrong, one small history each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contrib_pipeline.metrics.compute import Computed, compute_days
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.metrics.histories import CONTRIBUTORS, WORKSPACES, insert, refresh_first_reviews

_DAY = date(2024, 2, 29)
_START = datetime(2024, 2, 29, tzinfo=UTC)
_END = datetime(2024, 3, 1, tzinfo=UTC)
_JUST_BEFORE = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _workspace(connection: Connection) -> None:
    """One active workspace with one complete repository that was verified long after the day."""
    people = [{"id": i, "node_id": "n", "login": f"c{i}", "kind": k, "is_bot": b} for i, k, b in CONTRIBUTORS]
    insert(connection, "github.contributors", people)
    insert(connection, "workspaces.workspaces", [{"id": WORKSPACES[0], "slug": "w", "name": "w"}])
    _repository(connection, 1)


def _repository(connection: Connection, id: int, **values: Any) -> None:
    row = {
        "id": id, "node_id": "n", "owner": "o", "name": f"r{id}", "name_with_owner": f"o/r{id}",
        "is_tracked": True, "history_complete": True, "read_at": _END,
    }  # fmt: skip
    insert(connection, "github.repositories", [row | values])
    insert(connection, "workspaces.repositories", [{"workspace_id": WORKSPACES[0], "repository_id": id}])
    verified = {"repository_id": id, "kind": "pull_requests", "verified_at": _END + timedelta(days=1)}
    insert(connection, "github.capture_state", [verified])


def _pull_request(connection: Connection, **values: Any) -> None:
    row = {
        "id": 1, "node_id": "n", "repository_id": 1, "number": 1, "title": "t", "state": "open", "draft": False,
        "author_id": 1, "created_at": _START, "updated_at": _START, "url": "u", "additions": 2, "deletions": 3,
    }  # fmt: skip
    insert(connection, "github.pull_requests", [row | values])


def _day(connection: Connection, day: date = _DAY) -> dict[str, Any]:
    compute_days(connection, [day])
    row = connection.execute("select * from metrics.workspace_daily where day = %s", (day,)).fetchone()
    assert row is not None
    return row


def _computed(connection: Connection) -> Computed:
    (computed,) = compute_days(connection, [_DAY])
    return computed


def test_midnight_belongs_to_the_day_that_begins(connection: Connection) -> None:
    _pull_request(connection, id=1, number=1, created_at=_START)
    _pull_request(connection, id=2, number=2, created_at=_END)
    _pull_request(connection, id=3, number=3, created_at=_END - _JUST_BEFORE)
    _pull_request(connection, id=4, number=4, created_at=_START - _JUST_BEFORE)
    row = _day(connection)
    assert (row["pull_requests_opened"], row["pull_requests_total"]) == (2, 3)


def test_a_pull_request_closed_at_the_day_s_end_was_open_at_it(connection: Connection) -> None:
    _pull_request(connection, closed_at=_END, state="closed")
    row = _day(connection)
    assert (row["pull_requests_open"], row["pull_requests_closed"]) == (1, 0)
    row = _day(connection, date(2024, 3, 1))
    assert (row["pull_requests_open"], row["pull_requests_closed"]) == (0, 1)


def test_a_repository_verified_at_the_day_s_end_was_not_verified_after_it(connection: Connection) -> None:
    for verified_at, is_final in ((_END, False), (_END + _JUST_BEFORE, True), (None, False)):
        connection.execute("update github.capture_state set verified_at = %s", (verified_at,))
        assert _day(connection)["is_final"] is is_final


def test_discussions_must_be_verified_too_where_they_are_switched_on(connection: Connection) -> None:
    connection.execute("update github.repositories set has_discussions = true")
    assert not _day(connection)["is_final"]
    verified = {"repository_id": 1, "kind": "discussions", "verified_at": _END + timedelta(hours=1)}
    insert(connection, "github.capture_state", [verified])
    assert _day(connection)["is_final"]


@pytest.mark.parametrize(
    "state",
    [{"terminal_reason": reason} for reason in ("gone", "private", "blocked")]
    + [{"deleted_at": _START}, {"is_tracked": False}],
)
def test_a_repository_that_can_no_longer_change_holds_no_day_back(
    connection: Connection, state: dict[str, Any]
) -> None:
    _repository(connection, 2, **state)
    connection.execute("delete from github.capture_state where repository_id = 2")
    assert _day(connection)["is_final"]


def test_those_that_hold_a_day_back_are_named(connection: Connection) -> None:
    _repository(connection, 2, history_complete=False)
    _repository(connection, 3)
    connection.execute("delete from github.capture_state where repository_id = 3")
    computed = _computed(connection)
    assert (computed.workspaces, computed.workspaces_final) == (1, 0)
    assert (computed.repositories, computed.repositories_final) == (3, 1)
    assert computed.behind == ("o/r2", "o/r3")


def test_today_is_never_final_and_nobody_is_behind_for_it(connection: Connection) -> None:
    today = datetime.now(UTC).date()
    connection.execute("delete from github.capture_state")
    (computed,) = compute_days(connection, [today])
    assert (computed.workspaces, computed.workspaces_final, computed.behind) == (1, 0, ())


def test_what_a_partial_history_can_not_tell_is_null_and_the_rest_is_counted(connection: Connection) -> None:
    _repository(connection, 2, history_complete=False)
    _pull_request(connection)
    row = _day(connection)
    unknown = ("pull_requests_open", "pull_requests_total", "new_contributors")
    assert [row[name] for name in unknown] == [None, None, None]
    assert (row["pull_requests_opened"], row["active_contributors"]) == (1, 1)


def test_a_workspace_without_repositories_has_zeros(connection: Connection) -> None:
    connection.execute("delete from workspaces.repositories")
    row = _day(connection)
    assert (row["pull_requests_open"], row["reviews"], row["new_contributors"], row["lines_merged"]) == (
        0,
        0,
        0,
        0,
    )
    assert (row["merge_hours_p50"], row["is_final"]) == (None, True)


def test_a_deactivated_workspace_loses_the_days_that_are_computed_again(connection: Connection) -> None:
    _day(connection)
    connection.execute("update workspaces.workspaces set is_active = false")
    assert _computed(connection).workspaces == 0
    assert connection.execute("select * from metrics.workspace_daily").fetchall() == []


def test_a_day_computed_by_several_processes_at_once_is_written_once(connection: Connection, database_url: str) -> None:
    def compute(_: int) -> int:
        with connect(database_url) as own:
            return sum(computed.workspaces for computed in compute_days(own, [_DAY, date(2024, 3, 1)]))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(compute, range(4))) == [2, 2, 2, 2]
    rows = connection.execute("select day from metrics.workspace_daily order by day")
    assert [row["day"] for row in rows] == [_DAY, date(2024, 3, 1)]


def test_a_ghost_s_pull_request_is_work_but_no_person_s_time(connection: Connection) -> None:
    merged = {
        "state": "merged",
        "merged_at": _START,
        "closed_at": _START,
        "created_at": _START - timedelta(hours=2),
    }
    _pull_request(connection, author_id=None, **merged)
    row = _day(connection)
    assert (row["pull_requests_merged"], row["lines_merged"], row["merge_hours_p50"]) == (1, 5, None)


def test_lines_that_are_not_known_are_null_and_not_zero(connection: Connection) -> None:
    merged = {"state": "merged", "merged_at": _START, "closed_at": _START}
    _pull_request(connection, **merged)
    _pull_request(connection, id=2, number=2, additions=None, **merged)
    assert _day(connection)["lines_merged"] is None


@pytest.mark.parametrize(
    ("ready", "hours"),
    [(timedelta(hours=1), 3.0), (timedelta(hours=4), 4.0), (timedelta(hours=5), 4.0), (None, 4.0)],
)
def test_the_wait_for_a_review_begins_when_it_was_ready_if_that_was_before(
    connection: Connection, ready: timedelta | None, hours: float
) -> None:
    _pull_request(connection, ready_at=ready and _START + ready)
    at = _START + timedelta(hours=4)
    review = {
        "id": 1, "node_id": "n", "pull_request_id": 1, "repository_id": 1, "author_id": 2, "state": "DISMISSED",
        "submitted_at": at, "updated_at": at,
    }  # fmt: skip
    insert(connection, "github.reviews", [review])
    refresh_first_reviews(connection)
    assert _day(connection)["first_review_hours_p50"] == hours
