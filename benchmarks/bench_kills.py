"""Kills parts of a real ``up`` at random under load, and looks whether anything that was acknowledged was lost.

``python benchmarks/bench_kills.py [--rounds N] [--seed N]``. The local GitHub runs in this process and answers 150 ms
late. All the time a pull request there gets a comment and an event says so, five times a second; in each round one part
is killed with -9 at a random moment: receiver, daemon, code server, fork server, a run, or Postgres. When the rounds
are over the load ends, and within five minutes must hold:

- every acknowledged event is in the inbox, and ended;
- the comment that an event ``done`` told of is stored;
- captures that changed something are no more than the changes there were: nothing took effect twice;
- no run is left that has not ended.

Prints the kills, the states and how long the last event took; ends with 1 and a line for each thing that is wrong.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from running import load, post, up

from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.generate import generate
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer

GITHUB_SECONDS = 0.15
REPOSITORIES = 12
SECONDS_BETWEEN_EVENTS = 0.2
ROUND_SECONDS = (6.0, 12.0)
GIVE_UP_SECONDS = 300.0
ENDED = ("done", "skipped", "failed", "quarantined")
RUNS_OPEN = "select count(*) as n from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')"
MARKS = {
    "receiver": b"serve-events",
    "daemon": b"contrib_pipeline.daemon",
    "code server": b"grpc",
    "fork server": b"fork_server",
    "run": b"fork_server",
    "Postgres": b"postgres\0-D",
}
"""What the parts have in their command lines; runs are the fork server's children, and look like it."""


