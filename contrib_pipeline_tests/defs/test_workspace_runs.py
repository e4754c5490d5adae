"""Runs about workspaces, executed here: members, days that are computed and re-opened, priorities, retention."""

from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.defs.assets import metrics
from contrib_pipeline.events import inbox
from contrib_pipeline.metrics.reopened import waiting
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline_tests.defs.conftest import HELLO, Bench, grow_past_a_first_capture, materialized, post
from contrib_pipeline_tests.metrics.test_reopened import until_gone


def test_a_member_that_is_not_known_yet_is_discovered_first(bench: Bench) -> None:
    team = workspaces.create(bench.connection, "Team")
    data = {"workspace_id": str(team.id), "action": "added", **HELLO}
    event_id = post(bench, "workspace/repository-change", data)

    assert bench.run("change_workspaces", "change_members", events=[event_id]).success
    waiting = inbox.show(bench.connection, event_id)
    assert (waiting["state"], waiting["attempts"]) == ("pending", 0)
    (discovery,) = bench.rows("select * from events.inbox where function = 'discover/new-repository'")

    assert bench.capture(events=[discovery["id"]]).success
    assert bench.run("change_workspaces", "change_members", events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    assert [m["name_with_owner"] for m in workspaces.members(bench.connection, team.id)] == ["octo/hello"]
    assert bench.rows("select count(*) as n from events.inbox where function = 'aggregate/workspace-metrics'") == [
        {"n": 1}
    ]


def histories(bench: Bench) -> list[dict[str, object]]:
    return bench.rows("select key, state, source from events.inbox where function = 'capture/repository.sync-enhanced'")


def test_a_new_member_that_a_sync_brought_in_gets_its_history(bench: Bench) -> None:
    # Nobody discovered it: without this, the workspace's totals would stay null for ever.
    team = workspaces.create(bench.connection, "Team")
    grow_past_a_first_capture(bench)
    assert bench.capture(events=[post(bench, "capture/repository.sync", HELLO)]).success
    assert histories(bench) == []
    for _ in range(2):
        event_id = post(
            bench, "workspace/repository-change", {"workspace_id": str(team.id), "action": "added", **HELLO}
        )
        assert bench.run("change_workspaces", "change_members", events=[event_id]).success
    assert histories(bench) == [{"key": "octo/hello", "state": "pending", "source": "inngest"}]


def test_the_nightly_run_asks_for_the_histories_that_members_lack(bench: Bench) -> None:
    grow_past_a_first_capture(bench)
    bench.capture(repositories=["octo/hello"])
    team = workspaces.create(bench.connection, "Team")
    (row,) = bench.rows("select id from github.repositories")
    workspaces.add_repositories(bench.connection, team.id, [row["id"]])
    yesterday = str(datetime.now(UTC).date() - timedelta(days=1))
    for _ in range(2):
        assert bench.aggregate(partition_key=yesterday, verify_members=True).success
    assert histories(bench) == [{"key": "octo/hello", "state": "pending", "source": "schedule"}]
    (waiting,) = bench.rows("select id from events.inbox where function = 'capture/repository.sync-enhanced'")
    assert bench.capture(events=[waiting["id"]]).success
    assert bench.aggregate(partition_key=yesterday, verify_members=True).success
    assert [row["state"] for row in histories(bench)] == ["done"]


def test_a_change_of_an_unknown_workspace_id_makes_that_workspace(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    workspace_id = "6f1c0a52-7a3e-4c0e-9a43-0d8b5f6f2f10"
    event_id = post(bench, "workspace.repository.changed", {"workspaceId": workspace_id, "action": "added", **HELLO})
    assert bench.run("change_workspaces", "change_members", events=[event_id]).success
    assert str(workspaces.find(bench.connection, workspace_id).id) == workspace_id


def test_a_member_that_github_no_longer_shows_can_be_removed(bench: Bench, team: workspaces.Workspace) -> None:
    bench.connection.execute("update github.repositories set deleted_at = now(), terminal_reason = 'gone'")
    data = {"workspace_id": str(team.id), "action": "removed", **HELLO}
    ids = [post(bench, "workspace/repository-change", data) for _ in range(2)]
    for event_id in ids:
        assert bench.run("change_workspaces", "change_members", events=[event_id]).success
    assert workspaces.members(bench.connection, team.id) == []
    assert [inbox.show(bench.connection, event_id)["state"] for event_id in ids] == ["done", "skipped"]


@pytest.fixture
def team(bench: Bench) -> workspaces.Workspace:
    """A workspace with the repository in it."""
    bench.capture(repositories=["octo/hello"])
    made = workspaces.create(bench.connection, "Team")
    (row,) = bench.rows("select id from github.repositories")
    workspaces.add_repositories(bench.connection, made.id, [row["id"]])
    return made


def test_a_days_partition_is_computed_for_every_workspace(bench: Bench, team: workspaces.Workspace) -> None:
    result = bench.aggregate(partition_key="2026-06-01")
    assert result.success
    assert materialized(result) == {
        ("metrics/workspace_daily", "2026-06-01"),
        ("metrics/repository_daily", "2026-06-01"),
        ("metrics/workspace_trends", "2026-06-01"),
        ("metrics/workspace_contributors", "2026-06-01"),
    }
    (row,) = bench.rows("select * from metrics.workspace_daily")
    assert (row["pull_requests_opened"], row["reviews"], row["active_contributors"]) == (3, 1, 2)
    assert row["is_final"]


def test_a_range_of_days_is_one_run(bench: Bench, team: workspaces.Workspace) -> None:
    tags = {"dagster/asset_partition_range_start": "2026-05-30", "dagster/asset_partition_range_end": "2026-06-02"}
    assert bench.aggregate(tags=tags).success
    days = bench.rows("select day::text, pull_requests_total as total from metrics.workspace_daily order by day")
    assert [tuple(d.values()) for d in days] == [
        ("2026-05-30", 0),
        ("2026-05-31", 0),
        ("2026-06-01", 3),
        ("2026-06-02", 3),
    ]


def test_an_event_without_a_day_computes_every_day_that_is_not_final(bench: Bench, team: workspaces.Workspace) -> None:
    event_id = post(bench, "aggregate/workspace-metrics", {"workspace_id": team.slug})
    today = datetime.now(UTC).date()
    tags = {
        "dagster/asset_partition_range_start": str(today - timedelta(days=89)),
        "dagster/asset_partition_range_end": str(today),
    }
    assert bench.aggregate(events=[event_id], tags=tags).success
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    (row,) = bench.rows(
        "select count(*) as n, max(day) as last, bool_or(is_final) as any_final from metrics.workspace_daily"
    )
    assert (row["n"], row["last"], row["any_final"]) == (90, today, True)

    again = post(bench, "aggregate/workspace-metrics", {"workspace_id": team.slug})
    assert {day for _, day in materialized(bench.aggregate(events=[again], tags=tags))} == {str(today)}


def test_late_facts_reopen_their_days(bench: Bench, team: workspaces.Workspace) -> None:
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    tags = {
        "dagster/asset_partition_range_start": str(today - timedelta(days=89)),
        "dagster/asset_partition_range_end": str(today),
    }
    assert bench.aggregate(tags=tags).success
    hello = bench.world.find_repository("octo/hello")
    assert hello is not None
    bench.world.merge(hello.pull_requests[2], None, at=f"{yesterday}T12:00:00Z")
    bench.capture(repositories=["octo/hello"], numbers=[2])
    assert bench.aggregate(reopened=True, tags=tags).success
    (row,) = bench.rows(f"select * from metrics.workspace_daily where day = '{yesterday}'")
    assert row["pull_requests_merged"] == 1


def test_late_facts_of_a_repository_in_no_workspace_reopen_their_days(bench: Bench, team: workspaces.Workspace) -> None:
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    tags = {
        "dagster/asset_partition_range_start": str(today - timedelta(days=89)),
        "dagster/asset_partition_range_end": str(today),
    }
    bench.connection.execute("delete from workspaces.repositories")
    assert bench.aggregate(tags=tags).success
    bench.connection.execute(f"update github.pull_requests set created_at = '{yesterday}T12:00Z' where number = 1")
    assert bench.aggregate(reopened=True, tags=tags).success
    (row,) = bench.rows(f"select * from metrics.repository_daily where day = '{yesterday}'")
    assert (row["pull_requests_opened"], row["is_final"]) == (1, True)


@pytest.mark.parametrize("dies_at", ["compute_days", "compute_topic", "compute_contributors"])
def test_a_run_that_dies_after_it_reopened_days_leaves_them_to_the_next(
    bench: Bench, team: workspaces.Workspace, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    today = datetime.now(UTC).date()
    tags = {
        "dagster/asset_partition_range_start": str(today - timedelta(days=89)),
        "dagster/asset_partition_range_end": str(today),
    }
    assert bench.aggregate(reopened=True, tags=tags).success
    until_gone(bench.connection)
    assert waiting(bench.connection).since is None
    bench.connection.execute("update github.pull_requests set created_at = now() - interval '2 days' where number = 1")
    with monkeypatch.context() as broken:
        broken.setattr(metrics, dies_at, lambda *_, **__: 1 / 0)
        assert not bench.aggregate(reopened=True, tags=tags).success
    until_gone(bench.connection)
    assert waiting(bench.connection).from_day is not None

    assert bench.aggregate(reopened=True, tags=tags).success
    until_gone(bench.connection)
    assert waiting(bench.connection).since is None
    (row,) = bench.rows(f"select * from metrics.workspace_daily where day = '{today - timedelta(days=2)}'")
    assert row["pull_requests_opened"] == 1


def test_a_run_for_one_workspace_leaves_the_marks_of_the_others(bench: Bench, team: workspaces.Workspace) -> None:
    workspaces.create(bench.connection, "Others")
    event_id = post(bench, "aggregate/workspace-metrics", {"workspace_id": "others"})
    run = {"dagster/asset_partition_range_start": "2026-06-01", "dagster/asset_partition_range_end": "2026-06-01"}
    assert bench.aggregate(events=[event_id], tags=run).success
    until_gone(bench.connection)
    assert waiting(bench.connection).repositories == 1


def test_the_nightly_run_captures_what_moved_before_it_counts(bench: Bench, team: workspaces.Workspace) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    bench.connection.execute("update github.capture_state set verified_at = verified_at - interval '1 day'")
    hello = bench.world.find_repository("octo/hello")
    assert hello is not None
    bench.world.merge(hello.pull_requests[1], None, at=f"{yesterday}T23:59:59Z")
    bench.connection.execute("update github.capture_state set watermark = %s", (datetime(2026, 6, 1, 13, tzinfo=UTC),))
    assert bench.aggregate(partition_key=str(yesterday), verify_members=True).success
    (row,) = bench.rows(f"select * from metrics.workspace_daily where day = '{yesterday}'")
    assert (row["pull_requests_merged"], row["is_final"]) == (1, True)


def test_priorities_follow_membership(bench: Bench, team: workspaces.Workspace) -> None:
    event_id = post(bench, "sync/workspace-priorities", {})
    assert bench.run("prioritise", "set_priorities", events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    assert bench.rows("select priority from github.repositories") == [{"priority": "high"}]

    workspaces.set_active(bench.connection, team.id, False)
    bench.connection.execute("update github.repositories set pushed_at = now()")
    assert bench.run("prioritise", "set_priorities").success
    assert bench.rows("select priority, is_tracked from github.repositories") == [
        {"priority": "medium", "is_tracked": True}
    ]

    bench.connection.execute("update github.repositories set pushed_at = now() - interval '91 days'")
    bench.connection.execute("update github.pull_requests set updated_at = now() - interval '91 days'")
    assert bench.run("prioritise", "set_priorities").success
    assert bench.rows("select priority from github.repositories") == [{"priority": "low"}]


def test_days_past_the_retention_go_and_can_be_computed_again(bench: Bench, team: workspaces.Workspace) -> None:
    for day in ("2026-06-01", str(datetime.now(UTC).date())):
        assert bench.aggregate(partition_key=day).success
    event_id = post(bench, "cleanup/workspace-metrics", {})
    result = bench.run("cleanup", "delete_expired", events=[event_id])
    assert result.success
    assert [e.event_specific_data.asset_observation.partition for e in result.all_events if e.is_asset_observation] == [
        "2026-06-01"
    ]
    assert bench.rows("select count(*) as n from metrics.workspace_daily") == [{"n": 1}]
    assert bench.aggregate(partition_key="2026-06-01").success
    assert bench.rows("select pull_requests_opened as n from metrics.workspace_daily order by day limit 1") == [
        {"n": 3}
    ]


@pytest.mark.parametrize(
    ("name", "data", "job", "op"),
    [
        ("aggregate/workspace-metrics", {"workspace_id": "nobody"}, "aggregate", "compute_daily_metrics"),
        (
            "workspace/repository-change",
            {"workspace_id": "nobody", "action": "added", **HELLO},
            "change_workspaces",
            "change_members",
        ),
    ],
)
def test_an_event_about_a_workspace_that_is_not_there_fails_at_once(
    bench: Bench, name: str, data: dict[str, object], job: str, op: str
) -> None:
    event_id = post(bench, name, data)
    run = {
        "tags": {"dagster/asset_partition_range_start": "2026-06-01", "dagster/asset_partition_range_end": "2026-06-01"}
    }
    assert bench.run(job, op, events=[event_id], **(run if job == "aggregate" else {})).success
    row = inbox.show(bench.connection, event_id)
    assert row["state"] == "failed"
    assert row["reason"].startswith("No workspace 'nobody'")
