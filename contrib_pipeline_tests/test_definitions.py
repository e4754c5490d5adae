"""Every name that others may rely on, pinned: an asset, job, sensor or schedule that is lost or renamed shows here."""

import importlib.resources
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from contrib_pipeline.cli.main import cli
from contrib_pipeline.definitions import defs
from contrib_pipeline.defs.partitions import days, repositories
from contrib_pipeline.events.catalogue import CATALOGUE
from contrib_pipeline.settings import Settings
from contrib_pipeline.warehouse.columns import columns

ASSETS = {
    "events/inbox",
    "github/repositories",
    "github/contributors",
    "github/pull_requests",
    "github/reviews",
    "github/comments",
    "github/discussions",
    "github/discussion_comments",
    "workspaces/workspaces",
    "workspaces/repositories",
    "metrics/workspace_daily",
    "metrics/repository_daily",
    "metrics/workspace_trends",
    "metrics/workspace_contributors",
}
JOBS = {"capture", "change_workspaces", "aggregate", "prioritise", "cleanup", "check", "check_metrics"}
METRIC_CHECKS = {
    "workspace_daily": {
        "every_day_is_there",
        "a_row_per_active_workspace",
        "what_happened_was_counted",
        "repositories_add_up",
        "numbers_are_possible",
        "no_sudden_drop",
    },
    "repository_daily": {"numbers_are_possible"},
    "workspace_trends": {"trends_are_there"},
    "workspace_contributors": {"contributors_are_there"},
}
SENSORS = {"inbox", "inbox_2", "inbox_3", "inbox_depth", "failed_deliveries", "reopened_days", "moved_repositories"}
SCHEDULES = {
    "aggregate_workspaces_daily": "0 0 * * *",
    "set_priorities": "0 */6 * * *",
    "delete_expired_weekly": "0 3 * * 0",
    "reconcile_nightly": "10 3 * * *",
    "check_daily": "30 5 * * *",
    "check_metrics_daily": "0 1 * * *",
}
COMMANDS = {
    "aggregate",
    "alias",
    "capture",
    "discussions",
    "doctor",
    "env",
    "events",
    "explain",
    "export",
    "metrics",
    "migrate",
    "report",
    "sandbox",
    "send",
    "serve-events",
    "track",
    "untrack",
    "up",
    "verify",
    "worker",
    "workspace",
}
FUNCTIONS = {
    "capture/pr.details": {"capture/pr.details.graphql", "capture/pr.reviews", "capture/pr.comments"},
    "capture/repository.sync": {"capture/repository.sync.graphql", "capture/repository.sync-graphql"},
    "capture/repository.sync-enhanced": {"capture/repository.sync.enhanced"},
    "classify/repository.size": set(),
    "classify/single-repository": {"classify/repository.single"},
    "discover/new-repository": {"discover/repository.new"},
    "aggregate/workspace-metrics": {"workspace.metrics.aggregate"},
    "scheduled/workspace-aggregation": set(),
    "workspace/repository-change": {"workspace.repository.changed"},
    "cleanup/workspace-metrics": set(),
    "sync/workspace-priorities": {"workspace/priorities.sync"},
    "sync/discussions": {"sync/discussions-cron", "capture/repository.discussions"},
    "cancel/function": set(),
}
SETTINGS = {
    "DATABASE_URL",
    "CONTRIB_HOME",
    "GITHUB_TOKEN",
    "GITHUB_APP_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_API_URL",
    "GITHUB_GRAPHQL_URL",
    "GITHUB_WEBHOOK_SECRET",
    "EVENT_KEYS",
    "CONTRIB_LOG_FORMAT",
    "METRICS_RETENTION_DAYS",
    "CONTRIB_RUN_RETENTION_DAYS",
    "BOT_LOGINS",
    "CELERY_BROKER_URL",
}


@pytest.fixture(scope="module")
def loaded() -> dg.RepositoryDefinition:
    return defs.get_repository_def()


def test_all_of_it_loads() -> None:
    dg.Definitions.validate_loadable(defs)


def test_assets_are_the_tables_of_the_contract(loaded: dg.RepositoryDefinition) -> None:
    assert {key.to_user_string() for key in loaded.asset_graph.get_all_asset_keys()} == ASSETS


