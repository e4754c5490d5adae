"""A GitHub App's failed deliveries are asked for again, once each, and no others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contrib_pipeline.github import deliveries
from contrib_pipeline.github.budget import Quota
from contrib_pipeline.github.credentials import App
from contrib_pipeline.github.deliveries import redeliver_failed
from contrib_pipeline.github.errors import BadCredentials
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import BudgetWait, PostgresBudget
from contrib_pipeline.warehouse.connection import Connection

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)


class Hook:
    """GitHub's list of deliveries, in pages of two, and what it was asked to deliver again."""

    def __init__(self) -> None:
        self.attempts: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self.pages = 0
        self.left: int | None = None
        """Requests left this hour; None: GitHub names no limit."""
        self.app = Starlette(
            routes=[
                Route("/app/hook/deliveries", self.list),
                Route("/app/hook/deliveries/{id:int}/attempts", self.again, methods=["POST"]),
            ]
        )

    def add(self, guid: str, status: str, *, hours_ago: float = 1) -> None:
        """A newer attempt than those before."""
        at = (NOW - timedelta(hours=hours_ago)).isoformat().replace("+00:00", "Z")
        attempt = {"id": len(self.attempts) + 1, "guid": guid, "delivered_at": at, "status": status}
        self.attempts.insert(0, attempt)

    async def list(self, request: Request) -> Response:
        if request.headers["authorization"].count(".") != 2:
            return JSONResponse({}, 401)
        self.pages += 1
        assert request.query_params["per_page"] == "100"
        start = int(request.query_params.get("cursor", 0))
        headers = self.quota()
        if start + 2 < len(self.attempts):
            url = f"{request.url.remove_query_params('cursor').include_query_params(cursor=start + 2)}"
            headers["link"] = f'<{url}>; rel="next"'
        return JSONResponse(self.attempts[start : start + 2], headers=headers)

    async def again(self, request: Request) -> Response:
        self.asked.append(request.path_params["id"])
        return JSONResponse({}, 202, self.quota())

    def quota(self) -> dict[str, str]:
        """The headers of one more request."""
        if self.left is None:
            return {}
        self.left -= 1
        reset = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
        named = {"limit": 5000, "remaining": self.left, "reset": reset}
        return {f"x-ratelimit-{name}": str(value) for name, value in named.items()}


def private_key() -> str:
    """A new key in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture(scope="module")
def pem() -> str:
    return private_key()


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def budget(connection: Connection) -> PostgresBudget:
    return PostgresBudget(connection, "app 12345", resource="core")


@pytest.fixture
def app(hook: Hook, pem: str, budget: PostgresBudget) -> Iterator[App]:
    with running_sandbox(World(), hook.app) as base:
        yield App(base, "12345", pem, budget)


def test_what_failed_is_asked_for_again_the_oldest_first(hook: Hook, app: App) -> None:
    hook.add("a", "failed to connect to host", hours_ago=3)
    hook.add("b", "OK", hours_ago=2)
    hook.add("c", "Invalid HTTP Response: 503", hours_ago=1)
    found = redeliver_failed(app, SINCE)
    assert (set(found.guids), found.given_up, found.is_whole) == ({"a", "c"}, 0, True)
    assert hook.asked == [1, 3]


def test_what_arrived_at_the_second_attempt_is_left_alone(hook: Hook, app: App) -> None:
    hook.add("a", "timed out")
    hook.add("a", "OK")
    assert redeliver_failed(app, SINCE).guids == ()
    assert hook.asked == []


def test_the_newest_attempt_is_repeated_and_after_three_no_more(hook: Hook, app: App) -> None:
    hook.add("a", "timed out")
    hook.add("a", "timed out")
    for _ in range(3):
        hook.add("b", "Invalid HTTP Response: 401")
    found = redeliver_failed(app, SINCE)
    assert (found.guids, found.given_up) == (("a",), 1)
    assert hook.asked == [2]


def test_the_list_is_read_only_as_far_back_as_is_asked(hook: Hook, app: App) -> None:
    for number in range(6):
        hook.add(f"old-{number}", "timed out", hours_ago=30)
    hook.add("new", "timed out")
    found = redeliver_failed(app, SINCE)
    assert (found.guids, found.is_whole, hook.pages) == (("new",), True, 1)


def test_a_list_that_is_too_long_is_not_taken_for_all(hook: Hook, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_MOST_PAGES", 2)
    for number in range(5):
        hook.add(f"{number}", "timed out")
    found = redeliver_failed(app, SINCE)
    assert (len(found.guids), found.is_whole) == (4, False)


def test_deliveries_are_asked_for_until_the_budget_ends_and_the_rest_the_next_time(
    hook: Hook, app: App, budget: PostgresBudget
) -> None:
    for number in range(4):
        hook.add(f"{number}", "timed out")
    hook.left = 1503  # two pages and a request for the oldest, then a sweep leaves the rest to others
    with pytest.raises(BudgetWait):
        redeliver_failed(app, SINCE)
    assert hook.asked == [1]
    hook.add("0", "OK")
    hook.left = None
    with budget.reserve(1) as reservation:
        reservation.settle(Quota(5000, 5000, datetime.now(UTC) + timedelta(hours=2)))
    assert redeliver_failed(app, SINCE).guids == ("3", "2", "1")
    assert hook.asked == [1, 2, 3, 4]


def test_no_delivery_is_nothing_to_do(hook: Hook, app: App) -> None:
    found = redeliver_failed(app, SINCE)
    assert (found.guids, found.given_up, found.is_whole) == ((), 0, True)


def test_a_key_that_github_refuses_is_told(hook: Hook, pem: str, budget: PostgresBudget) -> None:
    refusing = Starlette(routes=[Route("/app/hook/deliveries", lambda _: JSONResponse({}, 401))])
    with running_sandbox(World(), refusing) as base, pytest.raises(BadCredentials, match="GITHUB_APP_ID"):
        redeliver_failed(App(base, "1", pem, budget), SINCE)
