"""How long the metrics take on a generated history of a given size; prints medians, and the client's peak memory.

    python benchmarks/bench_metrics.py postgresql://user@host/empty_database --pull-requests 1000000

The database must be empty: it is migrated, filled by SQL (triggers off, as after a restore) and left as it is, so that
a second run with --reuse measures again.
"""

import argparse
import re
import resource
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from contrib_pipeline.metrics.beside import side_by_side
from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.explain import explain
from contrib_pipeline.metrics.read import open_days, workspace_days
from contrib_pipeline.metrics.trends import compute_contributors, compute_trends
from contrib_pipeline.presentation.history import history, members
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.migrate import migrate


def fill(connection: Connection, size: argparse.Namespace, begun: float, share: float) -> None:
    """Let the history, of which the share ``begun`` is there, reach back until ``share`` of its length is."""
    person, world, facts = re.split(r"^-- name: \w+\n", Path(__file__).with_suffix(".sql").read_text(), flags=re.M)[1:]
    person = "\n".join(line for line in person.splitlines() if not line.startswith("--"))
    values = {
        "contributors": size.contributors,
        "repositories": size.repositories,
        "workspaces": size.workspaces,
        "pull_requests": round(size.pull_requests * (share - begun)),
        "first": round(size.pull_requests * begun) + 1,
        "days": size.days * (share - begun),
        "until": size.days * begun,
    }
    statements = facts if begun else f"{world};\n{facts}"
    for statement in statements.format(person=person.format(**values), **values).split(";\n"):
        connection.execute(statement)


def once(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def median(work: Callable[[], object], repetitions: int) -> float:
    """Milliseconds; the first, cold run is not counted."""
    work()
    return statistics.median(once(work) for _ in range(repetitions))


def measure(connection: Connection, size: argparse.Namespace) -> dict[str, float]:
    today = datetime.now(UTC).date()
    recent, old = today - timedelta(days=4), today - timedelta(days=int(size.days * 0.75))
    small, large = (workspaces.find(connection, slug).id for slug in ("w7", _largest(connection)))
    window = today - timedelta(days=89)
    last_90 = [today - timedelta(days=days) for days in range(90)]
    work: dict[str, Callable[[], object]] = {
        "both daily tables, one recent day, everything": lambda: compute_days(connection, [recent]),
        "both daily tables, one day long ago, everything": lambda: compute_days(connection, [old]),
        "one day, one workspace of 20 repositories": lambda: compute_days(connection, [recent], workspace_ids=[small]),
        "one day, the largest workspace": lambda: compute_days(connection, [recent], workspace_ids=[large]),
        "trends of a day, everything": lambda: compute_trends(connection, [recent]),
        "trends of a day, one workspace": lambda: compute_trends(connection, [recent], workspace_ids=[small]),
        "contributors, everything": lambda: compute_contributors(connection, today),
        "open days of 90, everything": lambda: open_days(connection, window, today),
        "read 90 days of a workspace": lambda: workspace_days(connection, small, window, today),
        "explain one number": lambda: explain(connection, large, recent, "active_contributors"),
        "what the pictures of a day show, everything": lambda: history(connection, members(connection), recent),
    }
    return {name: median(step, size.repetitions) for name, step in work.items()} | {
        "trends and contributors side by side, as a run does": median(
            lambda: beside(
                connection, size, [partial(compute_trends, days=[recent]), partial(compute_contributors, today=today)]
            ),
            size.repetitions,
        ),
        "both daily tables, 90 days, everything, once, as a run does": once(
            lambda: beside(connection, size, [partial(compute_days, days=[day]) for day in last_90])
        ),
    }


def beside(connection: Connection, size: argparse.Namespace, works: Sequence[Callable[[Connection], object]]) -> None:
    deque(side_by_side(connection, lambda: connect(size.url), works), maxlen=0)


def _largest(connection: Connection) -> str:
    return max(workspaces.list_workspaces(connection), key=lambda row: row["repositories"])["slug"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--pull-requests", type=int, default=100_000)
    parser.add_argument("--repositories", type=int, default=2_000)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--contributors", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=730, help="days that the history spans")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--reuse", action="store_true", help="the database was filled by an earlier run")
    size = parser.parse_args()
    migrate(size.url)
    with connect(size.url) as connection:
        if not size.reuse:
            fill(connection, size)
        for name, milliseconds in measure(connection, size).items():
            print(f"{milliseconds:10,.1f} ms  {name}")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10,.1f} MB  peak memory of this process")


if __name__ == "__main__":
    main()
