"""Pruning Dagster's history: what goes, and what the partitions rest on."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from contrib_pipeline.defs.run_history import delete_runs_before
from contrib_pipeline_tests.defs.conftest import Bench

_letters = dg.StaticPartitionsDefinition(["a", "b"])


@dg.asset(partitions_def=_letters)
def lettered(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    if "fails" in context.run.tags:
        raise dg.Failure("as asked")
    return dg.MaterializeResult(metadata={"letter": context.partition_key})


@dg.asset
def whole() -> None: ...


@dg.op
def nothing() -> None: ...


@dg.job
def about_no_asset() -> None:
    nothing()


@pytest.fixture
def instance() -> dg.DagsterInstance:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None, **tags: str) -> str:
    result = dg.materialize([asset], partition_key=partition, instance=instance, tags=tags, raise_on_error=False)
    return result.run_id


def prune(instance: dg.DagsterInstance) -> tuple[int, int]:
    """As if all runs were old."""
    return delete_runs_before(instance, datetime.now(UTC) + timedelta(seconds=1))


def left(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_run_ids())


def test_the_newest_run_of_each_partition_stays(instance: dg.DagsterInstance) -> None:
    run(instance, lettered, "a")
    newest = {run(instance, lettered, "a"), run(instance, lettered, "b")}
    assert prune(instance) == (1, 2)
    assert left(instance) == newest
    assert instance.get_materialized_partitions(lettered.key) == {"a", "b"}


def test_the_newest_run_of_an_asset_without_partitions_stays(instance: dg.DagsterInstance) -> None:
    run(instance, whole)
    newest = run(instance, whole)
    assert prune(instance) == (1, 1)
    assert left(instance) == {newest}
    assert instance.get_latest_materialization_event(whole.key) is not None


def test_a_partition_that_failed_last_keeps_that_run_too(instance: dg.DagsterInstance) -> None:
    run(instance, lettered, "a", fails="first")
    both = {run(instance, lettered, "a"), run(instance, lettered, "a", fails="then")}
    prune(instance)
    assert left(instance) == both


def test_runs_about_no_asset_go_with_their_events(instance: dg.DagsterInstance) -> None:
    run_id = about_no_asset.execute_in_process(instance=instance).run_id
    assert prune(instance) == (1, 0)
    assert left(instance) == set()
    assert list(instance.all_logs(run_id)) == []


def test_younger_runs_stay(instance: dg.DagsterInstance) -> None:
    run_id = about_no_asset.execute_in_process(instance=instance).run_id
    assert delete_runs_before(instance, datetime.now(UTC) - timedelta(days=30)) == (0, 0)
    assert left(instance) == {run_id}


def test_runs_under_way_stay(instance: dg.DagsterInstance) -> None:
    run_id = instance.create_run_for_job(about_no_asset).run_id
    assert prune(instance) == (0, 0)
    assert left(instance) == {run_id}


def test_the_weekly_cleanup_prunes(bench: Bench) -> None:
    run_id = about_no_asset.execute_in_process(instance=bench.instance).run_id
    result = bench.run("cleanup", "delete_expired")
    assert result.success
    assert run_id in left(bench.instance)  # it is young
    (output,) = (e for e in result.all_events if e.is_successful_output and e.step_key == "delete_old_runs")
    assert output.step_output_data.metadata["runs"].value == 0