@dataclass
class Load:
    """Changes of the world, each told in an event, in a thread, until it is stopped."""

    world: World
    events: str
    dice: random.Random
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The event's id → the comment that it tells of."""
    changes: int = 0
    refused: int = 0
    """Events whose sender got no answer, or an error: nothing is promised of them."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_EVENTS):
            self._change()

    def _change(self) -> None:
        repository = self.dice.choice([r for r in self.world.repositories.values() if r.pull_requests])
        subject = self.dice.choice(list(repository.pull_requests.values())[-10:])
        self.changes += 1
        text = f"change {self.changes}"
        self.world.add_comment(subject, self.world.account("ana"), text)
        data: dict[str, object] = {"repository": repository.name_with_owner}
        if self.dice.random() < 0.7:
            event = {"name": "capture/pr.details", "data": {**data, "pr_number": subject.number}}
        else:
            event = {"name": "capture/repository.sync", "data": {**data, "reason": "manual"}}
        try:
            (event_id,) = post(self.events, [event])
        except (requests.RequestException, ValueError):
            self.refused += 1
        else:
            self.acknowledged[event_id] = text


def main() -> int:
    asked = arguments()
    dice = random.Random(asked.seed)
    print(f"seed {asked.seed}")
    world = generate(REPOSITORIES, seed=1)
    app = create_app(world, points_per_hour=1_000_000)
    with running_sandbox(world, app) as github, tempfile.TemporaryDirectory(prefix="bench-kills-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # run as root, the embedded server has a user of its own
        with up(home, github) as events, EmbeddedServer(home) as url:
            warm_up(world, events, url)
            app.state.faults.latency_seconds = GITHUB_SECONDS
            (before,) = query(url, "select coalesce(max(id), 0) as id from github.captures")
            load_of_events = Load(world, events, dice)
            try:
                for part in parts(asked.rounds, dice):
                    kill(part, home, dice)
            finally:
                load_of_events.stop()
            wrong = judge(load_of_events, url, int(before["id"]))
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def warm_up(world: World, events: str, url: str) -> None:
    """Every repository is captured once, so that from now on only changes change anything."""
    names = [r.name_with_owner for r in world.repositories.values()]
    post(events, [{"name": "discover/new-repository", "data": {"repository": name}} for name in names])
    walked = "select count(*) as n from github.repositories where history_complete"
    wait_until(lambda: query(url, walked)[0]["n"] == len(names))
    wait_until(lambda: not query(url, RUNS_OPEN)[0]["n"])


def parts(rounds: int, dice: random.Random) -> Iterator[str]:
    """What is killed in each round: everything in turn, in random order."""
    left: list[str] = []
    for _ in range(rounds):
        left = left or dice.sample(list(MARKS), len(MARKS))
        yield left.pop()


def kill(part: str, home: Path, dice: random.Random) -> None:
    """One round: at a random moment kill one process of this kind; a run is waited for until there is one."""
    begun, length = time.monotonic(), dice.uniform(*ROUND_SECONDS)
    time.sleep(dice.uniform(0, length / 2))
    while not (found := processes(part, home)) and time.monotonic() - begun < length:
        time.sleep(0.01)
    if found:
        pid = dice.choice(found)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    print(f"  killed: {part if found else f'no {part} was there'}")
    time.sleep(max(0.0, begun + length - time.monotonic()))


def processes(part: str, home: Path) -> list[int]:
    """The processes of this home that are this part."""
    found, forked = [], []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if MARKS[part] not in command or os.fsencode(home) not in command + (entry / "environ").read_bytes():
                continue
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            is_child = MARKS[part] in Path(f"/proc/{parent}/cmdline").read_bytes()
            (forked if is_child else found).append(int(entry.name))
    return forked if part == "run" else found


def judge(told: Load, url: str, first_capture: int) -> list[str]:
    """What is wrong when everything has come to its end, or the time is over."""
    begun = time.monotonic()
    open_events = f"select count(*) as n from events.inbox where state not in {ENDED}"
    wait_until(lambda: not query(url, open_events)[0]["n"])
    wait_until(lambda: not query(url, RUNS_OPEN)[0]["n"])
    print(f"all ended {time.monotonic() - begun:.1f} s after the load ended (load: {load()})")
    rows = {row["id"]: row for row in query(url, "select id, state, reason from events.inbox")}
    describe(told, rows, query(url, "select status, count(*) as runs from dagster.runs group by 1 order by 1"))
    stored = comments(url)
    wrong = [line for i, text in told.acknowledged.items() for line in fate(i, rows.get(i), text, stored)]
    effects = query(url, f"select count(*) as n from github.captures where rows_changed > 0 and id > {first_capture}")
    if effects[0]["n"] > told.changes:
        wrong.append(f"{effects[0]['n']} captures changed something, and there were {told.changes} changes")
    if runs := query(url, RUNS_OPEN)[0]["n"]:
        wrong.append(f"{runs} runs have not ended")
    return wrong


def fate(event_id: str, row: dict[str, Any] | None, text: str, stored: set[str]) -> Iterator[str]:
    """What is wrong with one acknowledged event."""
    if row is None:
        yield f"event {event_id} is lost"
    elif row["state"] not in ENDED:
        yield f"event {event_id} is {row['state']}"
    elif row["state"] == "done" and text not in stored:
        yield f"event {event_id} is done, and {text!r} is not stored"


def comments(url: str) -> set[str]:
    return {row["body"] for row in query(url, "select body from github.comments where deleted_at is null")}


def describe(told: Load, rows: dict[str, dict[str, Any]], runs: list[dict[str, Any]]) -> None:
    states = Counter(rows[i]["state"] for i in told.acknowledged if i in rows)
    print(f"{len(told.acknowledged)} events acknowledged, {told.refused} refused: {dict(states)}")
    for reason in sorted({row["reason"] for row in rows.values() if row["state"] == "failed"}):
        print(f"  failed: {reason}")
    print("runs: " + ", ".join(f"{row['runs']} {row['status']}" for row in runs))


def wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if is_so():
                return
        time.sleep(0.5)


def query(url: str, text: str) -> list[dict[str, Any]]:
    """On a connection of its own, since Postgres is killed, too."""
    connection: Connection
    with connect(url) as connection:
        return connection.execute(text).fetchall()  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
