"""A small GitHub, a scratch database, and captures between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest, Outcome
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.records import Account, Repository
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect

NAME = "octo/hello"


@dataclass
class Bench:
    """Everything that a capture test needs."""

    world: World
    repository: Repository
    app: Starlette
    captures: Captures
    connection: Connection
    url: str

    def capture(self, depth: Any = "changed", **request: Any) -> Outcome:
        """Capture the repository."""
        return self.captures.capture(CaptureRequest(request.pop("repository", NAME), depth=depth, **request))

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.connection.execute(query).fetchall()  # type: ignore[arg-type]

    def count(self, table: str, where: str = "deleted_at is null") -> int:
        return int(self.rows(f"select count(*) as n from github.{table} where {where}")[0]["n"])

    @property
    def requests(self) -> int:
        """Requests that the server has answered."""
        return int(self.app.state.served.requests)


@pytest.fixture
def world() -> World:
    return World("2026-06-01T12:00:00Z")


@pytest.fixture
def repository(world: World) -> Repository:
    return world.add_repository(NAME, has_discussions_enabled=True, created_at="2024-01-01T00:00:00Z")


@pytest.fixture
def ana(world: World) -> Account:
    return world.account("ana")


@pytest.fixture
def ben(world: World) -> Account:
    return world.account("ben")


@pytest.fixture
def bench(world: World, repository: Repository, database_url: str, connection: Connection) -> Iterator[Bench]:
    app = create_app(world)
    with (
        running_sandbox(world, app) as base,
        connect(database_url) as points,
        GitHubClient(
            f"{base}/graphql", Token("a-token"), PostgresBudget(points, "a-token"), retry_seconds=0.01
        ) as client,
    ):
        captures = Captures(lambda _: client, connection, host="localhost", run_id="a-run")
        yield Bench(world, repository, app, captures, connection, f"{base}/graphql")
