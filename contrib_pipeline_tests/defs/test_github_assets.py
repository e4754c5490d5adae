"""Captures as runs: budgets that defer them, names that change, what a sweep asks for, what no log ever tells."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from contrib_pipeline.capture import many, repositories
from contrib_pipeline.defs import names, reconciliation
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.github.budget import Quota
from contrib_pipeline.github.credentials import app_account
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline_tests.defs.conftest import HELLO, Bench, post


def partitions(bench: Bench) -> set[str]:
    return set(bench.instance.get_dynamic_partitions("repositories"))


@pytest.mark.parametrize("fault", [faults.rate_limited(), faults.secondary_limit(3600)], ids=["points", "secondary"])
def test_a_wait_of_more_than_a_minute_ends_the_run_and_puts_the_event_back(bench: Bench, fault: faults.Fault) -> None:
    bench.capture(repositories=["octo/hello"])
    event_id = post(bench, "capture/repository.sync", {**HELLO, "reason": "manual"})
    bench.app.state.faults.add(fault, operation="PullRequests")
    result = bench.capture(events=[event_id])
    assert result.success, "nothing failed: it is done later"
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["attempts"]) == ("pending", 0)
    assert row["not_before"] > datetime.now(UTC) + timedelta(minutes=50)
    run = bench.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert datetime.fromisoformat(run.tags["deferred"]) == row["not_before"]


def test_what_was_deferred_is_done_when_the_pause_is_over(bench: Bench) -> None:
    event_id = post(bench, "capture/repository.sync", HELLO)
    bench.app.state.faults.add(faults.secondary_limit(3600), operation="PullRequests")
    bench.capture(events=[event_id])
    bench.connection.execute("update github.budgets set paused_until = null")
    assert bench.capture(events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    assert bench.rows("select count(*) as n from github.pull_requests") == [{"n": 3}]


def test_an_event_about_all_repositories_ends_when_the_last_of_them_is_done(bench: Bench) -> None:
    for name in ("octo/hello", "octo/second"):
        bench.world.find_repository(name) or bench.world.add_repository(name)
        bench.capture(repositories=[name])
    for repository in bench.world.repositories.values():
        repository.has_discussions_enabled = True
    bench.connection.execute("update github.repositories set has_discussions = true")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for number in range(12):  # more than come with others': the second one has to ask for the rest
        bench.world.add_discussion(bench.world.find_repository("octo/second"), None, f"{number}", at=now)
    event_id = post(bench, "sync/discussions", {})
    bench.app.state.faults.add(faults.rate_limited(), operation="Discussions")
    assert bench.capture(events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "pending", "the second one is still to be done"


def test_one_of_many_that_github_no_longer_shows_is_no_failure_of_all(bench: Bench) -> None:
    second = bench.world.add_repository("octo/second")
    bench.capture(repositories=["octo/hello", "octo/second"])
    bench.world.delete_repository(second)
    event_id = post(bench, "classify/repository.size", {})
    assert bench.capture(events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    assert bench.rows("select terminal_reason from github.repositories where name = 'second'") == [
        {"terminal_reason": "gone"}
    ]


def test_all_metadata_is_one_request(bench: Bench) -> None:
    for number in range(4):
        bench.world.add_repository(f"octo/number-{number}")
        bench.capture(repositories=[f"octo/number-{number}"])
    before = bench.app.state.served.requests
    bench.capture(events=[post(bench, "classify/repository.size", {})])
    assert bench.app.state.served.requests - before == 1


# Gone


SYNC, CLASSIFY = "capture/repository.sync", "classify/single-repository"


@pytest.mark.parametrize("name", [SYNC, CLASSIFY, "capture/pr.details", "discover/new-repository"])
def test_finding_a_repository_gone_is_work_done(bench: Bench, hello: Repository, name: str) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.delete_repository(hello)
    event_id = post(bench, name, {**HELLO, "reason": "moved", "pr_number": 1})
    bench.connection.execute("update github.capture_state set verified_at = verified_at - interval '2 minutes'")
    assert bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["reason"]) == ("done", "GitHub no longer shows octo/hello: recorded as gone.")
    assert bench.rows("select terminal_reason from github.repositories") == [{"terminal_reason": "gone"}]


@pytest.mark.parametrize("name", [SYNC, CLASSIFY])
def test_what_is_gone_already_is_asked_for_once_more_and_skipped(bench: Bench, hello: Repository, name: str) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.delete_repository(hello)
    bench.capture(repositories=["octo/hello"])
    event_id = post(bench, name, HELLO)
    before = bench.app.state.served.requests
    assert bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["reason"]) == ("skipped", "GitHub still does not show octo/hello: recorded as gone.")
    assert bench.app.state.served.requests - before == 1


@pytest.mark.parametrize(("fault", "reason"), [(faults.forbidden(), "private"), (faults.blocked(), "blocked")])
def test_a_repository_that_github_hides_is_recorded_as_that(bench: Bench, fault: faults.Fault, reason: str) -> None:
    bench.capture(repositories=["octo/hello"])
    event_id = post(bench, CLASSIFY, HELLO)
    bench.app.state.faults.add(fault, operation="Repositories")
    assert bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["reason"]) == ("done", f"GitHub no longer shows octo/hello: recorded as {reason}.")
    again = post(bench, SYNC, {**HELLO, "reason": "manual"})
    assert bench.capture(events=[again]).success
    assert inbox.show(bench.connection, again)["state"] == "done", "it may be back, and is"
    assert bench.rows("select terminal_reason from github.repositories") == [{"terminal_reason": None}]


def test_a_repository_that_nobody_ever_saw_fails_the_event_that_names_it(bench: Bench) -> None:
    event_id = post(bench, SYNC, {"repository": "octo/nothing"})
    assert not bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], bench.rows("select count(*) as n from github.repositories")) == ("failed", [{"n": 0}])


def test_a_repository_that_is_there_and_refuses_a_part_fails_the_event(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    event_id = post(bench, SYNC, {**HELLO, "reason": "manual"})
    bench.app.state.faults.add(faults.forbidden(), operation="PullRequests")
    assert not bench.capture(events=[event_id]).success
    assert inbox.show(bench.connection, event_id)["state"] == "failed"


# Names


def test_the_partition_follows_a_rename(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.rename_repository(hello, "octo/hallo")
    bench.capture(repositories=["octo/hello"])
    assert partitions(bench) == {"octo/hallo"}


def test_a_former_name_that_a_run_holds_is_retired_later(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"])
    held = post(bench, "capture/repository.sync-enhanced", HELLO)
    bench.connection.execute("update events.inbox set state = 'running', run_id = 'other' where id = %s", (held,))
    bench.world.rename_repository(hello, "octo/hallo")
    bench.capture(repositories=["octo/hello"])
    assert partitions(bench) == {"octo/hello", "octo/hallo"}
    bench.connection.execute("update events.inbox set state = 'done' where id = %s", (held,))
    names.follow(bench.instance, bench.connection)
    assert partitions(bench) == {"octo/hallo"}


def test_a_former_name_whose_partition_a_run_was_started_on_is_retired_later(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.rename_repository(hello, "octo/hallo")
    assert bench.capture(partition_key="octo/hello").success
    assert partitions(bench) == {"octo/hello", "octo/hallo"}
    names.follow(bench.instance, bench.connection)
    assert partitions(bench) == {"octo/hallo"}


def test_a_repository_that_is_gone_keeps_its_partition_as_its_data(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.delete_repository(hello)
    assert bench.capture(repositories=["octo/hello"]).success, "that it is gone is what there was to find"
    names.follow(bench.instance, bench.connection)
    assert partitions(bench) == {"octo/hello"}


# What is watched


def tick(bench: Bench, definition: Any) -> Any:
    if isinstance(definition, dg.SensorDefinition):
        return definition(dg.build_sensor_context(instance=bench.instance, resources={"pipeline": Pipeline()}))
    at = datetime(2026, 6, 6, 3, 40, tzinfo=UTC)
    return definition(
        dg.build_schedule_context(
            instance=bench.instance, scheduled_execution_time=at, resources={"pipeline": Pipeline()}
        )
    )


def probe(bench: Bench) -> str:
    """What the watch says when every repository's time has come."""
    bench.connection.execute("update github.repositories set probed_at = null")
    return str(tick(bench, reconciliation.moved_repositories).skip_message)


