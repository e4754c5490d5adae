"""``doctor``: everything that is wrong is named, with its remedy."""

import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.cli.conftest import Command, ok


def test_the_doctor_names_a_remedy_for_everything_that_is_wrong(
    command: Command, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = json.loads(ok(command("doctor", "--json")))
    assert any("no daemon runs" in f["what"] and "contrib-pipeline up" in f["remedy"] for f in findings)

    connection.execute("insert into github.host (host) values ('api.github.com')")
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    result = command("doctor", "--json")
    assert result.exit_code == 1
    wrong = [f for f in json.loads(result.stdout) if f["level"] == "wrong"]
    assert len(wrong) == 2
    assert all(f["remedy"] for f in wrong)


@pytest.mark.parametrize(
    ("answer", "level", "what"),
    [
        ((404, '{"message": "Rate limiting is not enabled."}'), "note", "tells no limits (404)"),
        ((404, "Not here"), "note", "tells no limits (404)"),
        ((200, "<html>a proxy's page</html>"), "wrong", "does not answer as GitHub does (200)"),
        ((500, "null"), "wrong", "does not answer as GitHub does (500)"),
        ((200, '{"resources": {"graphql": {"remaining": 4711}}}'), "ok", "4711 points left"),
    ],
)
def test_the_doctor_understands_whatever_is_at_the_address(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], level: str, what: str
) -> None:
    async def rate_limit(_: Request) -> Response:
        return Response(answer[1], answer[0])

    app = Starlette(routes=[Route("/rate_limit", rate_limit)])
    with running_sandbox(World(), app) as base:
        monkeypatch.setenv("GITHUB_API_URL", base)
        monkeypatch.setenv("GITHUB_TOKEN", "a-token")
        findings = json.loads(command("doctor", "--json").stdout)
    assert [f["level"] for f in findings if what in f["what"]] == [level]


def test_the_doctor_tells_each_budget_and_when_the_queue_is_through(command: Command, connection: Connection) -> None:
    def told() -> list[str]:
        return [f"{finding['level']} {finding['what']}" for finding in json.loads(ok(command("doctor", "--json")))]

    assert "ok queue: nothing waits" in told()
    connection.execute(
        "insert into github.budgets (credential, resource, points_limit, points_left, reset_at, paused_until) values"
        " ('c', 'graphql', 5000, 4711, '2999-01-01 12:34Z', null), ('d', 'core', 60, 3, null, '2999-01-01 12:34Z')"
    )
    inbox.post(connection, [Event("capture/repository.sync", {"repository": "octo/hello"})], "cli")
    lines = told()
    assert "ok budget of c: 4711 of 5000 points left until 12:34 UTC, 0 requests in flight" in lines
    assert "note budget of d: 3 of 60 REST requests left, 0 requests in flight" in lines
    assert any(line.startswith("ok queue: unknown") for line in lines)


@pytest.mark.parametrize("key", ["-----BEGIN PRIVATE KEY----- a-secret", "a-secret"])
def test_the_doctor_says_what_is_wrong_with_a_github_app_and_shows_no_key(
    command: Command, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("GITHUB_APP_ID", "7")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", key)
    result = command("doctor", "--json")
    (wrong,) = [f for f in json.loads(result.stdout) if f["level"] == "wrong"]
    assert "GITHUB_APP_PRIVATE_KEY is " in wrong["remedy"]
    assert "a-secret" not in result.output