def test_jobs_sensors_and_schedules_have_their_names(loaded: dg.RepositoryDefinition) -> None:
    assert {name for name in loaded.job_names if not name.startswith("__")} == JOBS
    assert {sensor.name for sensor in loaded.sensor_defs} == SENSORS
    assert {schedule.name: schedule.cron_schedule for schedule in loaded.schedule_defs} == SCHEDULES


def test_the_checks_of_the_metrics_have_their_names(loaded: dg.RepositoryDefinition) -> None:
    keys = loaded.asset_graph.asset_check_keys
    assert {(key.asset_key.to_user_string(), key.name) for key in keys if key.asset_key.path[0] == "metrics"} == {
        (f"metrics/{table}", name) for table, names in METRIC_CHECKS.items() for name in names
    }


def test_every_run_is_one_process_also_one_started_from_an_assets_page(loaded: dg.RepositoryDefinition) -> None:
    jobs = loaded.get_all_jobs()
    assert {"__ASSET_JOB", *JOBS} == {job.name for job in jobs}
    assert {job.executor_def.name for job in jobs} == {"in_process"}


@pytest.mark.parametrize("job", ["capture", "change_workspaces", "aggregate"])
def test_a_run_that_writes_tables_leaves_the_results_of_their_checks_alone(
    loaded: dg.RepositoryDefinition, job: str
) -> None:
    assert (
        not loaded.get_job(job)
        .asset_layer.asset_graph.get_all_asset_keys()
        .isdisjoint(loaded.asset_graph.materializable_asset_keys)
    )
    assert not {node.name for node in loaded.get_job(job).graph.nodes} & {"proofs", "metric_checks"}


def test_sensors_and_schedules_run_without_being_switched_on(loaded: dg.RepositoryDefinition) -> None:
    assert all(sensor.default_status == dg.DefaultSensorStatus.RUNNING for sensor in loaded.sensor_defs)
    assert all(schedule.default_status == dg.DefaultScheduleStatus.RUNNING for schedule in loaded.schedule_defs)


def test_partitions_are_repositories_and_days() -> None:
    assert repositories.name == "repositories"
    assert days.get_first_partition_key() == "2008-01-01"
    assert days.timezone == "UTC"
    assert days.end_offset == 1


def test_every_asset_says_what_and_where_it_is(loaded: dg.RepositoryDefinition) -> None:
    for key in loaded.asset_graph.get_all_asset_keys():
        node = loaded.asset_graph.get(key)
        table = ".".join(key.path)
        assert node.description, key
        assert node.owners, key
        assert "postgres" in node.kinds, key
        assert node.group_name == key.path[0]
        assert node.metadata["dagster/table_name"] == table
        schema = node.metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == [column.name for column in columns(table)]


def test_daily_metrics_depend_on_all_repositories_not_on_one_named_like_the_day(
    loaded: dg.RepositoryDefinition,
) -> None:
    mapping = loaded.asset_graph.get_partition_mapping(
        dg.AssetKey(["metrics", "workspace_daily"]), dg.AssetKey(["github", "pull_requests"])
    )
    assert isinstance(mapping, dg.AllPartitionMapping)


def test_the_catalogue_of_events_is_whole() -> None:
    assert {entry.function: set(entry.aliases) for entry in CATALOGUE} == FUNCTIONS


def test_the_commands_have_their_names() -> None:
    assert set(cli.commands) == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert cli.commands[command].help


def test_the_settings_have_their_names() -> None:
    names = set()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        names.add(str(alias.choices[0]) if hasattr(alias, "choices") else str(alias))  # type: ignore[union-attr]
    assert names >= SETTINGS


def test_sql_and_graphql_are_part_of_the_package() -> None:
    package = importlib.resources.files("contrib_pipeline")
    source = Path(str(package))
    patterns = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8")
    endings = {
        path.suffix for path in source.rglob("*") if path.suffix not in (".py", ".pyc", ".typed", "") and path.is_file()
    }
    assert all(f'"**/*{ending}"' in patterns for ending in endings), endings
