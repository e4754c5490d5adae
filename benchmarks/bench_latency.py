"""How long an event takes from its POST to its row in Postgres, through a real ``up``.

``python benchmarks/bench_latency.py [--events N] [--idle SECONDS] [--burst N]``. The local GitHub runs in this process
and answers 150 ms late; ``up`` runs beside it on free ports, in a new home with an embedded server. For every single
event a pull request changes in the sandbox, ``capture/pr.details`` is posted, and the clock runs from the POST's
answer until the changed row is committed in github.pull_requests. Printed: seconds of single events, cores used by the
idle system, seconds of a burst over 100 repositories. Other load on the machine is printed too: it is in the figures.
Nobody should edit the source meanwhile: the next run would start cold.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from running import load, post, up

from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.generate import generate
from contrib_pipeline.sandbox.records import PullRequest, Repository
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer

GITHUB_SECONDS = 0.15
REPOSITORIES = 100
PAUSE = (2.0, 6.0)
POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 60.0
BURST_SECONDS = 10.0
BURST_GIVE_UP_SECONDS = 300.0
SETTLE_SECONDS = 20.0
UNSETTLED = (
    "select from dagster.runs where update_timestamp > now() at time zone 'UTC' - make_interval(secs => %(seconds)s)"
)
KINDS = ("sandbox", "serve-events", "grpc", "fork_server", "daemon", "webserver", "postgres", "cli")


def main() -> None:
    asked = arguments()
    world = generate(REPOSITORIES, seed=1)
    app = create_app(world, points_per_hour=1_000_000)
    with running_sandbox(world, app) as github, tempfile.TemporaryDirectory(prefix="bench-latency-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # run as root, the embedded server has a user of its own
        with up(home, github) as events, EmbeddedServer(home) as url, connect(url) as connection:
            first = first_event(world, events, connection)
            print(f"first event after the start: {first:.2f} s (the machine's load: {load()})")
            app.state.faults.latency_seconds = GITHUB_SECONDS
            singles(world, events, connection, asked.events)
            idle(home, connection, asked.idle)
            burst(home, world, events, connection, asked.burst, asked.subjects)
            runs(connection)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=30, help="single events")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds without events whose CPU is measured")
    parser.add_argument("--burst", type=int, default=1000, help="events within ten seconds")
    parser.add_argument("--subjects", type=int, default=1, help="pull requests per repository that the burst is about")
    return parser.parse_args()


def first_event(world: World, events: str, connection: Connection) -> float:
    """The repository's first capture, right after the start: is anything cold?"""
    repository = repositories(world)[0]
    return seconds_to_row(world, events, connection, pull_requests(repository)[-1])


def singles(world: World, events: str, connection: Connection, count: int) -> None:
    subjects = pull_requests(repositories(world)[0])[-20:]
    taken = []
    for _ in range(count):
        time.sleep(random.uniform(*PAUSE))
        taken.append(seconds_to_row(world, events, connection, random.choice(subjects)))
    print(f"{count} single events: {spread(taken)} (load: {load()})")
    waits = connection.execute(
        """
        select extract(epoch from r.create_timestamp - (i.received_at at time zone 'UTC')) as asked,
               r.start_time - extract(epoch from i.received_at) as started
        from events.inbox i join dagster.runs r using (run_id) order by i.id desc limit %s
        """,
        (count,),
    ).fetchall()
    for name in ("asked", "started"):
        print(f"  run {name}: {spread([float(row[name]) for row in waits if row[name] is not None])}")


def seconds_to_row(world: World, events: str, connection: Connection, subject: PullRequest) -> float:
    """Change a pull request, post its event, and wait for the row."""
    title = f"changed at {time.time()}"
    world.edit(subject, title=title)
    post(events, [event(subject)])
    begun = time.monotonic()
    while time.monotonic() - begun < GIVE_UP_SECONDS:
        if connection.execute("select from github.pull_requests where title = %s", (title,)).rowcount:
            return time.monotonic() - begun
        time.sleep(POLL_SECONDS)
    sys.exit(f"No row after {GIVE_UP_SECONDS:.0f} s.")


