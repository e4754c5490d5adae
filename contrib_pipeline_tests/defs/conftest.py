"""Runs in this process: a Dagster instance of its own, a scratch database, the sandbox in GitHub's place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
from starlette.applications import Starlette

from contrib_pipeline.definitions import defs
from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.connection import Connection

HELLO = {"repository": {"owner": "octo", "name": "hello"}}


@dataclass
class Bench:
    """What a test of a run needs."""

    world: World
    app: Starlette
    instance: dg.DagsterInstance
    connection: Connection

    def run(self, job: str, op: str, **config: Any) -> dg.ExecuteInProcessResult:
        """Execute ``job`` here; the keywords ``partition_key`` and ``tags`` are the run's."""
        run = {name: config.pop(name) for name in ("partition_key", "tags") if name in config}
        return defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config={
                "ops": {op: {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
            **run,
        )

    def capture(self, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("capture", "capture_repositories", **config)

    def aggregate(self, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("aggregate", "compute_daily_metrics", **config)

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.connection.execute(query).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World("2026-06-01T12:00:00Z")


@pytest.fixture
def hello(world: World) -> Repository:
    """A repository with three pull requests, one of them reviewed."""
    ana, ben = world.account("ana"), world.account("ben")
    repository = world.add_repository("octo/hello", created_at="2026-01-01T00:00:00Z")
    for title in ("One", "Two", "Three"):
        world.add_pull_request(repository, ana, title)
    world.add_review(repository.pull_requests[1], ben, "APPROVED")
    return repository


@pytest.fixture
def bench(
    world: World, hello: Repository, database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    app = create_app(world)
    with running_sandbox(world, app) as base, dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("GITHUB_API_URL", base)
        monkeypatch.setenv("GITHUB_TOKEN", "a-token")
        yield Bench(world, app, instance, connection)


def materialized(result: dg.ExecuteInProcessResult) -> set[tuple[str, str | None]]:
    """Asset and partition of each materialization that a run logged."""
    return {
        (event.asset_key.to_user_string(), event.partition)
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }


def post(bench: Bench, name: str, data: dict[str, Any]) -> str:
    """An event as an application sends it; its id."""
    (event_id,) = inbox.post(bench.connection, [Event(name, data)], "inngest")
    return event_id


def grow_past_a_first_capture(bench: Bench) -> None:
    for number in range(120):
        bench.world.add_pull_request(bench.world.find_repository("octo/hello"), None, f"{number}")
