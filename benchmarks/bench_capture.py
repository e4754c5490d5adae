"""What a capture costs GitHub and us.

    python benchmarks/bench_capture.py postgresql://…/empty_database [ARCHIVE.jsonl.gz …]

Three tables. A full history of each real archive (default: ../shared/data/github/archives): requests, points and
seconds per 100 pull requests. The 100 newest pull requests against the floor: the same answers fetched by bare
``requests``, parsed, and copied into a table without an index. A history of 20,000 pull requests: speed, CPU, memory.

The sandbox is in GitHub's place, in a thread of this process; for the last it runs in one of its own. Points are the
sandbox's: as if a connection of which only totalCount is read counted as one, which GitHub does not say.
"""

import asyncio
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import requests
from graphql import print_ast

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.github.documents import document
from contrib_pipeline.github.transport import Reply
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.archives import read_archives
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import Limits, PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.migrate import migrate

ARCHIVES = Path(__file__).resolve().parents[1] / "../shared/data/github/archives"
_ROW = "{:48} {:>5} {:>9} {:>7} {:>9} {:>8} {:>8}"


def main(url: str, files: list[Path]) -> None:
    """Capture every archive whole, print a line each, then capture again and print what changed."""
    migrate(url)
    world = read_archives(files)
    app = create_app(world, points_per_hour=1_000_000)
    with running_sandbox(world, app) as base, connect(url) as rows, connect(url) as points:
        budget = PostgresBudget(points, "bench", Limits(floor_share=0))
        with GitHubClient(f"{base}/graphql", Token("bench"), budget) as client:
            captures = Captures(lambda _: client, rows, host="localhost")
            names = [repository.name_with_owner for repository in world.repositories.values()]
            measured = [_measure(captures, name) for name in names]
            _print(measured)
            operations: Counter[str] = app.state.served.operations
            print("\n" + ", ".join(f"{name} {count}" for name, count in operations.most_common()))
            again = [captures.capture(CaptureRequest(name)) for name in names]
            changed, asked = sum(o.counts.changed for o in again), sum(o.spent.requests for o in again)
            print(f"captured again: {changed} rows changed, {asked} requests")


def floor(url: str) -> None:
    """The 100 newest with all children, by us and by bare requests, with and without GitHub's latency."""
    world = _world(100)
    app = create_app(world, points_per_hour=1_000_000)
    for name, base_seconds, each in (("150 ms + 20 ms per pull request", 0.15, 0.02), ("no latency", 0.0, 0.0)):
        app.state.faults.clear()
        app.state.faults.add(_slow(base_seconds, each), times=10**9)
        with running_sandbox(world, app) as base:
            ours, floors = [], []
            for _ in range(3):
                seconds, asked = _ours(url, f"{base}/graphql")
                ours.append(seconds)
                floors.append(_bare(url, f"{base}/graphql", asked))
        print(
            f"{name}: {min(ours):.2f} s, floor {min(floors):.2f} s, ratio {min(ours) / min(floors):.2f} "
            f"({len(asked)} requests)"
        )


