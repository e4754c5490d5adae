"""A GitHub App's installations and their tokens."""

from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import NOW, serving

JWT = "a.b.c"


def test_an_app_finds_its_installation_and_gets_a_token_that_ends_in_an_hour() -> None:
    world = World(NOW)
    world.add_repository("octo/hello")
    with serving(world) as github:
        found = github.get("/repos/octo/hello/installation", token=JWT).json()
        made = github.session.post(
            f"{github.url}/app/installations/{found['id']}/access_tokens", headers={"authorization": f"bearer {JWT}"}
        )
        assert made.status_code == 201
        assert made.json()["token"].startswith("ghs_")
        assert made.json()["expires_at"].endswith("Z")
        assert github.post("{ viewer { login } }", token=made.json()["token"]).json()["data"]


def test_an_app_without_a_json_web_token_or_for_an_unknown_owner_is_refused() -> None:
    with serving(World(NOW)) as github:
        assert github.get("/repos/octo/hello/installation").status_code == 401
        assert github.get("/repos/octo/hello/installation", token=JWT).status_code == 404
