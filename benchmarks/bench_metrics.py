"""How long the metrics take on a generated history of a given size; prints medians, and the client's peak memory.

    python benchmarks/bench_metrics.py postgresql://user@host/empty_database --pull-requests 1000000

The database must be empty, and on this machine: it is migrated, filled by SQL (triggers off, as after a restore) and
left as it is, so that a second run with --reuse measures again. It is filled from today backwards, with equally many
facts a day: what looks at recent days should take as long with a quarter and half of the history as with all of it.
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
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from processor import server_seconds
from running import load

from contrib_pipeline.metrics.beside import side_by_side
from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.explain import explain
from contrib_pipeline.metrics.read import open_days, workspace_days
from contrib_pipeline.metrics.trends import Topic, compute_contributors, compute_topic, compute_trends
from contrib_pipeline.presentation.history import history, members
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.migrate import migrate

_SHARES = (0.25, 0.5, 1.0)


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


class Took(NamedTuple):
    """Milliseconds: as a clock shows, and of processors that the server kept busy."""

    clock: float
    processor: float

    @property
    def effort(self) -> float:
        """What lengths of the history are compared by: the processors' time, unless that is too short to be told."""
        return self.processor if self.processor >= 100 else self.clock


def once(connection: Connection, work: Callable[[], object]) -> Took:
    used, started = server_seconds(connection), time.perf_counter()
    work()
    clock = time.perf_counter() - started
    return Took(1000 * clock, 1000 * (server_seconds(connection) - used))


def measure(connection: Connection, works: dict[str, Callable[[], object]], repetitions: int) -> dict[str, Took]:
    """Medians; the first, cold run is not counted."""
    medians = {}
    for name, work in works.items():
        work()
        took = [once(connection, work) for _ in range(repetitions)]
        medians[name] = Took(*(statistics.median(values) for values in zip(*took, strict=True)))
    return medians


def recent_works(connection: Connection) -> dict[str, Callable[[], object]]:
    """What should not take longer because the history is."""
    today = datetime.now(UTC).date()
    recent, small = today - timedelta(days=4), workspaces.find(connection, "w7").id
    return {
        "both daily tables, one recent day, everything": lambda: compute_days(connection, [recent]),
        "one day, one workspace of 20 repositories": lambda: compute_days(connection, [recent], workspace_ids=[small]),
        "trends of a day, everything": lambda: compute_trends(connection, [recent]),
        "trends of a day, one workspace": lambda: compute_trends(connection, [recent], workspace_ids=[small]),
        "contributors, everything": lambda: compute_contributors(connection, today),
        "what the pictures of a day show, everything": lambda: history(connection, members(connection), recent),
    }


def further_works(connection: Connection, size: argparse.Namespace) -> dict[str, Callable[[], object]]:
    today = datetime.now(UTC).date()
    recent, old = today - timedelta(days=4), today - timedelta(days=int(size.days * 0.75))
    small, large = (workspaces.find(connection, slug).id for slug in ("w7", _largest(connection)))
    window = today - timedelta(days=89)
    looking_back = [partial(compute_contributors, today=today)]
    looking_back += [partial(compute_topic, topic=topic, day=recent) for topic in Topic]
    return {
        "trends and contributors of a day, as a run does": lambda: beside(connection, size, looking_back),
        "both daily tables, one day long ago, everything": lambda: compute_days(connection, [old]),
        "one day, the largest workspace": lambda: compute_days(connection, [recent], workspace_ids=[large]),
        "open days of 90, everything": lambda: open_days(connection, window, today),
        "read 90 days of a workspace": lambda: workspace_days(connection, small, window, today),
        "explain one number": lambda: explain(connection, large, recent, "active_contributors"),
    }


def ninety_days(connection: Connection, size: argparse.Namespace) -> None:
    today = datetime.now(UTC).date()
    beside(connection, size, [partial(compute_days, days=[today - timedelta(days=days)]) for days in range(90)])


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
        grown = [] if size.reuse else [recent_at(connection, size, *shares) for shares in pairwise((0, *_SHARES))]
        whole = grown.pop() if grown else measure(connection, recent_works(connection), size.repetitions)
        whole |= measure(connection, further_works(connection, size), size.repetitions)
        whole["both daily tables, 90 days, everything, as a run does, once"] = once(
            connection, lambda: ninety_days(connection, size)
        )
    print("ms by the clock, of the server's processors; times those with a quarter, half of the history")
    for name, took in whole.items():
        growth = [f"x{took.effort / shorter[name].effort:.2f}" for shorter in grown if name in shorter]
        print(f"{took.clock:10,.1f} {took.processor:10,.0f}  {' '.join(growth):12}  {name}")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10,.1f} MB  peak memory of this process")
    print(f"load {load()}")


def recent_at(connection: Connection, size: argparse.Namespace, begun: float, share: float) -> dict[str, Took]:
    """Let the history grow from one share of its length to the next, and measure."""
    fill(connection, size, begun, share)
    return measure(connection, recent_works(connection), size.repetitions)


if __name__ == "__main__":
    main()
