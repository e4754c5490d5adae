"""Pages are cut as GitHub cuts them: by the value of the sort key, not by position."""

from typing import Any

import pytest

from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import GitHub

PAGE = """
query Page($first: Int, $last: Int, $after: String, $before: String,
           $field: IssueOrderField!, $direction: OrderDirection!) {
  repository(owner: "octo", name: "hello") {
    pullRequests(first: $first, last: $last, after: $after, before: $before,
                 orderBy: {field: $field, direction: $direction}) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes { number }
      edges { cursor node { number } }
    }
  }
}
"""


def page(github: GitHub, field: str = "CREATED_AT", direction: str = "DESC", **window: Any) -> dict[str, Any]:
    data = github.data(PAGE, field=field, direction=direction, **window)
    return data["repository"]["pullRequests"]


def numbers(connection: dict[str, Any]) -> list[int]:
    return [node["number"] for node in connection["nodes"]]


def walk(github: GitHub, field: str, direction: str, first: int) -> list[int]:
    found, after = [], None
    while True:
        connection = page(github, field, direction, first=first, after=after)
        found += numbers(connection)
        if not connection["pageInfo"]["hasNextPage"]:
            return found
        after = connection["pageInfo"]["endCursor"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT", "COMMENTS"])
def test_a_walk_meets_every_node_once_in_order(github: GitHub, world: World, field: str, size: int) -> None:
    pull_requests = next(iter(world.repositories.values())).pull_requests
    for number, comments in ((2, 3), (5, 1), (1, 2)):
        for _ in range(comments):
            world.add_comment(pull_requests[number], None, "Hm.")
    order = {"CREATED_AT": [1, 2, 3, 4, 5], "UPDATED_AT": [3, 4, 2, 5, 1]}
    up, down = walk(github, field, "ASC", size), walk(github, field, "DESC", size)
    assert sorted(up) == [1, 2, 3, 4, 5]
    assert down == up[::-1]
    assert up == order.get(field, up)


def test_nodes_of_the_same_second_are_met_once(github: GitHub, world: World) -> None:
    repository = next(iter(world.repositories.values()))
    for _ in range(7):
        world.add_pull_request(repository, None, "At once", at="2026-03-02T00:00:00Z")
    assert sorted(walk(github, "CREATED_AT", "DESC", 2)) == list(range(1, 13))


def test_a_node_touched_in_the_middle_of_a_walk_by_creation_shifts_nothing(github: GitHub, world: World) -> None:
    first = page(github, first=2)
    world.add_comment(next(iter(world.repositories.values())).pull_requests[1], None, "Me too")
    rest = page(github, first=10, after=first["pageInfo"]["endCursor"])
    assert numbers(first) + numbers(rest) == [5, 4, 3, 2, 1]


def test_a_node_touched_in_the_middle_of_a_walk_by_update_is_missed_and_the_others_met_once(
    github: GitHub, world: World
) -> None:
    first = page(github, "UPDATED_AT", first=2)
    world.add_comment(next(iter(world.repositories.values())).pull_requests[2], None, "Me too")
    rest = page(github, "UPDATED_AT", first=10, after=first["pageInfo"]["endCursor"])
    assert numbers(first) + numbers(rest) == [5, 4, 3, 1]
    assert walk(github, "UPDATED_AT", "DESC", 2) == [2, 5, 4, 3, 1]


def test_a_node_opened_in_the_middle_of_a_walk_downwards_shifts_nothing(github: GitHub, world: World) -> None:
    first = page(github, first=2)
    world.add_pull_request(next(iter(world.repositories.values())), None, "New")
    assert numbers(page(github, first=2, after=first["pageInfo"]["endCursor"])) == [3, 2]


def test_a_cursor_holds_when_its_node_is_deleted(github: GitHub, world: World) -> None:
    first = page(github, first=2)
    world.delete(next(iter(world.repositories.values())).pull_requests[4])
    assert numbers(page(github, first=2, after=first["pageInfo"]["endCursor"])) == [3, 2]


def test_last_and_before_walk_backwards(github: GitHub) -> None:
    end = page(github, last=2)
    assert numbers(end) == [2, 1]
    assert end["pageInfo"]["hasPreviousPage"]
    assert not end["pageInfo"]["hasNextPage"]
    middle = page(github, last=2, before=end["pageInfo"]["startCursor"])
    assert numbers(middle) == [4, 3]
    assert middle["pageInfo"]["hasNextPage"]


def test_edges_carry_the_cursors_of_their_nodes(github: GitHub) -> None:
    connection = page(github, first=3)
    cursors = [edge["cursor"] for edge in connection["edges"]]
    assert [edge["node"]["number"] for edge in connection["edges"]] == [5, 4, 3]
    assert cursors[-1] == connection["pageInfo"]["endCursor"]
    assert numbers(page(github, first=1, after=cursors[0])) == [4]


@pytest.mark.parametrize(
    ("window", "kind", "message"),
    [
        ({}, "MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value to properly paginate the {}"),
        ({"first": 101}, "EXCESSIVE_PAGINATION",
         "Requesting 101 records on the {} exceeds the `first` limit of 100 records"),
        ({"last": 101}, "EXCESSIVE_PAGINATION",
         "Requesting 101 records on the {} exceeds the `last` limit of 100 records"),
        ({"first": 1, "last": 1}, "INVALID_PAGINATION_BOUNDARIES",
         "Passing both `first` and `last` to paginate the {} is not supported"),
        ({"first": 0}, "INVALID_PAGINATION_BOUNDARIES", "`first` on the {} must be at least 1"),
        ({"first": 1, "after": "no"}, "INVALID_CURSOR_ARGUMENTS", "`no` does not appear to be a valid cursor"),
    ],
)  # fmt: skip
def test_a_window_that_github_refuses_is_an_error_of_the_connection(
    github: GitHub, window: dict[str, Any], kind: str, message: str
) -> None:
    payload = github.ask(PAGE, field="CREATED_AT", direction="ASC", **window)
    (error,) = payload["errors"]
    assert payload["data"] == {"repository": None}
    assert (error["type"], error["message"]) == (kind, message.format("`pullRequests` connection") + ".")
    assert error["path"] == ["repository", "pullRequests"]


def test_a_connection_that_is_only_counted_needs_no_page_size(github: GitHub) -> None:
    query = 'query Count { repository(owner: "octo", name: "hello") { pullRequests { totalCount } } }'
    assert github.data(query) == {"repository": {"pullRequests": {"totalCount": 5}}}


def test_states_are_filtered_and_counted(github: GitHub, world: World) -> None:
    pull_requests = next(iter(world.repositories.values())).pull_requests
    world.merge(pull_requests[2], None)
    world.close(pull_requests[3])
    query = """query States { repository(owner: "octo", name: "hello") {
      merged: pullRequests(first: 9, states: [MERGED]) { totalCount nodes { number merged closed } }
      done: pullRequests(first: 9, states: [MERGED, CLOSED]) { totalCount nodes { number } }
    } }"""
    repository = github.data(query)["repository"]
    assert repository["merged"] == {"totalCount": 1, "nodes": [{"number": 2, "merged": True, "closed": True}]}
    assert repository["done"] == {"totalCount": 2, "nodes": [{"number": 2}, {"number": 3}]}
