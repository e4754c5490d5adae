"""The short way of execution answers as graphql-core does."""

from typing import Any

import pytest
from graphql import execute

from contrib_pipeline.github.documents import document, names
from contrib_pipeline.sandbox.execution import Execution, resolve_attribute
from contrib_pipeline.sandbox.generate import generate
from contrib_pipeline.sandbox.quota import Quota
from contrib_pipeline.sandbox.resolvers import Context
from contrib_pipeline.sandbox.schema import schema
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import NOW


@pytest.fixture(scope="module")
def world() -> World:
    return generate(2, now=NOW)


@pytest.mark.parametrize("name", names())
def test_both_ways_give_the_same_answer(world: World, name: str) -> None:
    assert answer(world, name, Execution) == answer(world, name, None)


def answer(world: World, name: str, way: type[Execution] | None) -> Any:
    left = Quota(5000).charge("x", 1)
    assert left is not None
    result = execute(
        schema(),
        document(name),
        variable_values=variables(world, name),
        context_value=Context(world, left),
        field_resolver=resolve_attribute,
        execution_context_class=way,
    )
    assert result.data is not None  # type: ignore[union-attr]
    assert result.errors is None  # type: ignore[union-attr]
    result.data["rateLimit"].pop("resetAt", None)  # type: ignore[union-attr]
    return result.data  # type: ignore[union-attr]


def variables(world: World, name: str) -> dict[str, Any]:
    repository = next(iter(world.repositories.values()))
    pull_request = max(repository.pull_requests.values(), key=lambda pr: len(pr.timeline))
    discussion = max(repository.discussions.values(), key=lambda d: len(d.comments))
    reviews = [review.id for review in pull_request.reviews if review.comments]
    replied = [comment.id for comment in discussion.comments]
    objects = {"PullRequestNodes": [pull_request.id], "DiscussionNodes": [discussion.id]}
    ids = {"ReviewComments": reviews, "Replies": replied, **objects}.get(name, [repository.id])
    subject = {
        "TimelineItems": pull_request.id,
        "MoreReviewComments": reviews[-1],
        "DiscussionComments": discussion.id,
        "MoreReplies": replied[0],
    }
    number = discussion.number if name in ("Discussion", "DiscussionsByNumber") else pull_request.number
    return {
        "id": subject.get(name, repository.id),
        "ids": ids,
        "owner": "continuedev",
        "name": "continue",
        "number": number,
        **{f"id{place}": repository.id for place in range(10)},
        **{f"n{place}": number for place in range(10)},
        **{f"has{place}": place % 2 == 0 for place in range(1, 10)},
        "first": 25,
        "items": 100,
        "more": ids[:1],
        "isMore": True,
        "field": "UPDATED_AT",
    }
