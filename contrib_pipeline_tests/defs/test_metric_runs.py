"""What runs about metrics show in the UI: a table and pictures on the newest final day, reports, checks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from contrib_pipeline.defs.assets import metrics
from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.metrics.checks import CHECKS
from contrib_pipeline.presentation import report
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.defs.conftest import Bench, materialized

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def team(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> workspaces.Workspace:
    """A workspace with a repository; CONTRIB_HOME is the test's own."""
    monkeypatch.setenv("CONTRIB_HOME", str(tmp_path))
    bench.capture(repositories=["octo/hello"])
    made = workspaces.create(bench.connection, "Team")
    (row,) = bench.rows("select id from github.repositories")
    workspaces.add_repositories(bench.connection, made.id, [row["id"]])
    return made


def shown(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Metadata of the materializations of workspace_daily, by day."""
    return {
        str(event.partition): dict(event.step_materialization_data.materialization.metadata)
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["metrics", "workspace_daily"])
    }


def test_the_newest_final_day_of_a_run_shows_a_table_and_pictures(bench: Bench, team: workspaces.Workspace) -> None:
    tags = {
        "dagster/asset_partition_range_start": str(TODAY - timedelta(days=2)),
        "dagster/asset_partition_range_end": str(TODAY),
    }
    days = shown(bench.aggregate(tags=tags))
    assert [day for day, metadata in days.items() if "pictures" in metadata] == [str(YESTERDAY)]
    assert all("pull_requests_opened" in metadata for metadata in days.values())
    metadata = days[str(YESTERDAY)]
    (record,) = metadata["summary"].records
    assert record.data["workspace"] == "team"
    assert metadata["summary"].schema.columns[1].description == "Pull requests opened."
    assert metadata["pictures"].md_str.count("data:image/svg+xml") == 4
    assert "reports" not in metadata


def test_a_range_of_days_leaves_no_table_without_one_of_them(bench: Bench, team: workspaces.Workspace) -> None:
    """Dagster calls a backfill failed that did."""
    first, last = TODAY - timedelta(days=5), TODAY - timedelta(days=3)
    tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
    logged = materialized(bench.aggregate(tags=tags))
    tables = ("workspace_daily", "repository_daily", "workspace_trends", "workspace_contributors")
    days = [str(first + timedelta(days=n)) for n in range(3)]
    assert logged == {(f"metrics/{table}", day) for table in tables for day in days}


def test_a_day_has_the_rows_of_all_workspaces_also_where_one_was_computed(
    bench: Bench, team: workspaces.Workspace
) -> None:
    workspaces.create(bench.connection, "Another")
    bench.aggregate(partition_key=str(YESTERDAY))
    metadata = shown(bench.aggregate(partition_key=str(YESTERDAY), workspaces=["team"]))[str(YESTERDAY)]
    assert (metadata["dagster/partition_row_count"].value, metadata["rows_final"].value) == (2, 2)


def test_the_nightly_run_writes_reports(bench: Bench, team: workspaces.Workspace, tmp_path: Path) -> None:
    result = bench.aggregate(partition_key=str(YESTERDAY), verify_members=True)
    assert shown(result)[str(YESTERDAY)]["reports"].path == str(tmp_path / "reports")
    assert "<h1>Team</h1>" in (tmp_path / "reports" / "team.html").read_text("utf-8")


@pytest.mark.parametrize("by_event", [True, False], ids=["event", "schedule"])
def test_a_night_that_githubs_budget_does_not_allow_is_computed_and_done_again(
    bench: Bench, team: workspaces.Workspace, by_event: bool
) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    bench.connection.execute("update github.budgets set paused_until = %s", [until])
    if by_event:
        ids = inbox.post(bench.connection, [Event("scheduled/workspace-aggregation", {})], "inngest")
        result = bench.aggregate(partition_key=str(YESTERDAY), events=ids)
    else:
        result = bench.aggregate(partition_key=str(YESTERDAY), verify_members=True)
    assert result.success
    assert str(YESTERDAY) in shown(result), "what is stored is computed"
    (row,) = bench.rows("select function, state, not_before, attempts from events.inbox where state = 'pending'")
    assert (row["function"], row["attempts"]) == ("scheduled/workspace-aggregation", 0)
    assert abs(row["not_before"] - until) < timedelta(minutes=1)
    run = bench.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert datetime.fromisoformat(run.tags["deferred"]) == until


def test_a_report_that_cannot_be_written_is_named_and_the_others_are_written(
    bench: Bench, team: workspaces.Workspace, tmp_path: Path
) -> None:
    for name in ("Another", "Zebra"):
        workspaces.create(bench.connection, name)
    folder = tmp_path / "reports"
    (folder / "team.html").mkdir(parents=True)  # the busiest workspace's: the first that is written
    result = bench.aggregate(partition_key=str(YESTERDAY), verify_members=True)
    assert result.success
    written = ("another.html", "zebra.html")
    assert all("<h1>" in (folder / name).read_text("utf-8") for name in written)
    assert shown(result)[str(YESTERDAY)]["reports_missing"].md_str == (
        f"- The report of workspace team was not written: {folder / 'team.html'} can't be written: Is a directory."
    )


def test_one_report_that_fails_unexpectedly_does_not_hold_up_the_others(
    bench: Bench, team: workspaces.Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspaces.create(bench.connection, "Zebra")
    write = report.write_report

    def fails_for_team(connection: Connection, workspace: workspaces.Workspace, output: Path) -> None:
        if workspace.slug == "team":
            raise ZeroDivisionError("division by zero")
        write(connection, workspace, output)

    monkeypatch.setattr(report, "write_report", fails_for_team)
    result = bench.aggregate(partition_key=str(YESTERDAY), verify_members=True)
    assert (tmp_path / "reports" / "zebra.html").exists()
    missing = shown(result)[str(YESTERDAY)]["reports_missing"].md_str
    assert missing == "- The report of workspace team was not written: ZeroDivisionError: division by zero"


def test_reports_that_cannot_be_written_do_not_fail_the_run(
    bench: Bench, team: workspaces.Workspace, tmp_path: Path
) -> None:
    (tmp_path / "reports").write_text("a file in the folder's place")
    assert bench.aggregate(partition_key=str(YESTERDAY), verify_members=True).success


def check(bench: Bench) -> dict[str, dg.AssetCheckEvaluation]:
    from contrib_pipeline.definitions import defs

    result = defs.resolve_job_def("check_metrics").execute_in_process(
        instance=bench.instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )
    return {e.asset_check_key.to_user_string(): e for e in result.get_asset_check_evaluations()}


def test_checks_pass_where_all_is_computed(bench: Bench, team: workspaces.Workspace) -> None:
    found = check(bench)
    assert len(found) == len(CHECKS)
    assert all(evaluation.passed for evaluation in found.values())


def test_a_run_that_wrote_nothing_fails_its_check(bench: Bench, team: workspaces.Workspace) -> None:
    bench.connection.execute("update workspaces.workspaces set created_at = now() - interval '2 hours'")
    found = check(bench)["metrics/workspace_daily:every_day_is_there"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert found.metadata["offenders"].value == 89
    assert f"{YESTERDAY}: no workspace has a row" in found.metadata["named"].md_str


def test_a_sudden_drop_warns(bench: Bench, team: workspaces.Workspace) -> None:
    days = [str(YESTERDAY - timedelta(days=7 * weeks)) for weeks in range(5)]
    for day in days:
        assert bench.aggregate(partition_key=day).success
    bench.connection.execute("update metrics.workspace_daily set reviews = 50 where day < %s", [YESTERDAY])
    found = check(bench)["metrics/workspace_daily:no_sudden_drop"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "team" in found.metadata["named"].md_str


_TEN_DAYS = {
    "dagster/asset_partition_range_start": str(TODAY - timedelta(days=9)),
    "dagster/asset_partition_range_end": str(TODAY),
}


def trends(bench: Bench) -> list[dict[str, Any]]:
    """All trends of the last ten days."""
    return bench.rows(
        f"""
        select workspace_id, day, window_days, metric, current, previous, change_percent
        from metrics.workspace_trends
        where day >= '{TODAY - timedelta(days=9)}'
        order by workspace_id, day, window_days, metric
        """
    )


def test_a_late_fact_corrects_the_trends_of_all_days_that_it_re_opened(
    bench: Bench, team: workspaces.Workspace
) -> None:
    bench.aggregate(tags=_TEN_DAYS)
    before = trends(bench)
    bench.connection.execute(
        "update github.pull_requests set created_at = %s where id = (select min(id) from github.pull_requests)",
        [datetime.now(UTC) - timedelta(days=8)],
    )
    bench.aggregate(tags=_TEN_DAYS, reopened=True)
    corrected = trends(bench)
    bench.aggregate(tags=_TEN_DAYS)
    assert corrected == trends(bench)
    assert {row["day"] for row in corrected if row not in before} >= {TODAY - timedelta(days=ago) for ago in range(9)}


def test_a_change_of_members_corrects_the_trends_of_all_days(bench: Bench, team: workspaces.Workspace) -> None:
    other = workspaces.create(bench.connection, "Other")
    bench.connection.execute(
        "update github.pull_requests set created_at = %s where id = (select min(id) from github.pull_requests)",
        [datetime.now(UTC) - timedelta(days=8)],
    )
    bench.aggregate(tags=_TEN_DAYS)
    (row,) = bench.rows("select id from github.repositories")
    workspaces.remove_repositories(bench.connection, team.id, [row["id"]])
    workspaces.add_repositories(bench.connection, other.id, [row["id"]])
    events = [Event("aggregate/workspace-metrics", {"workspace_id": each.slug}) for each in (team, other)]
    bench.aggregate(tags=_TEN_DAYS, events=inbox.post(bench.connection, events, "cli"))
    corrected = trends(bench)
    bench.aggregate(tags=_TEN_DAYS)
    assert corrected == trends(bench)
    opened = {
        row["workspace_id"]
        for row in corrected
        if row["metric"] == "pull_requests_opened" and row["day"] == TODAY - timedelta(days=7) and row["current"]
    }
    assert opened == {other.id}


def test_members_that_change_while_days_are_computed_are_those_of_all_days(
    bench: Bench, team: workspaces.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.connection.execute("update github.pull_requests set created_at = now() - interval '20 days'")
    (row,) = bench.rows("select id from github.repositories")
    compute = metrics.compute_days

    def compute_and_change(connection: Connection, days: Any, **workspace_ids: Any) -> Any:
        computed = compute(connection, days, **workspace_ids)
        workspaces.remove_repositories(connection, team.id, [row["id"]])
        return computed

    monkeypatch.setattr(metrics, "compute_days", compute_and_change)
    bench.aggregate(tags=_TEN_DAYS)
    totals = bench.rows("select pull_requests_total from metrics.workspace_daily")
    assert [day["pull_requests_total"] for day in totals] == [0] * 10
    assert not any(row["previous"] or row["current"] for row in trends(bench))


def test_a_change_of_bot_logins_reaches_stored_accounts_and_their_days(
    bench: Bench, team: workspaces.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.connection.execute("update github.reviews set submitted_at = now()")
    bench.aggregate(tags=_TEN_DAYS)
    today = "select reviewers, reviews, reviews_by_bots from metrics.workspace_daily where day = current_date"
    assert bench.rows(today) == [{"reviewers": 1, "reviews": 1, "reviews_by_bots": 0}]
    monkeypatch.setenv("BOT_LOGINS", "B*")
    bench.aggregate(tags=_TEN_DAYS, reopened=True)
    assert bench.rows(today) == [{"reviewers": 0, "reviews": 1, "reviews_by_bots": 1}]
    monkeypatch.delenv("BOT_LOGINS")
    bench.aggregate(tags=_TEN_DAYS, reopened=True)
    assert bench.rows(today) == [{"reviewers": 1, "reviews": 1, "reviews_by_bots": 0}]


def test_an_inactive_workspace_is_not_computed_silently(bench: Bench, team: workspaces.Workspace) -> None:
    workspaces.set_active(bench.connection, team.id, False)
    ids = inbox.post(bench.connection, [Event("aggregate/workspace-metrics", {"workspace_id": "team"})], "cli")
    assert bench.aggregate(tags=_TEN_DAYS, events=ids).success
    (row,) = bench.rows("select state, reason from events.inbox where function = 'aggregate/workspace-metrics'")
    assert row["state"] == "skipped"
    assert "inactive" in row["reason"]