class _Recorded(GitHubClient):
    """Remembers what it asked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _send(self, name: str, variables: dict[str, Any]) -> Reply:
        self.asked.append((name, variables))
        return super()._send(name, variables)


def _ours(url: str, graphql: str) -> tuple[float, list[tuple[str, dict[str, Any]]]]:
    with connect(url) as rows, connect(url) as points:
        _empty(rows)
        with _Recorded(graphql, Token("bench"), PostgresBudget(points, "bench", Limits(floor_share=0))) as client:
            began = time.monotonic()
            outcome = Captures(lambda _: client, rows, host="localhost").capture(CaptureRequest("octo/large"))
            seconds = time.monotonic() - began
            assert outcome.stored_total == 100, outcome.error
            return seconds, client.asked


def _bare(url: str, graphql: str, asked: list[tuple[str, dict[str, Any]]]) -> float:
    with connect(url) as rows, requests.Session() as session:
        rows.execute("create temporary table bare (node jsonb)")
        began = time.monotonic()
        for name, variables in asked:
            body = {"query": print_ast(document(name)), "variables": variables}
            reply = session.post(graphql, json=body, headers={"authorization": "bearer bench"}, timeout=30)
            with rows.cursor() as cursor, cursor.copy("copy bare from stdin") as copy:
                for node in _nodes(orjson.loads(reply.content)["data"]):
                    copy.write_row((orjson.dumps(node).decode(),))
        return time.monotonic() - began


def _nodes(data: dict[str, Any]) -> list[Any]:
    top = data.get("nodes", []) + (data.get("more") or [])
    node = data.get("node") or {}
    return top + [n for part in node.values() if isinstance(part, dict) for n in part.get("nodes", [])]


def _slow(base_seconds: float, each: float) -> faults.Fault:
    async def answer(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        await asyncio.sleep(base_seconds + each * bytes(right.body).count(b'"timelineItems"'))
        return right

    return answer


def large(url: str, count: int) -> None:
    """A history of ``count`` pull requests, the sandbox in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, 'benchmarks'); import bench_capture as b, time\n"
        f"from contrib_pipeline.sandbox.server import running_sandbox\nworld = b._world({count})\n"
        "app = b.create_app(world, points_per_hour=1_000_000)\n"
        "with running_sandbox(world, app) as base:\n  print(base, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as github:
        assert github.stdout is not None
        base = github.stdout.readline().strip()
        with connect(url) as rows, connect(url) as points:
            _empty(rows)
            budget = PostgresBudget(points, "bench", Limits(floor_share=0))
            with GitHubClient(f"{base}/graphql", Token("bench"), budget) as client:
                before, began, cpu = _memory(), time.monotonic(), time.process_time()
                captures = Captures(lambda _: client, rows, host="localhost")
                outcome = captures.capture(CaptureRequest("octo/large", depth="history"))
                seconds, spent = time.monotonic() - began, time.process_time() - cpu
        github.stdin.close()  # type: ignore[union-attr]
    assert outcome.is_complete, outcome.error
    print(
        f"{count:,} pull requests: {count / seconds:.0f}/s, {spent:.1f} CPU seconds, {before} to {_memory()} MB, "
        f"{outcome.spent.requests} requests, {outcome.spent.points} points"
    )


def _memory() -> int:
    """The most that this process has needed so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _world(count: int) -> World:
    """One repository; each pull request with two comments and two reviews, one of them with a comment on a line."""
    world = World("2026-06-01T12:00:00Z")
    repository = world.add_repository("octo/large")
    people = [world.account(f"person-{n}") for n in range(50)]
    for number in range(count):
        change = world.add_pull_request(repository, people[number % 50], f"Change {number}", "A text. " * 40)
        for reply in range(2):
            world.add_comment(change, people[(number + reply) % 50], "A comment. " * 10)
        review = world.add_review(change, people[(number + 7) % 50], "COMMENTED")
        world.add_review_comment(review, "On this line. " * 5)
        world.add_review(change, people[(number + 7) % 50], "APPROVED")
    return world


def _empty(connection: Connection) -> None:
    tables = "pull_requests, reviews, comments, repositories, contributors, capture_state, captures"
    for table in tables.split(", "):
        connection.execute(f"truncate github.{table}")  # type: ignore[arg-type]


def _measure(captures: Captures, name: str) -> dict[str, float | str]:
    began, cpu = time.monotonic(), time.process_time()
    outcome = captures.capture(CaptureRequest(name, depth="history"))
    assert outcome.is_complete, outcome.error
    return {
        "name": name,
        "pull_requests": outcome.stored_total or 0,
        "requests": outcome.spent.requests,
        "points": outcome.spent.points,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
    }


def _print(measured: list[dict[str, float | str]]) -> None:
    """A line for each repository and one for all, per 100 pull requests."""
    print(_ROW.format("per 100 pull requests", "PRs", "requests", "points", "seconds", "of all:", "points"))
    columns = ("pull_requests", "requests", "points", "seconds")
    together = {column: sum(float(row[column]) for row in measured) for column in columns}
    for row in [*measured, {"name": "together", **together}]:
        count, requests, points, seconds = (float(row[column]) for column in columns)
        hundreds = count / 100
        print(
            _ROW.format(
                str(row["name"]),
                f"{count:.0f}",
                f"{requests / hundreds:.1f}",
                f"{points / hundreds:.1f}",
                f"{seconds / hundreds:.2f}",
                f"{requests:.0f}",
                f"{points:.0f}",
            )
        )


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[2:]]
    main(sys.argv[1], given or sorted(f for f in ARCHIVES.glob("*.jsonl.gz") if "discussions" not in f.name))
    print()
    floor(sys.argv[1])
    large(sys.argv[1], 20_000)
