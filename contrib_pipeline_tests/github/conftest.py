"""A client of a small GitHub, with its budget in a scratch database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette

from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.faults import Fault
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection

SECRET = "ghp_secretsecretsecret"


@dataclass
class GitHub:
    """The client, and what is behind it."""

    client: GitHubClient
    world: World
    repository: Repository
    app: Starlette
    base: str

    def spoil(self, fault: Fault, times: int = 1, **which: Any) -> None:
        self.app.state.faults.add(fault, times=times, **which)

    def page(self, first: int = 10) -> Any:
        return self.client.execute(
            "PullRequests", id=self.repository.id, first=first, items=100, after=None, field="CREATED_AT"
        )

    @property
    def requests(self) -> int:
        return int(self.app.state.served.requests)


@pytest.fixture
def github(connection: Connection) -> Iterator[GitHub]:
    world = World("2026-06-01T12:00:00Z")
    repository = world.add_repository("octo/hello", created_at="2024-01-01T00:00:00Z")
    ana = world.account("ana")
    for number in range(5):
        world.add_pull_request(repository, ana, f"Change {number}")
    app = create_app(world)
    with (
        running_sandbox(world, app) as base,
        GitHubClient(
            f"{base}/graphql", Token(SECRET), PostgresBudget(connection, SECRET), retry_seconds=0.001
        ) as client,
    ):
        yield GitHub(client, world, repository, app, base)
