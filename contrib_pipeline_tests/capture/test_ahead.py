"""What several repositories need first comes in one request, and each keeps what is its own."""

from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.capture.outcome import CaptureRequest, Outcome
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account, PullRequest, Repository
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline_tests.capture.conftest import Bench

NAMES = [f"octo/r{place}" for place in range(4)]


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def several(bench: Bench, ana: Account, ben: Account) -> list[Repository]:
    """Four repositories with reviewed pull requests and a discussion, captured once."""
    made = [bench.world.add_repository(name, has_discussions_enabled=True) for name in NAMES]
    for repository in made:
        for number in range(8):
            at = f"2026-05-0{number + 1}T00:00:00Z"
            change = bench.world.add_pull_request(repository, ana, f"Change {number}", at=at)
            bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED", at=at), "Here", at=at)
        bench.world.add_discussion(repository, ana, "How?")
        bench.capture(repository=repository.name_with_owner)
    return made


def touch(bench: Bench, change: PullRequest, by: Account) -> None:
    """A comment and an inline comment, just now."""
    bench.world.add_comment(change, by, "Late", at=now())
    bench.world.add_review_comment(bench.world.add_review(change, by, "APPROVED", at=now()), "There", at=now())


def captured(bench: Bench, requests: list[CaptureRequest]) -> list[Outcome]:
    bench.captures.expect(requests)
    return [bench.captures.capture(request) for request in requests]


def chosen(repository: Repository, *numbers: int) -> CaptureRequest:
    return CaptureRequest(repository.name_with_owner, subjects=("pull_requests",), numbers=numbers)


def late(bench: Bench) -> list[tuple[str, int]]:
    """In which repositories the late comments are, and how many of both kinds."""
    rows = bench.rows(
        "select name_with_owner as name, count(*) as n from github.comments c join github.repositories r"
        " on r.id = c.repository_id where c.body in ('Late', 'There') group by 1 order by 1"
    )
    return [(row["name"], row["n"]) for row in rows]


def test_single_pull_requests_of_several_repositories_come_together(
    bench: Bench, several: list[Repository], ben: Account
) -> None:
    for repository in several:
        touch(bench, repository.pull_requests[2], ben)
    before = bench.requests
    outcomes = captured(bench, [chosen(repository, 1, 2) for repository in several])
    assert all(outcome.is_complete for outcome in outcomes)
    assert bench.requests - before == 2  # the pull requests, and the inline comments of all of them
    assert [outcome.spent.requests for outcome in outcomes] == [2, 0, 0, 0]
    assert late(bench) == [(name, 2) for name in NAMES]


def test_one_that_is_not_there_costs_the_others_nothing(bench: Bench, several: list[Repository], ben: Account) -> None:
    for repository in several:
        touch(bench, repository.pull_requests[2], ben)
    outcomes = captured(bench, [chosen(several[0], 2), chosen(several[1], 4711), *(chosen(r, 2) for r in several[2:])])
    assert [outcome.error for outcome in outcomes] == [None, "octo/r1 has no pull request 4711.", None, None]
    assert late(bench) == [(name, 2) for name in NAMES if name != "octo/r1"]


@pytest.mark.parametrize("fault", [faults.resource_limits, faults.bad_gateway_html])
def test_what_is_too_heavy_together_is_asked_for_alone(
    bench: Bench, several: list[Repository], ben: Account, fault: faults.Fault
) -> None:
    for repository in several:
        touch(bench, repository.pull_requests[2], ben)
    bench.app.state.faults.add(fault(), operation="PullRequestsByNumber")
    before = bench.requests
    assert all(o.is_complete for o in captured(bench, [chosen(repository, 2, 3) for repository in several]))
    assert late(bench) == [(name, 2) for name in NAMES]
    assert bench.requests - before <= 1 + 2 * 2 * len(NAMES)  # once together, then each alone


def test_what_changed_in_several_repositories_comes_together(
    bench: Bench, several: list[Repository], ben: Account
) -> None:
    for repository in several:
        touch(bench, repository.pull_requests[3], ben)
        bench.world.add_discussion(repository, ben, "Why?", at=now())
    before = bench.requests
    outcomes = captured(bench, [CaptureRequest(repository.name_with_owner) for repository in several])
    assert all(outcome.is_complete for outcome in outcomes)
    assert bench.requests - before == 2 + len(several)  # two for all, and the inline comments of each
    assert late(bench) == [(name, 2) for name in NAMES]
    assert bench.count("discussions") == 2 * len(several)


def test_where_more_changed_than_came_with_the_others_the_walk_goes_on(
    bench: Bench, several: list[Repository], ben: Account
) -> None:
    for change in several[2].pull_requests.values():
        touch(bench, change, ben)
    outcomes = captured(bench, [CaptureRequest(repository.name_with_owner) for repository in several])
    assert all(outcome.is_complete for outcome in outcomes)
    assert late(bench) == [("octo/r2", 16)]


def test_one_repository_alone_is_asked_as_ever(bench: Bench, several: list[Repository]) -> None:
    bench.app.state.faults.add(faults.bad_credentials(), operation="PullRequestsUpdated")
    (outcome,) = captured(bench, [CaptureRequest(several[0].name_with_owner)])
    assert outcome.is_complete


def test_a_credential_that_must_wait_holds_up_only_what_it_sees(
    bench: Bench, several: list[Repository], ben: Account
) -> None:
    client, until = bench.captures.client, datetime.now(UTC) + timedelta(hours=1)

    def client_for(name: str) -> GitHubClient:
        if name == NAMES[1]:
            raise BudgetWait(until)
        return client

    for repository in several:
        touch(bench, repository.pull_requests[2], ben)
    bench.captures.client_for = client_for
    outcomes = captured(bench, [chosen(repository, 2) for repository in several])
    assert [outcome.deferred_until for outcome in outcomes] == [None, until, None, None]
    assert [name for name, _ in late(bench)] == [NAMES[0], NAMES[2], NAMES[3]]