def idle(home: Path, connection: Connection, seconds: float) -> None:
    """Cores that the system uses while nothing happens, by kind of process; late metrics are computed before."""
    while connection.execute(UNSETTLED, {"seconds": SETTLE_SECONDS}).rowcount:
        time.sleep(1)
    before, begun = cpu_seconds(home), time.monotonic()
    time.sleep(seconds)
    after, took = cpu_seconds(home), time.monotonic() - begun
    used = {kind: (after[kind] - before[kind]) / took for kind in KINDS}
    print(f"idle for {seconds:.0f} s: {sum(used.values()):.3f} of a core (load: {load()})")
    print("  " + ", ".join(f"{kind} {cores:.3f}" for kind, cores in used.items() if cores > 0))


def burst(home: Path, world: World, events: str, connection: Connection, count: int, subjects: int) -> None:
    """``count`` events over all repositories, in equal steps within ten seconds."""
    ids: list[str] = []
    before, own, begun = cpu_seconds(home), time.process_time(), time.monotonic()
    step = count // 100 or 1
    for place in range(0, count, step):
        time.sleep(max(0.0, begun + BURST_SECONDS * place / count - time.monotonic()))
        chosen = [random.choice(repositories(world)) for _ in range(min(step, count - place))]
        ids += post(events, [event(random.choice(pull_requests(repository)[-subjects:])) for repository in chosen])
    posted = time.monotonic() - begun
    while pending(connection, ids) and time.monotonic() - begun < BURST_GIVE_UP_SECONDS:
        time.sleep(0.1)
    ended = time.monotonic() - begun
    used, own = cpu_seconds(home) - before, time.process_time() - own
    rows = connection.execute(
        "select state, extract(epoch from finished_at - received_at)::float8 as seconds, reason"
        " from events.inbox where id = any(%s)",
        (ids,),
    ).fetchall()
    states = dict(Counter(row["state"] for row in rows))
    print(f"burst: {count} events about {subjects} pull requests per repository, posted in {posted:.1f} s")
    print(f"  all ended after {ended:.1f} s: {states} (load: {load()})")
    print("  CPU seconds: " + ", ".join(f"{kind} {s:.1f}" for kind, s in used.items()) + f"; the sandbox {own:.1f}")
    print(f"  each: {spread([row['seconds'] for row in rows if row['seconds'] is not None])}")


def runs(connection: Connection) -> None:
    rows = connection.execute("select status, count(*) as runs from dagster.runs group by 1 order by 1").fetchall()
    print("runs: " + ", ".join(f"{row['runs']} {row['status']}" for row in rows))


def pending(connection: Connection, ids: list[str]) -> bool:
    query = "select from events.inbox where id = any(%s) and state in ('pending', 'running') limit 1"
    return bool(connection.execute(query, (ids,)).rowcount)


def event(subject: PullRequest) -> dict[str, object]:
    data = {"repository": subject.repository.name_with_owner, "pr_number": subject.number}
    return {"name": "capture/pr.details", "data": data}


def repositories(world: World) -> list[Repository]:
    return [repository for repository in world.repositories.values() if repository.pull_requests]


def pull_requests(repository: Repository) -> list[PullRequest]:
    return list(repository.pull_requests.values())


def cpu_seconds(home: Path) -> Counter[str]:
    """CPU time of the processes that have ``home`` in their environment or command, with their ended children."""
    mark, found = os.fsencode(home), Counter[str]()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            if mark in command + (entry / "environ").read_bytes() or parent_is_postgres(entry, mark):
                ticks = (entry / "stat").read_text().rpartition(")")[2].split()[11:15]
                kind = next((kind for kind in KINDS if kind.encode() in command), "cli")
                found[kind] += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return found


def parent_is_postgres(entry: Path, mark: bytes) -> bool:
    """Whether it is a backend of this home's server: those rewrite their command line and hide their environment."""
    parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
    return (
        parent != "0"
        and mark in Path(f"/proc/{parent}/cmdline").read_bytes()
        and b"-D" in Path(f"/proc/{parent}/cmdline").read_bytes()
    )


def spread(seconds: list[float]) -> str:
    parts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"p50 {statistics.median(seconds):.2f} s, p95 {parts[-1]:.2f} s, max {max(seconds):.2f} s"


if __name__ == "__main__":
    main()
