"""The few REST routes, and what a person sees."""

from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import GitHub


def test_a_repository_is_found_by_name_and_by_number(github: GitHub, world: World) -> None:
    repository = next(iter(world.repositories.values()))
    by_name, by_number = github.get("/repos/octo/hello"), github.get(f"/repositories/{repository.database_id}")
    assert by_name.json() == by_number.json()
    assert by_name.json()["id"] == repository.database_id
    assert by_name.json()["node_id"] == repository.id
    assert by_name.json()["full_name"] == "octo/hello"
    assert by_name.headers["x-ratelimit-resource"] == "core"


def test_an_old_name_is_moved_permanently_to_the_number(github: GitHub, world: World) -> None:
    repository = next(iter(world.repositories.values()))
    world.rename_repository(repository, "octo/other")
    moved = github.get("/repos/octo/hello")
    assert (moved.status_code, moved.json()["message"]) == (301, "Moved Permanently")
    assert moved.headers["location"] == f"{github.url}/repositories/{repository.database_id}"
    assert github.get(f"/repositories/{repository.database_id}").json()["full_name"] == "octo/other"


def test_what_is_not_there_is_a_404(github: GitHub) -> None:
    for path in ("/repos/octo/gone", "/repositories/1"):
        response = github.get(path)
        assert (response.status_code, response.json()["message"], response.json()["status"]) == (
            404,
            "Not Found",
            "404",
        )


def test_asking_for_the_rate_limit_costs_nothing(github: GitHub) -> None:
    github.post("{ viewer { login } }")
    for _ in range(2):
        resources = github.get("/rate_limit").json()["resources"]
        assert (resources["graphql"]["used"], resources["core"]["used"]) == (1, 0)
    github.get("/repos/octo/hello")
    assert github.get("/rate_limit").json()["rate"]["remaining"] == 4999


def test_rest_wants_a_token_too(github: GitHub) -> None:
    for path in ("/rate_limit", "/repos/octo/hello", "/repositories/1"):
        assert github.get(path, token="").status_code == 401


def test_graphql_is_also_where_enterprise_server_has_it(github: GitHub) -> None:
    headers = {"authorization": "token x"}
    body = {"query": "{ viewer { login } }"}
    response = github.session.post(f"{github.url}/api/graphql", json=body, headers=headers, timeout=5)
    assert response.json() == {"data": {"viewer": {"login": "sandbox"}}}
    assert response.headers["x-github-request-id"]
    assert response.headers["date"]


def test_a_person_sees_the_repositories_and_a_sign_of_life_without_a_token(github: GitHub) -> None:
    front = github.get("/", token="")
    assert "octo/hello" in front.text
    assert f"{github.url}/graphql" in front.text
    assert github.get("/health", token="").json() == {"status": "ok", "repositories": 1}
