"""``capture`` as a person runs it: what it says last, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from contrib_pipeline.sandbox import faults, replies
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.warehouse.processes import until


@dataclass
class Person:
    """Somebody with a GitHub of three hundred pull requests and a database."""

    environment: dict[str, str]
    app: Starlette

    def starts(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "contrib_pipeline", *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def person(database_url: str, tmp_path: Path) -> Iterator[Person]:
    world = World("2026-06-01T12:00:00Z")
    repository, ana = world.add_repository("octo/hello"), world.account("ana")
    for number in range(300):
        world.add_pull_request(
            repository, ana, f"Change {number}", at=f"2025-{number // 28 + 1:02d}-{number % 28 + 1:02d}T00:00:00Z"
        )
    app = create_app(world)
    with running_sandbox(world, app) as base:
        yield Person(
            {
                **os.environ,
                "DATABASE_URL": database_url,
                "CONTRIB_HOME": str(tmp_path),
                "GITHUB_API_URL": base,
                "GITHUB_TOKEN": "a-token\n",
            },
            app,
        )


def test_what_github_counts_and_never_lists_is_said_and_is_no_failure(person: Person) -> None:
    async def hide(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        payload = orjson.loads(right.body)
        listed = payload["data"]["node"]["pullRequests"]
        listed["nodes"] = [node for node in listed["nodes"] if node["number"] not in (7, 150)]
        return replies.json(payload, headers={k: v for k, v in right.headers.items() if k.startswith("x-ratelimit")})

    for operation in ("PullRequests", "PullRequestHeads"):
        person.app.state.faults.add(hide, operation=operation, times=1000)
    capture = person.starts("capture", "octo/hello", "--history")
    out, err = capture.communicate(timeout=120)
    assert capture.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["pull_requests"] == 298
    assert "of its pull requests GitHub counts 2 that it lists nowhere" in err


def test_what_is_interrupted_says_so_and_goes_on_from_there(person: Person) -> None:
    person.app.state.faults.latency_seconds = 0.3
    capture = person.starts("capture", "octo/hello", "--history")
    until(lambda: person.app.state.served.operations["PullRequests"] > 5)
    capture.send_signal(signal.SIGINT)
    _, err = capture.communicate(timeout=60)
    assert capture.returncode == 1
    assert (
        err.strip() == "Error: Interrupted: what was stored until then stays, and the same command goes on from there."
    )
    person.app.state.faults.latency_seconds = 0
    again = person.starts("capture", "octo/hello", "--history")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert 0 < json.loads(out.splitlines()[-1])["pull_requests"] < 300


def test_many_differences_are_named_in_part_and_whole_in_json(person: Person) -> None:
    person.starts("capture", "octo/hello").communicate(timeout=120)
    verify = person.starts("verify", "octo/hello", "--json")
    out, err = verify.communicate(timeout=120)
    assert verify.returncode == 1
    assert "octo/hello: missing pull requests: 1, 2, 3" in err
    assert "20 and 180 more (--json names them all)" in err
    (row,) = json.loads(out)
    assert row["pull_requests_missing"] == list(range(1, 201))
    repair = person.starts("verify", "octo/hello", "--repair")
    _, err = repair.communicate(timeout=120)
    assert repair.returncode == 0
    assert "octo/hello: repaired, were missing pull requests: 1, 2" in err
