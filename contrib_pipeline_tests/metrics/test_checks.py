"""The rules that metrics must keep: each finds what breaks it, by name, and nothing where all is well."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from contrib_pipeline.metrics.checks import CHECKS, offenders
from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.trends import compute_contributors, compute_trends
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
DAYS = [TODAY - timedelta(days=n) for n in range(1, 30)]
RETENTION = 30

Offenders = Callable[..., list[str]]


@pytest.fixture
def find(connection: Connection) -> Offenders:
    """What offends against the check of this name, as ``what: detail``."""

    def find(name: str, table: str = "workspace_daily", today: date = TODAY) -> list[str]:
        (check,) = (check for check in CHECKS if (check.name, check.table) == (name, table))
        rows = offenders(connection, check, today, RETENTION)
        assert all(row["offenders"] == len(rows) for row in rows)
        return [f"{row['what']}: {row['detail']}" for row in rows]

    return find


@pytest.fixture
def team(connection: Connection) -> workspaces.Workspace:
    """A workspace with two repositories, in which something happens every day; all of it computed."""
    connection.execute(
        """
        insert into github.contributors (id, node_id, login, kind, is_bot) values (1, 'U_1', 'ana', 'user', false);
        insert into github.repositories
          (id, node_id, owner, name, name_with_owner, is_tracked, history_complete, read_at)
        select id, 'R_' || id, 'octo', 'r' || id, 'octo/r' || id, true, true, now() from generate_series(1, 2) as id;
        insert into github.capture_state (repository_id, kind, verified_at)
        select id, 'pull_requests', now() + interval '1 hour' from generate_series(1, 2) as id;
        insert into github.pull_requests
          (id, node_id, repository_id, number, title, state, draft, author_id, created_at, updated_at, url)
        select id, 'PR_' || id, 1 + id % 2, id, 'One', 'open', false, 1, at, at, 'https://github.com/octo'
        from (
          select row_number() over () as id, now() - make_interval(days => day) as at
          from generate_series(0, 40) as day, generate_series(1, 21)
        ) as opened
        """
    )
    made = workspaces.create(connection, "Team")
    workspaces.add_repositories(connection, made.id, [1, 2])
    connection.execute("update workspaces.workspaces set created_at = now() - interval '90 days'")
    connection.execute("delete from metrics.reopened")
    compute_days(connection, [*DAYS, TODAY])
    compute_trends(connection, [YESTERDAY, TODAY])
    compute_contributors(connection, TODAY)
    return made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table}-{check.name}")
def test_nothing_offends_where_all_is_well(check, team: workspaces.Workspace, connection: Connection) -> None:
    assert offenders(connection, check, TODAY, RETENTION) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table}-{check.name}")
def test_nothing_offends_before_there_is_a_workspace(check, connection: Connection) -> None:
    assert offenders(connection, check, TODAY, RETENTION) == []


def test_a_day_without_any_row_is_named(find: Offenders, team: workspaces.Workspace, connection: Connection) -> None:
    connection.execute("delete from metrics.workspace_daily where day = %s", [DAYS[5]])
    assert find("every_day_is_there") == [f"{DAYS[5]}: no workspace has a row"]
    assert find("a_row_per_active_workspace") == []


def test_an_active_workspace_without_its_row_is_named(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    workspaces.create(connection, "Idle")
    assert find("a_row_per_active_workspace") == []  # it has an hour
    connection.execute("update workspaces.workspaces set created_at = now() - interval '2 hours'")
    assert find("a_row_per_active_workspace") == [f"idle: 29 days have no row, the last of them {YESTERDAY}"]
    connection.execute("update workspaces.workspaces set is_active = false where slug = 'idle'")
    assert find("a_row_per_active_workspace") == []


@pytest.mark.parametrize(
    ("harm", "detail"),
    [
        ("delete from metrics.workspace_daily where day = %(day)s", "21 facts and no row"),
        ("update metrics.workspace_daily set pull_requests_opened = 0 where day = %(day)s", "21 facts, 0 counted"),
        (
            "update metrics.workspace_daily set computed_at = computed_at - interval '2 days' where day = %(day)s",
            "not computed since it ended",
        ),
    ],
)
def test_a_run_that_wrote_nothing_shows(
    find: Offenders, team: workspaces.Workspace, connection: Connection, harm: str, detail: str
) -> None:
    connection.execute(harm, {"day": TODAY - timedelta(days=2)})
    assert find("what_happened_was_counted", today=YESTERDAY) == [f"team: {TODAY - timedelta(days=2)}: {detail}"]


def test_late_facts_that_wait_are_no_offence(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    connection.execute(
        "update github.pull_requests set deleted_at = now() where (created_at at time zone 'UTC')::date = %s",
        [TODAY - timedelta(days=2)],
    )
    assert find("what_happened_was_counted", today=YESTERDAY) == []
    connection.execute("delete from metrics.reopened")
    assert len(find("what_happened_was_counted", today=YESTERDAY)) == 1


def test_repositories_that_do_not_add_up_are_named(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    connection.execute(
        "update metrics.repository_daily set comments = 5 where day = %s and repository_id = 1", [YESTERDAY]
    )
    (found,) = find("repositories_add_up")
    assert found.startswith(f"team: {YESTERDAY}: ")
    connection.execute("update metrics.workspace_daily set is_final = false where day = %s", [YESTERDAY])
    assert find("repositories_add_up") == []


def test_lines_that_are_not_known_are_no_offence(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    connection.execute(
        "update metrics.repository_daily set lines_merged = null where day = %s and repository_id = 1", [YESTERDAY]
    )
    connection.execute("update metrics.workspace_daily set lines_merged = null where day = %s", [YESTERDAY])
    assert find("repositories_add_up") == []


@pytest.mark.parametrize(
    ("harm", "detail"),
    [
        ("lines_merged = -1", "a number is negative"),
        ("pull_requests_opened_by_bots = 99", "more by bots than there are"),
        ("reviews_approved = 1", "states of reviews add up to more than reviews"),
        ("pull_requests_open = 9999", "more open than opened"),
        ("reviewers = 1", "more reviewers or reviewed pull requests than reviews"),
        ("new_contributors = 7", "more new persons than active ones"),
        ("first_review_hours_p50 = 3, first_review_hours_p90 = 2", "a median above nine in ten"),
        ("merge_hours_p50 = 1, merge_hours_p90 = 1", "hours to merge without a merge"),
    ],
)
@pytest.mark.parametrize("table", ["workspace_daily", "repository_daily"])
def test_an_impossible_number_is_named(
    find: Offenders, team: workspaces.Workspace, connection: Connection, table: str, harm: str, detail: str
) -> None:
    connection.execute(f"update metrics.{table} set {harm} where day = %s", [YESTERDAY])
    found = find("numbers_are_possible", table)
    assert found
    assert all(text.endswith(f"{YESTERDAY}: {detail}") for text in found)


def test_a_day_that_is_not_over_cannot_be_final(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    connection.execute("update metrics.workspace_daily set is_final = true where day = %s", [TODAY])
    assert find("numbers_are_possible") == [f"team {TODAY}: final before it was over"]


@pytest.mark.parametrize(("deeds", "is_named"), [(4, True), (5, False)])
def test_a_fifth_of_what_is_usual_is_a_sudden_drop(
    find: Offenders, team: workspaces.Workspace, connection: Connection, deeds: int, is_named: bool
) -> None:
    connection.execute(
        "update metrics.workspace_daily set pull_requests_opened = %s where day = %s", [deeds, YESTERDAY]
    )
    expected = [f"team: {YESTERDAY}: {deeds} deeds, usually 21 on that weekday"]
    assert find("no_sudden_drop") == (expected if is_named else [])


def test_missing_trends_are_named(find: Offenders, team: workspaces.Workspace, connection: Connection) -> None:
    connection.execute(
        "delete from metrics.workspace_trends where day = %s and metric = 'reviews' and window_days = 7", [YESTERDAY]
    )
    assert find("trends_are_there", "workspace_trends") == [f"team: {YESTERDAY}: 26 of 27 numbers"]


def test_an_empty_list_of_contributors_is_named(
    find: Offenders, team: workspaces.Workspace, connection: Connection
) -> None:
    connection.execute("delete from metrics.workspace_contributors")
    assert find("contributors_are_there", "workspace_contributors") == [
        "team: active on 30 of 30 days, nobody is listed"
    ]
