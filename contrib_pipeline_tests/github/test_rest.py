"""REST requests go through the budget as GraphQL's do: reserved, corrected by the answer, held back where it says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contrib_pipeline.github import rest
from contrib_pipeline.github.errors import TryAgain
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import BudgetWait, PostgresBudget, budget_state
from contrib_pipeline.warehouse.connection import Connection

HOUR = timedelta(hours=1)


class Api:
    """A REST API that answers what it is told, then that all is well."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        self.requests = 0
        self.app = Starlette(routes=[Route("/thing", self.answer)])
        self.url = ""

    def left(self, remaining: int, **more: str) -> dict[str, str]:
        reset = int((datetime.now(UTC) + HOUR).timestamp())
        names = {"limit": 5000, "remaining": remaining, "used": 5000 - remaining, "reset": reset, "resource": "core"}
        return {f"x-ratelimit-{name}": str(value) for name, value in names.items()} | more

    async def answer(self, request: Request) -> Response:
        self.requests += 1
        assert request.headers["authorization"] == "Bearer a-token"
        status, body, headers = self.answers.pop(0) if self.answers else (200, {"ok": True}, self.left(4000))
        return JSONResponse(body, status, headers)


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    with running_sandbox(World(), made.app) as base:
        made.url = f"{base}/thing"
        yield made


@pytest.fixture
def budget(connection: Connection) -> PostgresBudget:
    return PostgresBudget(connection, "app 1", resource="core")


def ask(api: Api, budget: PostgresBudget, **more: Any) -> int:
    return rest.send(budget, "GET", api.url, lambda: "a-token", **more).status_code


def test_a_request_is_reserved_and_what_is_left_is_learned(
    api: Api, budget: PostgresBudget, connection: Connection
) -> None:
    assert ask(api, budget) == 200
    (row,) = budget_state(connection)
    assert (row["resource"], row["points_limit"], row["points_left"]) == ("core", 5000, 4000)
    assert row["reset_at"] > datetime.now(UTC) + HOUR - timedelta(minutes=1)
    assert row["requests_in_flight"] == 0


def test_what_is_kept_for_others_is_not_asked_for(api: Api, budget: PostgresBudget) -> None:
    api.answers = [(200, {}, api.left(500))]
    ask(api, budget)
    with pytest.raises(BudgetWait):
        ask(api, budget)
    assert api.requests == 1


def test_a_sweep_leaves_more(api: Api, budget: PostgresBudget) -> None:
    api.answers = [(200, {}, api.left(1400))]
    ask(api, budget)
    with pytest.raises(BudgetWait):
        ask(api, budget, is_background=True)
    assert ask(api, budget) == 200


@pytest.mark.parametrize("status", [403, 429])
def test_a_long_pause_is_obeyed_by_all_and_not_sat_out(
    api: Api, budget: PostgresBudget, connection: Connection, status: int
) -> None:
    PostgresBudget(connection, "app 1")
    message = {"message": "You have exceeded a secondary rate limit."}
    api.answers = [(status, message, api.left(4000, **{"retry-after": "600"}))]
    with pytest.raises(BudgetWait) as wait:
        ask(api, budget)
    assert wait.value.until > datetime.now(UTC) + timedelta(minutes=9)
    assert api.requests == 1
    assert {row["paused_until"] for row in budget_state(connection)} == {wait.value.until}, "GraphQL's, too"


def test_a_short_pause_is_sat_out(api: Api, budget: PostgresBudget) -> None:
    api.answers = [(429, {}, {"retry-after": "0"}), (403, {"message": "secondary rate limit"}, {"retry-after": "1"})]
    assert ask(api, budget) == 200
    assert api.requests == 3


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_is_reached_waits_for_its_reset(
    api: Api, budget: PostgresBudget, connection: Connection, status: int
) -> None:
    PostgresBudget(connection, "app 1")
    api.answers = [(status, {"message": "API rate limit exceeded for installation."}, api.left(0))]
    with pytest.raises(BudgetWait) as wait:
        ask(api, budget)
    assert wait.value.until > datetime.now(UTC) + HOUR - timedelta(minutes=1)
    paused = {row["resource"]: row["paused_until"] for row in budget_state(connection)}
    assert paused["graphql"] is None, "its points are counted apart"
    assert paused["core"] is not None


def test_the_limit_that_a_refused_credential_is_shown_is_not_believed(
    api: Api, budget: PostgresBudget, connection: Connection
) -> None:
    api.answers = [(401, {"message": "Bad credentials"}, api.left(0))]
    assert ask(api, budget) == 401
    assert budget_state(connection)[0]["points_left"] is None


def test_a_refusal_without_a_limit_is_the_callers(api: Api, budget: PostgresBudget) -> None:
    api.answers = [(403, {"message": "Resource not accessible by integration"}, api.left(3999))]
    assert ask(api, budget) == 403


def test_no_answer_leaves_nothing_reserved(budget: PostgresBudget, connection: Connection) -> None:
    with pytest.raises(TryAgain, match=r"^http://127\.0\.0\.1:1 does not answer"):
        rest.send(budget, "GET", "http://127.0.0.1:1/thing", lambda: "a-token")
    assert budget_state(connection)[0]["requests_in_flight"] == 0
