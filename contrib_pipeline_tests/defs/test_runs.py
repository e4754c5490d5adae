"""Captures as runs, executed here: what they do for events, partitions and commands, and what they log."""

from datetime import UTC, datetime

import dagster as dg

from contrib_pipeline.defs.runs import give_back_events_of_dead_runs
from contrib_pipeline.events import inbox, queue
from contrib_pipeline.sandbox import faults
from contrib_pipeline.warehouse.tables import WRITE_ORDER
from contrib_pipeline_tests.defs.conftest import HELLO, Bench, grow_past_a_first_capture, materialized, post


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
