"""The made-up world is the same for the same seed, and has everything that GitHub has."""

from collections import Counter
from typing import Any

import pytest

from contrib_pipeline.sandbox.generate import generate
from contrib_pipeline.sandbox.records import PullRequest
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import NOW


@pytest.fixture(scope="module")
def world() -> World:
    return generate(now=NOW)


def test_the_first_repository_is_the_one_that_everybody_names(world: World) -> None:
    assert next(iter(world.repositories.values())).name_with_owner == "continuedev/continue"
    assert len(world.repositories) == 6


def test_small_medium_and_large_repositories_are_there(world: World) -> None:
    sizes = Counter(
        "small" if len(r.pull_requests) < 100 else "medium" if len(r.pull_requests) <= 500 else "large"
        for r in world.repositories.values()
    )
    assert sizes == {"large": 1, "medium": 3, "small": 2}


def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    assert contents(generate(3, seed=7, now=NOW)) == contents(generate(3, seed=7, now=NOW))
    assert contents(generate(3, seed=7, now=NOW)) != contents(generate(3, seed=8, now=NOW))


def test_more_repositories_leave_the_first_ones_as_they_are() -> None:
    few, many = contents(generate(2, now=NOW)), contents(generate(12, now=NOW))
    assert list(many.items())[:2] == list(few.items())
    assert len(many) == 12


def test_nothing_happened_after_the_present(world: World) -> None:
    for pull_request in pull_requests(world):
        instants = [item.happened_at for item in pull_request.timeline]
        assert max([pull_request.updated_at, pull_request.closed_at or "", *instants]) <= NOW
        assert min([pull_request.created_at, *instants]) == pull_request.created_at


def test_numbers_follow_the_days(world: World) -> None:
    for repository in world.repositories.values():
        records = {**repository.pull_requests, **repository.discussions}
        days = [records[number].created_at for number in sorted(records)]
        assert days == sorted(days)
        assert sorted(records) == list(range(1, len(records) + 1))


def test_the_last_quarter_is_lively(world: World) -> None:
    lately = [pr for pr in pull_requests(world) if pr.created_at > "2025-12-01"]
    assert 0.4 < len(lately) / len(pull_requests(world)) < 0.7


def test_everything_that_can_be_is_there(world: World) -> None:
    found = pull_requests(world)
    reviews = [item for pr in found for item in pr.timeline if item.typename == "PullRequestReview"]
    authors = [pr.author for pr in found]
    assert {pr.state for pr in found} == {"OPEN", "CLOSED", "MERGED"}
    assert {review.state for review in reviews} == {
        "APPROVED",
        "CHANGES_REQUESTED",
        "COMMENTED",
        "DISMISSED",
        "PENDING",
    }
    assert {author.kind for author in authors if author} == {"User", "Bot", "Mannequin"}
    assert None in authors
    assert any(pr.is_draft for pr in found)
    assert any(item.typename == "ReadyForReviewEvent" for pr in found for item in pr.timeline)
    assert any(pr.labels for pr in found)
    assert max(len(pr.timeline) for pr in found) > 100
    assert max(len(review.comments) for review in reviews) > 100
    discussions = [d for r in world.repositories.values() for d in r.discussions.values()]
    assert {discussion.is_answered for discussion in discussions} == {True, False, None}
    assert any(comment.replies for discussion in discussions for comment in discussion.comments)


def test_few_people_do_most(world: World) -> None:
    first = next(iter(world.repositories.values()))
    counts = Counter(pr.author for pr in first.pull_requests.values() if pr.author and pr.author.kind == "User")
    most = sum(count for _, count in counts.most_common(len(counts) // 5))
    assert most > sum(counts.values()) / 2


def pull_requests(world: World) -> list[PullRequest]:
    return [pr for repository in world.repositories.values() for pr in repository.pull_requests.values()]


def contents(world: World) -> dict[str, Any]:
    return {
        repository.name_with_owner: [
            (pr.id, pr.title, pr.author and pr.author.login, pr.updated_at, pr.state, [item.id for item in pr.timeline])
            for pr in repository.pull_requests.values()
        ]
        for repository in world.repositories.values()
    }