def waiting(bench: Bench) -> list[tuple[str, str | None, str | None]]:
    rows = bench.rows(
        "select function, key, data ->> 'reason' as reason from events.inbox where state = 'pending' order by id"
    )
    return [tuple(row.values()) for row in rows]  # type: ignore[misc]


def test_quiet_repositories_cost_a_request_for_all_of_them_and_no_run(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    before = bench.app.state.served.requests
    assert "1 are quiet" in tick(bench, reconciliation.moved_repositories).skip_message
    assert bench.app.state.served.requests - before == 1
    assert waiting(bench) == []
    assert "time has come" in tick(bench, reconciliation.moved_repositories).skip_message
    assert bench.app.state.served.requests - before == 1


def test_a_repository_that_moved_is_captured_once(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.world.edit(hello.pull_requests[1], title="Uno", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    tick(bench, reconciliation.moved_repositories)
    assert waiting(bench) == [("capture/repository.sync", "octo/hello", "moved")]
    probe(bench)
    assert len(waiting(bench)) == 1, "it waits already"
    bench.connection.execute("update github.capture_state set verified_at = verified_at - interval '2 minutes'")
    bench.capture(events=[row["id"] for row in bench.rows("select id from events.inbox where state = 'pending'")])
    assert bench.rows("select title from github.pull_requests where number = 1") == [{"title": "Uno"}]


def test_without_a_credential_nothing_is_watched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert "credential" in tick(bench, reconciliation.moved_repositories).skip_message


def test_a_watch_that_github_refuses_is_no_crash(bench: Bench) -> None:
    bench.capture(repositories=["octo/hello"])
    bench.app.state.faults.add(faults.rate_limited(), operation="Probe")
    assert "could not be asked" in tick(bench, reconciliation.moved_repositories).skip_message


def test_the_night_reads_again_what_was_active_lately_and_finds_what_moved_no_date(
    bench: Bench, hello: Repository
) -> None:
    recent = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
    ana = bench.world.account("ana")
    change = bench.world.add_pull_request(hello, ana, "Recent", at=recent)
    comment = bench.world.add_comment(change, ana, "Regretted", at=recent)
    bench.capture(repositories=["octo/hello"])
    bench.world.delete(comment)
    tick(bench, reconciliation.reconcile_nightly)
    tick(bench, reconciliation.reconcile_nightly)
    assert waiting(bench) == [
        ("classify/repository.size", "*", None),
        ("capture/repository.sync", "octo/hello", "reconcile"),
    ]
    bench.capture(events=[row["id"] for row in bench.rows("select id from events.inbox where state = 'pending'")])
    assert bench.rows("select count(*) as n from github.comments where deleted_at is null") == [{"n": 0}]
    kinds = bench.rows("select kind from github.captures order by id desc limit 2")
    assert {row["kind"] for row in kinds} == {"recent", "discussions recent"}


def test_the_watch_repairs_what_github_counts_otherwise_once_a_week(bench: Bench, hello: Repository) -> None:
    bench.capture(repositories=["octo/hello"], depth="history")
    bench.world.delete(hello.pull_requests[2])
    bench.connection.execute("delete from github.pull_requests where number = 3")
    bench.world.add_pull_request(hello, None, "Old", at="2026-01-01T00:00:00Z")
    probe(bench)
    probe(bench)
    assert waiting(bench) == [("capture/repository.sync", "octo/hello", "sweep")]
    bench.capture(events=[row["id"] for row in bench.rows("select id from events.inbox where state = 'pending'")])
    stored = bench.rows("select number from github.pull_requests where deleted_at is null order by number")
    assert [row["number"] for row in stored] == [1, 3, 4]

    bench.world.delete(hello.pull_requests[3])
    probe(bench)
    assert waiting(bench) == []
    bench.connection.execute("update events.inbox set received_at = received_at - interval '8 days'")
    probe(bench)
    assert waiting(bench) == [("capture/repository.sync", "octo/hello", "sweep")]


# Credentials and secrets


def test_each_owner_is_asked_with_its_own_installation(bench: Bench, monkeypatch: pytest.MonkeyPatch, pem: str) -> None:
    bench.world.add_repository("moby/whale")
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_APP_ID", "12345")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", pem)
    assert bench.capture(repositories=["octo/hello", "moby/whale"]).success
    assert len(bench.rows("select credential from github.budgets where resource = 'graphql'")) == 2
    assert len(bench.rows("select credential from github.budgets where resource = 'core'")) == 1, "the App's own"
    with Pipeline().captures() as captures:
        found = many.find_moved(captures, repositories.tracked(captures.connection))
    assert found.quiet == 2


def test_an_owner_without_the_app_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch, pem: str) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_APP_ID", "12345")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", pem)
    event_id = post(bench, SYNC, {"repository": "stranger/thing"})
    assert not bench.capture(events=[event_id]).success
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["reason"]) == ("failed", "The GitHub App is not installed for stranger/thing.")


