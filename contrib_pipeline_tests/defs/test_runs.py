"""Runs, executed here: what they do for events, partitions and commands, what they log, what becomes of failures."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from contrib_pipeline.defs.assets import metrics
from contrib_pipeline.defs.runs import give_back_events_of_dead_runs
from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.metrics.reopened import waiting
from contrib_pipeline.sandbox import faults
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.tables import WRITE_ORDER
from contrib_pipeline_tests.defs.conftest import Bench, materialized
from contrib_pipeline_tests.metrics.test_reopened import until_gone

HELLO = {"repository": {"owner": "octo", "name": "hello"}}


def post(bench: Bench, name: str, data: dict[str, object]) -> str:
    (event_id,) = inbox.post(bench.connection, [Event(name, data)], "inngest")
    return event_id


def test_a_run_that_an_event_asked_for_captures_and_ends_it(bench: Bench) -> None:
    event_id = post(bench, "capture/repository.sync", HELLO)
    result = bench.capture(events=[event_id])
    assert result.success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["run_id"], row["attempts"]) == ("done", result.run_id, 1)
    assert bench.rows("select count(*) as n from github.pull_requests") == [{"n": 3}]


def test_a_run_adds_the_partition_in_githubs_spelling_and_logs_what_changed(bench: Bench) -> None:
    result = bench.capture(repositories=["Octo/HELLO"])
    assert bench.instance.get_dynamic_partitions("repositories") == ["octo/hello"]
    logged = materialized(result)
    assert ("github/pull_requests", "octo/hello") in logged
    assert ("github/reviews", "octo/hello") in logged
    assert ("github/discussions", "octo/hello") not in logged
    assert all(partition == "octo/hello" for _, partition in logged)


def test_a_materialization_carries_numbers_and_a_link(bench: Bench) -> None:
    result = bench.capture(repositories=["octo/hello"])
    (metadata,) = (
        event.step_materialization_data.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["github", "pull_requests"])
    )
    assert metadata["dagster/partition_row_count"].value == 3
    assert metadata["github_total"].value == 3
    assert metadata["points"].value > 0
    assert str(metadata["repository"].value).endswith("/octo/hello")


def test_a_second_run_logs_only_that_it_looked(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    assert materialized(bench.capture(repositories=["octo/hello"])) == {("github/pull_requests", "octo/hello")}


def test_a_run_started_in_the_ui_gets_a_row_in_the_inbox(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    result = bench.capture(partition_key="octo/hello")
    assert result.success
    (row,) = bench.rows(f"select * from events.inbox where run_id = '{result.run_id}'")
    assert (row["source"], row["state"], row["key"]) == ("ui", "done", "octo/hello")


def test_a_run_on_a_partition_logs_every_table_asked_for(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    again = materialized(bench.capture(partition_key="octo/hello"))
    assert again == {(table.name.replace(".", "/"), "octo/hello") for table in WRITE_ORDER}


def test_a_partition_that_is_no_repository_is_gone_after_its_run(bench: Bench) -> None:
    bench.instance.add_dynamic_partitions("repositories", ["octo/typo"])
    result = bench.capture(partition_key="octo/typo")
    assert not result.success
    assert bench.instance.get_dynamic_partitions("repositories") == []
    (row,) = inbox.list_events(bench.connection, state="failed")
    assert row["reason"] == (
        "GitHub shows this credential no repository octo/typo: correct the name, or let the credential see it."
    )


def test_a_repository_that_github_does_not_know_leaves_no_partition(bench: Bench) -> None:
    event_id = post(bench, "discover/new-repository", {"repository": "octo/nothing"})
    result = bench.capture(events=[event_id])
    assert not result.success
    assert bench.instance.get_dynamic_partitions("repositories") == []
    row = inbox.show(bench.connection, event_id)
    assert row["state"] == "failed"
    assert "octo/nothing" in row["reason"]


def test_one_bad_repository_does_not_hold_up_the_others(bench: Bench) -> None:
    ids = [post(bench, "capture/repository.sync", {"repository": name}) for name in ("octo/nothing", "octo/hello")]
    assert not bench.capture(events=ids).success
    assert [inbox.show(bench.connection, i)["state"] for i in ids] == ["failed", "done"]
    assert bench.rows("select count(*) as n from github.pull_requests") == [{"n": 3}]


def test_an_event_comes_back_when_github_fails(bench: Bench) -> None:
    event_id = post(bench, "capture/repository.sync", HELLO)
    bench.app.state.faults.add(faults.bad_credentials())
    assert not bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["attempts"]) == ("pending", 1)
    assert row["not_before"] > datetime.now(UTC)


def test_a_sync_of_a_repository_just_verified_is_skipped_unless_somebody_insists(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    fresh = post(bench, "capture/repository.sync", HELLO)
    manual = post(bench, "capture/repository.sync", {**HELLO, "reason": "manual"})
    bench.capture(events=[fresh])
    bench.capture(events=[manual])
    assert inbox.show(bench.connection, fresh)["state"] == "skipped"
    assert inbox.show(bench.connection, fresh)["reason"].startswith("Fresh: octo/hello")
    assert inbox.show(bench.connection, manual)["state"] == "done"


def grow_past_a_first_capture(bench: Bench) -> None:
    for number in range(120):
        bench.world.add_pull_request(bench.world.find_repository("octo/hello"), None, f"{number}")


def test_a_discovery_asks_for_the_history_of_a_repository_that_is_not_complete(bench: Bench) -> None:
    grow_past_a_first_capture(bench)
    event_id = post(bench, "discover/new-repository", {"repository": "octo/hello"})
    assert bench.capture(events=[event_id]).success
    (history,) = bench.rows("select * from events.inbox where function = 'capture/repository.sync-enhanced'")
    assert (history["state"], history["key"]) == ("pending", "octo/hello")
    assert history["priority"] < inbox.show(bench.connection, event_id)["priority"]
    assert bench.capture(events=[history["id"]]).success
    assert bench.rows("select history_complete from github.repositories") == [{"history_complete": True}]


def test_the_events_of_a_killed_run_are_given_back_and_the_run_is_ended(bench: Bench) -> None:
    event_id = post(bench, "capture/repository.sync", HELLO)
    run = bench.instance.create_run_for_job(bench_job(), tags={"why": "stands for a run whose process was killed"})
    bench.instance.report_engine_event("started", run)
    queue.claim(bench.connection, [event_id], run.run_id)
    assert give_back_events_of_dead_runs(bench.connection, bench.instance) == [run.run_id]
    assert inbox.show(bench.connection, event_id)["state"] == "pending"
    ended = bench.instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def bench_job() -> dg.JobDefinition:
    from contrib_pipeline.definitions import defs

    return defs.resolve_job_def("change_workspaces")


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
