"""Points and nodes by GitHub's documented rule."""

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from contrib_pipeline.github.documents import document, names
from contrib_pipeline.sandbox.cost import Cost, cost
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import GitHub, serving

DOCUMENTED = build_schema("""
type Query { viewer: User }
type User { repositories(first: Int): RepositoryConnection, followers(first: Int): FollowerConnection }
type RepositoryConnection { edges: [RepositoryEdge] }
type RepositoryEdge { repository: Repository }
type Repository {
  id: ID
  issues(first: Int): IssueConnection
  pullRequests(first: Int): PullRequestConnection
}
type IssueConnection { totalCount: Int, edges: [IssueEdge] }
type IssueEdge { node: Issue }
type Issue { title: String, labels(first: Int): LabelConnection, comments(last: Int): CommentConnection }
type LabelConnection { edges: [LabelEdge] }
type LabelEdge { node: Label }
type Label { name: String }
type PullRequestConnection { edges: [PullRequestEdge] }
type PullRequestEdge { node: PullRequest }
type PullRequest { title: String, comments(last: Int): CommentConnection }
type CommentConnection { edges: [CommentEdge] }
type CommentEdge { node: Comment }
type Comment { bodyHTML: String }
type FollowerConnection { edges: [FollowerEdge] }
type FollowerEdge { node: Follower }
type Follower { login: String }
""")


def documented(query: str) -> Cost:
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return cost(DOCUMENTED, operation, {}, {})


def test_the_documented_example_of_5101_requests_costs_51_points() -> None:
    found = documented("""{ viewer { repositories(first: 100) { edges { repository { id
      issues(first: 50) { totalCount edges { node { title
        labels(first: 60) { edges { node { name } } } } } } } } } } }""")
    assert (found.requests, found.points) == (5101, 51)


def test_the_documented_example_of_22060_nodes_has_that_many() -> None:
    found = documented("""{ viewer {
      repositories(first: 50) { edges { repository {
        pullRequests(first: 20) { edges { node { title comments(last: 10) { edges { node { bodyHTML } } } } } }
        issues(first: 20) { edges { node { title comments(last: 10) { edges { node { bodyHTML } } } } } } } } }
      followers(first: 10) { edges { node { login } } } } }""")
    assert found.nodes == 22_060


def test_half_a_point_is_rounded_up() -> None:
    assert (Cost(requests=149).points, Cost(requests=150).points, Cost(requests=250).points) == (1, 2, 3)


def test_a_hundred_repositories_are_probed_for_two_points(github: GitHub, world: World) -> None:
    from graphql import print_ast

    ids = [next(iter(world.repositories.values())).id] * 100
    payload = github.data(print_ast(document("Probe")), ids=ids)
    assert payload["rateLimit"]["cost"] == 2
    assert payload["rateLimit"]["remaining"] == 4998


def test_the_rate_limit_tells_cost_nodes_and_what_is_left(github: GitHub) -> None:
    query = """query Limit { rateLimit { cost limit remaining used resetAt nodeCount }
      repository(owner: "octo", name: "hello") { pullRequests(first: 100) { nodes { reviews { totalCount }
        comments(first: 20) { nodes { id } } } } } }"""
    response = github.post(query)
    limit = response.json()["data"]["rateLimit"]
    # 1 + 100 counted reviews + 100 comments.
    assert (limit["cost"], limit["nodeCount"]) == (2, 2_100)
    assert (limit["limit"], limit["used"], limit["remaining"]) == (5000, 2, 4998)
    assert response.headers["x-ratelimit-remaining"] == "4998"
    assert response.headers["x-ratelimit-used"] == "2"
    assert response.headers["x-ratelimit-resource"] == "graphql"
    assert int(response.headers["x-ratelimit-reset"]) > 0


def test_a_connection_selected_twice_under_one_name_counts_once(github: GitHub) -> None:
    query = """query Twice { rateLimit { nodeCount } repository(owner: "octo", name: "hello") { ...A ...B } }
      fragment A on Repository { pullRequests(first: 10) { totalCount } }
      fragment B on Repository { pullRequests(first: 10) { nodes { number } } }"""
    assert github.data(query)["rateLimit"]["nodeCount"] == 10


def test_too_many_nodes_are_refused_whole_and_cost_nothing(github: GitHub) -> None:
    query = """query Much { repository(owner: "octo", name: "hello") { pullRequests(first: 100) { nodes {
      reviews(first: 100) { nodes { comments(first: 50) { nodes { id } } } } } } } }"""
    payload = github.ask(query)
    (error,) = payload["errors"]
    assert "data" not in payload
    assert error["type"] == "MAX_NODE_LIMIT_EXCEEDED"
    assert error["message"] == (
        "This query requests up to 510,100 possible nodes which exceeds the maximum limit of 500,000."
    )
    assert github.app.state.served.points == 0


def test_more_than_a_hundred_ids_are_refused(github: GitHub) -> None:
    (error,) = github.ask("query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)["errors"]
    assert error["type"] == "ARGUMENT_LIMIT"
    assert error["message"] == "You may not provide more than 100 node ids; you provided 101."


def test_each_token_has_an_hour_of_points_and_an_empty_one_is_told_so(world: World) -> None:
    with serving(world, points_per_hour=2) as github:
        assert github.post("{ viewer { login } }").ok
        last = github.post("{ viewer { login } }")
        assert last.json()["data"] == {"viewer": {"login": "sandbox"}}
        assert last.headers["x-ratelimit-remaining"] == "0"
        refused = github.post("{ viewer { login } }")
        assert refused.status_code == 200
        assert refused.json()["errors"][0]["type"] == "RATE_LIMITED"
        assert "data" not in refused.json()
        assert github.post("{ viewer { login } }", token="another").json()["data"]
        assert github.app.state.served.points == 3


@pytest.mark.parametrize("name", names())
def test_every_document_of_ours_is_cheap(github: GitHub, world: World, name: str) -> None:
    from graphql import print_ast

    repository = next(iter(world.repositories.values()))
    values = {"id": repository.id, "ids": [repository.id], "owner": "octo", "name": "hello", "number": 1, "first": 50}
    values |= {"field": "CREATED_AT", "items": 100, "more": [], "isMore": False}
    if name == "Discussion":
        values["number"] = world.add_discussion(repository, None, "How?").number
    discussion = world.add_discussion(repository, None, "Why?")
    number = discussion.number if name.startswith("Discussions") else 1
    values |= {f"n{place}": number for place in range(10)} | {f"has{place}": place < 5 for place in range(1, 10)}
    values |= {f"id{place}": repository.id for place in range(10)}
    declared = {d.variable.name.value for d in document(name).definitions[0].variable_definitions}  # type: ignore[attr-defined]
    payload = github.data(print_ast(document(name)), **{k: v for k, v in values.items() if k in declared})
    assert 1 <= payload["rateLimit"]["cost"] <= 30