@pytest.fixture
def spent_app(bench: Bench, monkeypatch: pytest.MonkeyPatch, pem: str) -> datetime:
    """A GitHub App whose REST requests are spent for an hour; when that is over."""
    bench.capture(repositories=["octo/hello"])
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_APP_ID", "12345")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", pem)
    until = datetime.now(UTC) + timedelta(hours=1)
    with PostgresBudget(bench.connection, app_account("12345"), resource="core").reserve(1) as reservation:
        reservation.settle(Quota(5000, 0, until))
    return until


@pytest.mark.parametrize("name", ["capture/repository.sync", "classify/repository.size"])
def test_a_token_that_the_budget_does_not_allow_defers_the_event(bench: Bench, spent_app: datetime, name: str) -> None:
    event_id = post(bench, name, {**HELLO, "reason": "manual"})
    before = bench.app.state.served.requests
    result = bench.capture(events=[event_id])
    assert result.success, "nothing failed: it is done later"
    row = inbox.show(bench.connection, event_id)
    assert (row["state"], row["attempts"], row["not_before"]) == ("pending", 0, spent_app)
    assert bench.app.state.served.requests == before


def test_a_watch_that_the_budget_does_not_allow_looks_when_it_does(bench: Bench, spent_app: datetime) -> None:
    assert "could not be asked" in probe(bench)
    bench.connection.execute(
        "update github.budgets set points_left = points_limit, reset_at = now() where resource = 'core'"
    )
    assert "1 are quiet" in probe(bench)


def test_no_secret_is_in_anything_that_a_run_leaves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "ghp_topsecrettopsecret"
    monkeypatch.setenv("GITHUB_TOKEN", secret)
    results = [bench.capture(repositories=["octo/hello"])]
    bench.app.state.faults.add(faults.forbidden(), times=3)
    results.append(bench.capture(repositories=["octo/hello"]))
    bench.app.state.faults.add(faults.bad_credentials(), times=2)
    results.append(bench.capture(repositories=["octo/hello"]))
    left = []
    for result in results:
        run = bench.instance.get_run_by_id(result.run_id)
        assert run is not None
        left += [str(run.run_config), str(run.tags)]
        left += [
            record.event_log_entry.to_json() for record in bench.instance.get_records_for_run(result.run_id).records
        ]
    tables = bench.rows(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('github', 'events')"
    )
    left += [str(bench.rows(f"select * from {table['name']}")) for table in tables]
    out, err = capfd.readouterr()
    assert len("".join(left)) > 1000
    assert secret not in "".join(left) + out + err


@pytest.fixture(scope="session")
def pem() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return (
        rsa.generate_private_key(65537, 2048)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
