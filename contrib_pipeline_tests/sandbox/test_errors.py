"""What GitHub refuses is refused here, in its words."""

from typing import Any

import pytest

from contrib_pipeline_tests.sandbox.client import GitHub


def test_without_a_token_the_answer_is_401_with_headers_that_look_like_a_spent_limit(github: GitHub) -> None:
    response = github.post("{ viewer { login } }", token="")
    assert response.status_code == 401
    assert response.json() == {
        "message": "Bad credentials",
        "documentation_url": "https://docs.github.com/graphql",
        "status": "401",
    }
    assert response.headers["x-ratelimit-limit"] == "0"
    assert response.headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "Problems parsing JSON"),
        ("[]", "Body should be a JSON object"),
        ('{"query": null}', "A query attribute must be specified and must be a string."),
    ],
)
def test_a_body_that_is_no_request_is_a_400(github: GitHub, body: str, message: str) -> None:
    headers = {"authorization": "bearer x"}
    response = github.session.post(f"{github.url}/graphql", data=body, headers=headers, timeout=5)
    assert (response.status_code, response.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ('{ repository(owner: "octo", name: "gone") { id } }', ["repository"],
         "Could not resolve to a Repository with the name 'octo/gone'."),
        ('{ repository(owner: "octo", name: "hello") { pullRequest(number: 999) { id } } }',
         ["repository", "pullRequest"], "Could not resolve to a PullRequest with the number of 999."),
        ('{ repository(owner: "octo", name: "hello") { discussion(number: 999) { id } } }',
         ["repository", "discussion"], "Could not resolve to a Discussion with the number of 999."),
        ('{ node(id: "PR_x") { id } }', ["node"], "Could not resolve to a node with the global id of 'PR_x'"),
        ('{ user(login: "nobody") { id } }', ["user"], "Could not resolve to a User with the login of 'nobody'."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_null_with_a_not_found_at_its_path(
    github: GitHub, query: str, path: list[str], message: str
) -> None:
    response = github.post(query)
    (error,) = response.json()["errors"]
    value: Any = response.json()["data"]
    for step in path:
        value = value[step]
    assert (response.status_code, value) == (200, None)
    assert (error["type"], error["path"], error["message"]) == ("NOT_FOUND", path, message)
    assert error["locations"][0].keys() == {"line", "column"}


def test_a_missing_node_among_others_is_an_error_of_its_place_only(github: GitHub) -> None:
    here = next(iter(github.world.repositories.values())).id
    payload = github.ask("query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[here, "R_x", here])
    assert payload["data"]["nodes"] == [{"id": here}, None, {"id": here}]
    assert [(error["type"], error["path"]) for error in payload["errors"]] == [("NOT_FOUND", ["nodes", 1])]


def test_each_alias_fails_for_itself(github: GitHub) -> None:
    payload = github.ask(
        '{ a: repository(owner: "octo", name: "hello") { name } b: repository(owner: "octo", name: "gone") { name } }'
    )
    assert payload["data"] == {"a": {"name": "hello"}, "b": None}
    assert payload["errors"][0]["path"] == ["b"]


@pytest.mark.parametrize(
    ("query", "path", "code", "message"),
    [
        ('query Q { repository(owner: "o", name: "n") { nonsense } }', ["query Q", "repository", "nonsense"],
         "undefinedField", "Field 'nonsense' doesn't exist on type 'Repository'"),
        ('{ r: repository(owner: "o", name: "n") { pullRequests(filterBy: 1) { totalCount } } }',
         ["query", "r", "pullRequests"], "argumentNotAccepted",
         "Field 'pullRequests' doesn't accept argument 'filterBy'"),
        ('{ repository(owner: "o") { id } }', ["query", "repository"], "missingRequiredArguments",
         "Field 'repository' is missing required arguments: name"),
        ("{ viewer }", ["query", "viewer"], "selectionMismatch",
         "Field must have selections (field 'viewer' returns User but has no selections. "
         "Did you mean 'viewer { ... }'?)"),
        ("query Q { node(id: $id) { id } }", ["query Q", "node"], "variableNotDefined",
         "Variable $id is used by Q but not declared"),
        ("query Q($id: ID!) { viewer { id } }", ["query Q"], "variableNotUsed",
         "Variable $id is declared by Q but not used"),
        ("{ viewer { id } } fragment F on User { id }", ["fragment F"], "useAndDefineFragment",
         "Fragment F was defined, but not used"),
        ("{ viewer { ...F } }", ["query", "viewer"], "useAndDefineFragment", "Fragment F was used, but not defined"),
        ("{ node(id: 1) { ... on User { x } } }", ["query", "node", "... on User", "x"], "undefinedField",
         "Field 'x' doesn't exist on type 'User'"),
    ],
)  # fmt: skip
def test_an_invalid_query_is_answered_200_without_data(
    github: GitHub, query: str, path: list[str], code: str, message: str
) -> None:
    response = github.post(query)
    payload = response.json()
    (error,) = payload["errors"]
    assert response.status_code == 200
    assert "data" not in payload
    assert (error["path"], error["extensions"]["code"], error["message"]) == (path, code, message)


def test_a_query_that_cannot_be_parsed_says_where(github: GitHub) -> None:
    payload = github.ask("query {")
    assert "data" not in payload
    assert payload["errors"][0]["locations"] == [{"line": 1, "column": 8}]


@pytest.mark.parametrize("variables", [{}, {"first": "ten"}, {"first": None}])
def test_a_variable_that_does_not_fit_is_named(github: GitHub, variables: dict[str, Any]) -> None:
    query = "query Q($first: Int!) { viewer { repositories(first: $first) { totalCount } } }"
    payload = github.ask(query, **variables)
    assert "data" not in payload
    assert payload["errors"][0]["message"] == "Variable $first of type Int! was provided invalid value"


def test_a_mutation_is_refused(github: GitHub) -> None:
    payload = github.ask("mutation { x }")
    assert "data" not in payload
    assert payload["errors"]
