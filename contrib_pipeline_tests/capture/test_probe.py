"""The probe: what moved, what is verified by being quiet, what GitHub counts otherwise, and when each is due."""

from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.capture import many, probe, repositories
from contrib_pipeline.capture.probe import Every
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline_tests.capture.conftest import Bench


@pytest.fixture
def captured(bench: Bench, ana: Account) -> Bench:
    bench.world.add_pull_request(bench.repository, ana, "One")
    bench.world.add_discussion(bench.repository, ana, "How?")
    bench.capture("history")
    return bench


def ask(bench: Bench) -> probe.Probed:
    return many.find_moved(bench.captures, repositories.tracked(bench.connection))


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_a_quiet_repository_is_verified_and_costs_nothing_else(captured: Bench) -> None:
    captured.connection.execute("update github.capture_state set verified_at = verified_at - interval '2 days'")
    before = captured.requests
    found = ask(captured)
    assert (found.moved, found.unequal, found.quiet) == ([], [], 1)
    assert captured.requests - before == 1
    fresh = captured.rows(
        "select count(*) as n from github.capture_state where verified_at > now() - interval '1 hour'"
    )
    assert fresh == [{"n": 2}]


@pytest.mark.parametrize("what", ["pull request", "discussion"])
def test_what_moved_is_told(captured: Bench, ana: Account, what: str) -> None:
    if what == "pull request":
        captured.world.add_comment(captured.repository.pull_requests[1], ana, "Late", at=now())
    else:
        captured.world.edit(next(iter(captured.repository.discussions.values())), title="Why?", at=now())
    assert [repository.name_with_owner for repository in ask(captured).moved] == ["octo/hello"]
    assert captured.rows("select active_at > now() - interval '1 hour' as told from github.repositories") == [
        {"told": True}
    ]


def test_what_was_never_captured_whole_is_told(bench: Bench, ana: Account) -> None:
    bench.world.add_pull_request(bench.repository, ana, "One")
    bench.capture(subjects=())
    assert len(ask(bench).moved) == 1


def test_a_deletion_that_moves_nothing_shows_in_the_totals(captured: Bench, ana: Account) -> None:
    two = captured.world.add_pull_request(captured.repository, ana, "Two")
    captured.capture("history")
    captured.world.delete(two)
    assert [repository.name_with_owner for repository in ask(captured).unequal] == ["octo/hello"]


def test_what_github_counts_and_lists_nowhere_is_no_difference(captured: Bench, ana: Account) -> None:
    captured.world.add_pull_request(captured.repository, ana, "Two", at="2026-01-01T00:00:00Z")
    assert len(ask(captured).unequal) == 1
    captured.connection.execute("update github.captures set unlisted = 1 where kind = 'history'")
    assert ask(captured).unequal == []


def test_renamed_hidden_and_visible_again_are_told(captured: Bench) -> None:
    captured.world.rename_repository(captured.repository, "octo/hallo")
    assert len(ask(captured).moved) == 1
    captured.capture()
    assert ask(captured).moved == []
    repositories.mark_terminal(captured.connection, captured.repository.database_id, "private")
    assert len(ask(captured).moved) == 1
    captured.capture(repository="octo/hallo")
    captured.world.delete_repository(captured.repository)
    assert len(ask(captured).moved) == 1
    captured.capture(repository="octo/hallo")
    assert ask(captured).moved == [], "ended, it is told once"


@pytest.mark.parametrize(
    ("priority", "minutes", "is_due"),
    [
        ("high", 4, False),
        ("high", 6, True),
        ("medium", 6, False),
        ("medium", 61, True),
        ("low", 61, False),
        ("low", 1441, True),
    ],
)
def test_each_is_due_by_its_priority(captured: Bench, priority: str, minutes: int, is_due: bool) -> None:
    captured.connection.execute(
        "update github.repositories set priority = %s, probed_at = now() - make_interval(mins => %s)",
        (priority, minutes),
    )
    assert bool(probe.due(captured.connection, Every())) is is_due


def test_untracked_repositories_are_never_due_and_ended_ones_seldom(captured: Bench) -> None:
    captured.connection.execute(
        "update github.repositories set priority = 'high', probed_at = now() - interval '2 hours'"
    )
    assert probe.due(captured.connection, Every(low=timedelta(days=1)))
    repositories.mark_terminal(captured.connection, captured.repository.database_id, "private")
    assert probe.due(captured.connection, Every()) == []
    captured.connection.execute("update github.repositories set probed_at = now() - interval '2 days'")
    assert probe.due(captured.connection, Every())
    repositories.set_tracked(captured.connection, captured.repository.database_id, is_tracked=False)
    assert probe.due(captured.connection, Every()) == []
