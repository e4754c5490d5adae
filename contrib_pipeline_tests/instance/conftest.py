"""Real runs: a Dagster home with the project's own dagster.yaml, the sandbox in GitHub's place, a fork server."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from starlette.applications import Starlette

from contrib_pipeline.cli.instance import exports
from contrib_pipeline.instance import fork_server, liveness
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.settings import PROJECT, read_settings
from contrib_pipeline.warehouse.connection import Connection

PATIENCE_SECONDS = 60.0


@dataclass
class Installation:
    """A Dagster home on a scratch database, and what its runs capture."""

    home: Path
    app: Starlette
    instance: dg.DagsterInstance
    connection: Connection

    def launch(self, *repositories: str) -> str:
        """Launch a capture as Dagster's own command does; the run's id."""
        config = {"ops": {"capture_repositories": {"config": {"repositories": list(repositories)}}}}
        before = {run.run_id for run in self.instance.get_runs()}
        command = [sys.executable, "-m", "dagster", "job", "launch", "-w", str(PROJECT / "workspace.yaml")]
        done = subprocess.run(
            [*command, "-j", "capture", "--config-json", json.dumps(config)],
            capture_output=True,
            text=True,
            check=False,
        )
        (launched,) = {run.run_id for run in self.instance.get_runs()} - before or {pytest.fail(done.stderr)}
        return launched

    def status(self, run_id: str) -> str:
        run = self.instance.get_run_by_id(run_id)
        return run.status.value if run else "none"

    def ends_as(self, run_id: str, status: str) -> None:
        until(lambda: self.status(run_id) == status, lambda: f"{self.status(run_id)}: {self.messages(run_id)}")

    def messages(self, run_id: str) -> list[str]:
        return [entry.message for entry in self.instance.all_logs(run_id)]

    def event_states(self) -> list[str]:
        return [row["state"] for row in self.connection.execute("select state from events.inbox")]

    def process(self, run_id: str) -> int:
        """The pid of a run that holds its events."""
        until(lambda: self.event_states() == ["running"], lambda: f"{self.event_states()}")
        process = liveness.process(self.connection, run_id)
        assert process is not None
        return process.pid


@pytest.fixture
def installation(
    tmp_path: Path, database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    world = World("2026-06-01T12:00:00Z")
    world.add_pull_request(world.add_repository("octo/hello"), world.account("ana"), "One")
    app = create_app(world)
    with running_sandbox(world, app) as github:
        settings = {"GITHUB_API_URL": github, "GITHUB_TOKEN": "any", "CONTRIB_HOME": str(tmp_path)}
        for name, value in (settings | {"DATABASE_URL": database_url}).items():
            monkeypatch.setenv(name, value)
        for name, value in exports(read_settings(), database_url).items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            yield Installation(read_settings().dagster_home, app, instance, connection)


@pytest.fixture
def warm(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """A fork server of that home, which ends with its standard input."""
    with started_fork_server(installation.home) as server:
        yield server


@contextmanager
def started_fork_server(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "contrib_pipeline.instance.fork_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as server:
        try:
            until(lambda: fork_server.serves(home), lambda: f"exit code {server.poll()}")
            yield server
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(PATIENCE_SECONDS)


def until(is_so: Callable[[], Any], state: Callable[[], str]) -> None:
    """Return as soon as ``is_so``; fail with the ``state`` when patience is at its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, state()
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process runs: a zombie, whose starter has not looked after it, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
