"""GitHub Apps: signed requests, tokens renewed before they end, and no secret in anything that is shown."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import App, Installation, Token, app_account
from contrib_pipeline.github.errors import BadCredentials, NotFound
from contrib_pipeline.sandbox import faults
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.github.conftest import GitHub

TOKENS = "/app/installations/{id:int}/access_tokens"


@pytest.fixture(scope="session")
def private_key() -> Any:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def pem(private_key: Any) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def budget(connection: Connection) -> PostgresBudget:
    return PostgresBudget(connection, app_account("12345"), resource="core")


@pytest.fixture
def app(github: GitHub, pem: str, budget: PostgresBudget) -> App:
    return App(github.base, "12345", pem, budget)


def test_the_request_for_a_token_is_signed_for_nine_minutes_from_a_minute_ago(app: App, private_key: Any) -> None:
    claims = jwt.decode(app._jwt(), private_key.public_key(), algorithms=["RS256"])
    now = datetime.now(UTC).timestamp()
    assert claims["iss"] == "12345"
    assert now - 65 < claims["iat"] <= now - 59
    assert claims["exp"] - claims["iat"] <= 600


def test_an_installation_is_found_by_a_repository_and_asks_with_a_token_of_its_own(
    app: App, github: GitHub, connection: Connection
) -> None:
    installation = Installation(app, app.installation("octo/hello"))
    budget = PostgresBudget(connection, installation.account)
    with GitHubClient(f"{github.base}/graphql", installation, budget) as client:
        assert client.execute("Repository", owner="octo", name="hello").data["repository"]
        assert client.execute("Repository", owner="octo", name="hello").data["repository"]
    assert github.app.state.served.operations[TOKENS] == 1


def test_a_token_is_renewed_five_minutes_before_it_ends(app: App, github: GitHub) -> None:
    github.app.state.installation_token_seconds = 290
    installation = Installation(app, app.installation("octo/hello"))
    assert installation.token() != installation.token()
    github.app.state.installation_token_seconds = 600
    assert installation.token() == installation.token()


def test_a_refused_token_is_renewed_once(app: App, github: GitHub, connection: Connection) -> None:
    installation = Installation(app, app.installation("octo/hello"))
    budget = PostgresBudget(connection, installation.account)
    with GitHubClient(f"{github.base}/graphql", installation, budget, retry_seconds=0.001) as client:
        github.spoil(faults.bad_credentials(), operation="Repository")
        assert client.execute("Repository", owner="octo", name="hello").data["repository"]
        assert github.app.state.served.operations[TOKENS] == 2
        github.spoil(faults.bad_credentials(), times=2, operation="Repository")
        with pytest.raises(BadCredentials):
            client.execute("Repository", owner="octo", name="hello")


class Off(BaseHTTPRequestHandler):
    """A server whose clock is hours ahead, or behind: it takes what is signed for now by that clock, and no other."""

    ahead: timedelta
    key: Any
    minted: int

    def do_POST(self) -> None:
        theirs, bearer = datetime.now(UTC) + self.ahead, self.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(bearer, self.key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        is_for_now = claims["iat"] <= theirs.timestamp() < claims["exp"] <= theirs.timestamp() + 600
        type(self).minted += is_for_now
        ends_at = f"{theirs + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        body = {"token": "ghs_x", "expires_at": ends_at} if is_for_now else {"message": "'exp' claim is too far"}
        self.send_response_only(201 if is_for_now else 401)
        self.send_header("date", format_datetime(theirs, usegmt=True))
        self.end_headers()
        self.wfile.write(orjson.dumps(body))

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_server_whose_clock_is_hours_off_is_asked_by_its_own_clock(
    hours: int, private_key: Any, pem: str, budget: PostgresBudget
) -> None:
    state = {"ahead": timedelta(hours=hours), "key": private_key.public_key(), "minted": 0}
    handler: Any = type("Handler", (Off,), state)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        installation = Installation(App(f"http://127.0.0.1:{server.server_address[1]}", "12345", pem, budget), 1)
        assert [installation.token(), installation.token()] == ["ghs_x"] * 2
        server.shutdown()
    assert handler.minted == 1, "its end is an hour away by our clock as well"


def test_the_budget_of_an_installation_outlives_its_tokens(app: App, connection: Connection) -> None:
    one, same, other = Installation(app, 1), Installation(app, 1), Installation(app, 2)
    assert PostgresBudget(connection, one.account).credential == PostgresBudget(connection, same.account).credential
    assert PostgresBudget(connection, one.account).credential != PostgresBudget(connection, other.account).credential


def test_an_owner_without_the_app_is_told_so(app: App) -> None:
    with pytest.raises(NotFound, match="not installed for stranger/thing"):
        app.installation("stranger/thing")


def test_a_key_that_is_none_is_told_so_without_showing_it(github: GitHub, budget: PostgresBudget) -> None:
    with pytest.raises(BadCredentials, match="GITHUB_APP_PRIVATE_KEY") as refused:
        App(github.base, "1", "topsecretkey", budget).installation("octo/hello")
    assert "topsecretkey" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!s}"


def test_no_secret_is_in_a_repr(app: App, pem: str) -> None:
    installation = Installation(app, 1, "ghs_secret", datetime.now(UTC) + timedelta(hours=1))
    shown = f"{app!r} {installation!r} {Token('ghp_secret')!r}"
    assert "ghs_secret" not in shown
    assert "ghp_secret" not in shown
    assert pem.splitlines()[1] not in shown
