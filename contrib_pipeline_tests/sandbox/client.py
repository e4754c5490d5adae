"""A client of a running sandbox, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from starlette.applications import Starlette

from contrib_pipeline.sandbox.server import create_app, running_sandbox
from contrib_pipeline.sandbox.world import World

NOW = "2026-03-01T12:00:00Z"


@dataclass
class GitHub:
    """A client of one running sandbox, and what is behind it."""

    url: str
    world: World
    app: Starlette
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, query: str, token: str = "somebody", timeout: float = 10, **variables: Any) -> requests.Response:
        headers = {"authorization": f"bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        return self.session.post(f"{self.url}/graphql", json=body, headers=headers, timeout=timeout)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole payload."""
        return self.post(query, **variables).json()

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        payload = self.ask(query, **variables)
        assert "errors" not in payload
        return payload["data"]

    def get(self, path: str, token: str = "somebody", timeout: float = 10) -> requests.Response:
        headers = {"authorization": f"token {token}"} if token else {}
        return self.session.get(self.url + path, headers=headers, timeout=timeout, allow_redirects=False)


@contextmanager
def serving(world: World, **options: Any) -> Iterator[GitHub]:
    app = create_app(world, **options)
    with running_sandbox(world, app) as url, requests.Session() as session:
        yield GitHub(url, world, app, session)
