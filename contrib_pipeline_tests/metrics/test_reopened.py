"""Which days a changed fact touches, and that they are computed again."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.read import open_days
from contrib_pipeline.metrics.reopened import reopen_days, settle, waiting
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.metrics.histories import WORKSPACES, insert

_OPENED = datetime(2024, 2, 27, 23, 59, 59, tzinfo=UTC)
_CLOSED = datetime(2024, 2, 29, 12, tzinfo=UTC)
_LATER = datetime(2024, 3, 1, tzinfo=UTC)
_DAYS = [date(2024, 2, 26), date(2024, 2, 27), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]


@pytest.fixture(autouse=True)
def _two_repositories(connection: Connection, database_url: str) -> None:
    """Repository 1 in workspace 1 with one closed pull request, repository 2 in workspace 2; all days final."""
    for number in (1, 2):
        insert(connection, "github.repositories", [_repository(number)])
        verified = {
            "repository_id": number,
            "kind": "pull_requests",
            "verified_at": datetime(2024, 3, 5, tzinfo=UTC),
        }
        insert(connection, "github.capture_state", [verified])
        workspace = WORKSPACES[number - 1]
        insert(connection, "workspaces.workspaces", [{"id": workspace, "slug": f"w{number}", "name": "w"}])
        insert(connection, "workspaces.repositories", [{"workspace_id": workspace, "repository_id": number}])
    insert(connection, "github.contributors", [_contributor(1), _contributor(2)])
    insert(connection, "github.pull_requests", [_pull_request()])
    compute_days(connection, _DAYS)
    with connect(database_url) as run:
        settle(run, reopen_days(run))
    until_gone(connection)
    compute_days(connection, _DAYS)
    assert open_days(connection, _DAYS[0], _DAYS[-1]) == []


def _repository(id: int) -> dict[str, Any]:
    return {
        "id": id, "node_id": "n", "owner": "o", "name": f"r{id}", "name_with_owner": f"o/r{id}",
        "is_tracked": True, "history_complete": True, "read_at": _LATER,
    }  # fmt: skip


def _contributor(id: int) -> dict[str, Any]:
    return {"id": id, "node_id": "n", "login": f"c{id}", "kind": "user", "is_bot": False}


def _pull_request(id: int = 1) -> dict[str, Any]:
    return {
        "id": id, "node_id": "n", "repository_id": 1, "number": id, "title": "t", "state": "closed", "draft": False,
        "author_id": 1, "created_at": _OPENED, "updated_at": _OPENED, "closed_at": _CLOSED, "url": "u",
        "additions": 1, "deletions": 1,
    }  # fmt: skip


def _comment(id: int, at: datetime, author: int = 1) -> dict[str, Any]:
    return {
        "kind": "issue", "id": id, "node_id": "n", "pull_request_id": 1, "repository_id": 1, "author_id": author,
        "created_at": at, "updated_at": at,
    }  # fmt: skip


def until_gone(connection: Connection) -> None:
    """Return when no other connection computes what it took: a server notices a while later that one was closed."""
    connection.execute(
        "select pg_advisory_lock(key, 0), pg_advisory_unlock(key, 0)"
        " from (select hashtext('metrics.reopening')) as lock (key)"
    )


def _marks(connection: Connection) -> list[tuple[int, date]]:
    rows = connection.execute("select repository_id, from_day from metrics.reopened order by 1")
    return [(row["repository_id"], row["from_day"]) for row in rows]


@pytest.mark.parametrize(
    ("change", "day"),
    [
        ("closed_at = '2024-03-01 00:00Z'", date(2024, 2, 29)),
        ("closed_at = null, state = 'open'", date(2024, 2, 29)),
        ("merged_at = closed_at, state = 'merged'", date(2024, 2, 29)),
        ("closed_at = '2024-02-28 00:00Z'", date(2024, 2, 28)),
        ("author_id = null", date(2024, 2, 27)),
        ("deleted_at = now()", date(2024, 2, 27)),
        ("created_at = '2024-02-26 00:00Z'", date(2024, 2, 26)),
        ("first_review_at = '2024-02-28 12:00Z'", date(2024, 2, 28)),
    ],
)
def test_a_changed_pull_request_reopens_from_the_earliest_day_it_touches(
    connection: Connection, change: str, day: date
) -> None:
    connection.execute(f"update github.pull_requests set {change}")
    assert _marks(connection) == [(1, day)]


@pytest.mark.parametrize(
    "change", ["title = 'x'", "updated_at = now()", "additions = 5", "ready_at = now()", "labels = '{a}'"]
)
def test_a_change_that_no_number_is_made_of_reopens_nothing(connection: Connection, change: str) -> None:
    connection.execute(f"update github.pull_requests set {change}")
    assert _marks(connection) == []


def test_lines_of_a_merged_pull_request_are_counted_on_the_day_of_its_merge(connection: Connection) -> None:
    connection.execute("update github.pull_requests set merged_at = closed_at")
    reopen_days(connection)
    connection.execute("update github.pull_requests set additions = 500")
    assert _marks(connection) == [(1, date(2024, 2, 29))]


def test_late_facts_reopen_only_their_own_workspace_from_their_day_on(connection: Connection) -> None:
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    assert reopen_days(connection).from_day == date(2024, 2, 29)
    assert open_days(connection, _DAYS[0], _DAYS[-1], workspace_ids=[WORKSPACES[0]]) == _DAYS[3:]
    assert open_days(connection, _DAYS[0], _DAYS[-1], workspace_ids=[WORKSPACES[1]]) == []
    compute_days(connection, _DAYS[3:], workspace_ids=[WORKSPACES[0]])
    assert open_days(connection, _DAYS[0], _DAYS[-1]) == []


def _leave_workspaces(connection: Connection) -> None:
    """Repository 1 is in no workspace any more, or in one that is not active."""
    connection.execute("delete from workspaces.repositories where repository_id = 1")
    insert(connection, "workspaces.workspaces", [{"id": WORKSPACES[2], "slug": "old", "name": "o", "is_active": False}])
    insert(connection, "workspaces.repositories", [{"workspace_id": WORKSPACES[2], "repository_id": 1}])


def test_late_facts_reopen_days_of_a_repository_that_is_in_no_workspace(connection: Connection) -> None:
    _leave_workspaces(connection)
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    reopen_days(connection)
    assert open_days(connection, _DAYS[0], _DAYS[-1]) == _DAYS[3:]
    assert open_days(connection, _DAYS[0], _DAYS[3]) == _DAYS[3:4]
    assert open_days(connection, _DAYS[0], _DAYS[-1], workspace_ids=WORKSPACES) == []
    compute_days(connection, _DAYS[3:])
    assert open_days(connection, _DAYS[0], _DAYS[-1]) == []
    (row,) = connection.execute("select * from metrics.repository_daily where comments = 1").fetchall()
    assert (row["repository_id"], row["day"], row["is_final"]) == (1, date(2024, 2, 29), True)


@pytest.mark.parametrize(
    "holding",
    [
        "update github.repositories set history_complete = false where id = 1",
        "update github.capture_state set verified_at = '2024-02-29 00:00Z' where repository_id = 1",
    ],
)
def test_a_repository_in_no_workspace_leaves_days_open_only_if_they_could_be_final(
    connection: Connection, holding: str
) -> None:
    _leave_workspaces(connection)
    connection.execute(holding)
    compute_days(connection, _DAYS[3:])
    assert open_days(connection, _DAYS[0], _DAYS[-1]) == []
    connection.execute("update github.repositories set history_complete = true")
    connection.execute("update github.capture_state set verified_at = '2024-03-01 12:00Z'")
    assert _DAYS[3] in open_days(connection, _DAYS[0], _DAYS[-1])


def test_the_earlier_of_two_marks_stays(connection: Connection) -> None:
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 28, tzinfo=UTC))])
    insert(connection, "github.comments", [_comment(2, datetime(2024, 2, 29, tzinfo=UTC))])
    assert _marks(connection) == [(1, date(2024, 2, 28))]
    assert waiting(connection).repositories == 1


def test_a_mark_is_part_of_the_transaction_that_changes_the_fact(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        insert(connection, "github.comments", [_comment(1, _CLOSED)])
        assert _marks(connection) == [(1, date(2024, 2, 29))]
    assert _marks(connection) == []
    assert waiting(connection).since is None


def test_an_account_that_turns_out_to_be_a_bot_reopens_since_its_first_activity(
    connection: Connection,
) -> None:
    connection.execute("update github.contributors set login = 'renamed' where id = 1")
    assert _marks(connection) == []
    connection.execute("update github.contributors set is_bot = true")
    assert _marks(connection) == [(1, date(2024, 2, 27))]


def test_two_comments_of_the_same_second_are_two_facts(connection: Connection) -> None:
    insert(connection, "github.comments", [_comment(1, _CLOSED), _comment(2, _CLOSED)])
    reopen_days(connection)
    connection.execute("update github.comments set deleted_at = case id when 1 then now() end")
    assert _marks(connection) == [(1, date(2024, 2, 29))]


def test_days_are_not_reopened_while_they_are_being_computed(connection: Connection, database_url: str) -> None:
    """Else the computation, which has not seen the fact, would declare the day final afterwards."""
    insert(connection, "github.comments", [_comment(1, _CLOSED)])
    with connect(database_url) as other, other.transaction(force_rollback=True):
        other.execute("select pg_advisory_xact_lock_shared(hashtext('metrics.daily'), 0)")
        connection.execute("set lock_timeout = '100ms'")
        with pytest.raises(Exception, match="lock timeout"):
            reopen_days(connection)
    assert _marks(connection) == [(1, date(2024, 2, 29))]


def test_marks_wait_again_if_who_took_them_is_gone_before_the_days_are_computed(
    connection: Connection, database_url: str
) -> None:
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    with connect(database_url) as killed:
        assert reopen_days(killed).from_day == date(2024, 2, 29)
        assert waiting(connection).since is None
        connection.execute("select pg_terminate_backend(%s)", (killed.info.backend_pid,))
    until_gone(connection)
    left = waiting(connection)
    assert (left.repositories, left.from_day) == (1, date(2024, 2, 29))

    connection.execute("update metrics.workspace_daily set is_final = true")
    insert(connection, "github.comments", [_comment(2, datetime(2024, 3, 1, tzinfo=UTC))])
    with connect(database_url) as run:
        reopened = reopen_days(run)
        assert (reopened.repositories, reopened.from_day) == (1, date(2024, 2, 29))
        assert open_days(run, _DAYS[0], _DAYS[-1]) == _DAYS[3:]
        settle(run, reopened)
    until_gone(connection)
    assert waiting(connection).since is None


def test_a_fact_that_comes_while_its_day_is_computed_waits(connection: Connection, database_url: str) -> None:
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    with connect(database_url) as run:
        reopened = reopen_days(run)
        insert(connection, "github.comments", [_comment(2, datetime(2024, 3, 1, tzinfo=UTC))])
        settle(run, reopened)
    until_gone(connection)
    assert _marks(connection) == [(1, date(2024, 3, 1))]
    assert waiting(connection).from_day == date(2024, 3, 1)


@pytest.mark.parametrize(("computed", "repositories"), [([0], 0), ([1], 1), ([0, 1], 0), (None, 0)])
def test_a_mark_is_settled_when_all_workspaces_of_its_repository_are_computed(
    connection: Connection, database_url: str, computed: list[int] | None, repositories: int
) -> None:
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    with connect(database_url) as run:
        settle(run, reopen_days(run), None if computed is None else [WORKSPACES[place] for place in computed])
    until_gone(connection)
    assert waiting(connection).repositories == repositories


def test_a_mark_of_a_repository_in_no_workspace_is_settled_when_everything_is_computed(
    connection: Connection, database_url: str
) -> None:
    _leave_workspaces(connection)
    insert(connection, "github.comments", [_comment(1, datetime(2024, 2, 29, tzinfo=UTC))])
    for computed, left in ((WORKSPACES, 1), (None, 0)):
        with connect(database_url) as run:
            settle(run, reopen_days(run), computed)
        until_gone(connection)
        assert waiting(connection).repositories == left
