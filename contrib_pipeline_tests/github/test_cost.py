"""What we reserve for a request is what the local GitHub counts, by the documented rule; and what it comes to."""

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode

from contrib_pipeline.capture.pages import FULL_BATCH, IDS_PER_FIELD
from contrib_pipeline.capture.subjects import DISCUSSIONS, PULL_REQUESTS
from contrib_pipeline.github.cost import points
from contrib_pipeline.github.documents import document, names
from contrib_pipeline.sandbox.cost import cost
from contrib_pipeline.sandbox.schema import schema


def variables(first: int, ids: int) -> dict[str, object]:
    named = [f"id {n}" for n in range(ids)]
    return {
        "id": "R",
        "ids": named[:IDS_PER_FIELD],
        "more": named[IDS_PER_FIELD:],
        "isMore": ids > IDS_PER_FIELD,
        "owner": "octo",
        "name": "hello",
        "number": 1,
        **{f"id{place}": "R" for place in range(10)},
        **{f"n{place}": place for place in range(10)},
        **{f"has{place}": True for place in range(1, 10)},
        "first": first,
        "items": 100,
        "after": None,
        "field": "CREATED_AT",
    }


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("first", "ids"), [(1, 1), (36, 25), (37, 100), (50, 149), (100, 150)])
def test_the_estimate_is_what_github_counts(name: str, first: int, ids: int) -> None:
    parsed = document(name)
    (operation,) = [d for d in parsed.definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d for d in parsed.definitions if isinstance(d, FragmentDefinitionNode)}
    given = variables(first, ids)
    assert points(name, given) == cost(schema(), operation, fragments, given).points


@pytest.mark.parametrize(
    ("name", "first", "ids"),
    [
        ("PullRequests", PULL_REQUESTS.largest_page, 0),
        ("Discussions", DISCUSSIONS.largest_page, 0),
        ("ReviewComments", 0, FULL_BATCH),
        ("Replies", 0, FULL_BATCH),
        ("PullRequestNodes", 0, 25),
        ("DiscussionNodes", 0, 25),
        ("PullRequestsByNumber", 0, 0),
        ("DiscussionsByNumber", 0, 0),
        ("PullRequestsUpdated", 5, 6),
        ("DiscussionsUpdated", 5, 6),
    ],
)
def test_a_full_page_and_a_full_batch_cost_one_point(name: str, first: int, ids: int) -> None:
    assert points(name, variables(first, ids)) == 1


def test_a_larger_page_of_pull_requests_costs_more_for_each() -> None:
    assert points("PullRequests", variables(PULL_REQUESTS.largest_page + 1, 0)) == 1 + 1
    assert points("ReviewComments", variables(0, FULL_BATCH + 1)) == 1 + 1


def test_a_hundred_repositories_are_probed_for_two_points() -> None:
    assert points("Probe", variables(0, 100)) == 2
    assert points("Repositories", variables(0, 100)) == 2
