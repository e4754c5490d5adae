"""What a full history costs GitHub and us: requests, points and seconds per 100 pull requests, archive by archive.

    python benchmarks/bench_capture.py postgresql://…/empty_database [ARCHIVE.jsonl.gz …]

The archives (default: ../shared/data/github/archives) are served by the sandbox in a thread of this process. Points are
the sandbox's: as if a connection of which only totalCount is read counted as one, which GitHub does not say.
"""

import sys
import threading
import time
from collections import Counter
from pathlib import Path

from contrib_pipeline.capture.captures import CaptureRequest, Captures
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.archives import read_archives
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.warehouse.budget import Limits, PostgresBudget
from contrib_pipeline.warehouse.connection import connect
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
            print(f"captured again: {changed} rows changed, {asked} requests, threads {threading.active_count()}")


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
