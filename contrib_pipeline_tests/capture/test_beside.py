"""Several processes at once on one repository, and killed ones: the rows are those of an undisturbed capture."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest, Outcome
from contrib_pipeline.github import rows
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import write
from contrib_pipeline_tests.capture.conftest import NAME, Bench
from contrib_pipeline_tests.warehouse.processes import until

REPOSITORY = Path(__file__).resolve().parents[2]
_CAPTURE = """
import sys
from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.subjects import PULL_REQUESTS
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import connect
url, database, depth = sys.argv[1:]
PULL_REQUESTS.largest_page = 7
with connect(database) as rows, connect(database) as points:
    with GitHubClient(url, Token("a-token"), PostgresBudget(points, "a-token")) as client:
        print("ready", flush=True)
        outcome = Captures(lambda _: client, rows, host="localhost").capture(CaptureRequest("octo/hello", depth=depth))
        print(outcome.error or "complete", flush=True)
"""
CONTENTS = {
    "pull_requests": "number, title, body, state, author_id, updated_at, first_review_at, deleted_at",
    "reviews": "id, pull_request_id, state, author_id, submitted_at, deleted_at",
    "comments": "kind, id, pull_request_id, review_id, body, deleted_at",
    "contributors": "id, login",
}


def fill(bench: Bench, ana: Account, ben: Account, count: int) -> None:
    for number in range(count):
        change = bench.world.add_pull_request(bench.repository, ana, f"Change {number}")
        bench.world.add_comment(change, ben, "Nice")
        bench.world.add_review_comment(bench.world.add_review(change, ben, "APPROVED"), "Here")


def contents(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        table: connection.execute(f"select {columns} from github.{table} order by {columns}").fetchall()  # type: ignore[arg-type]
        for table, columns in CONTENTS.items()
    }


def process(bench: Bench, database_url: str, depth: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _CAPTURE, bench.url, database_url, depth]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_a_history_killed_again_and_again_ends_as_an_undisturbed_one(
    bench: Bench, database_url: str, ana: Account, ben: Account
) -> None:
    fill(bench, ana, ben, 150)
    bench.app.state.faults.latency_seconds = 0.01
    dice, killed = random.Random(7), 0
    for _ in range(12):
        walk = process(bench, database_url, "history")
        assert walk.stdout is not None
        assert walk.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.05, 0.35))
        os.kill(walk.pid, signal.SIGKILL)
        killed += walk.wait() == -signal.SIGKILL
        walk.stdout.close()
    assert killed > 6
    last = process(bench, database_url, "history")
    assert last.communicate(timeout=60)[0] == "ready\ncomplete\n"
    interrupted = contents(bench.connection)
    assert len(interrupted["pull_requests"]) == 150
    assert len(interrupted["comments"]) == 300
    for table in CONTENTS:
        bench.connection.execute(f"delete from github.{table}")  # type: ignore[arg-type]
    bench.connection.execute("delete from github.capture_state")
    assert bench.capture("history").is_complete
    assert contents(bench.connection) == interrupted


def test_history_and_changes_at_once_lose_nothing_and_block_nobody(
    bench: Bench, database_url: str, ana: Account, ben: Account
) -> None:
    fill(bench, ana, ben, 120)
    bench.capture()
    bench.app.state.faults.latency_seconds = 0.01
    walks = [process(bench, database_url, "history"), process(bench, database_url, "history")]
    for walk in walks:
        assert walk.stdout is not None
        assert walk.stdout.readline() == "ready\n"
    dice, outcomes = random.Random(3), []
    while any(walk.poll() is None for walk in walks):
        change = bench.repository.pull_requests[dice.randint(1, 120)]
        bench.world.edit(change, title=f"Edited {len(outcomes)}", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        outcomes.append(bench.capture())
    assert [walk.communicate(timeout=60)[0] for walk in walks] == ["complete\n"] * 2
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    bench.capture()
    stored = {row["number"]: row["title"] for row in bench.rows("select number, title from github.pull_requests")}
    assert stored == {number: change.title for number, change in bench.repository.pull_requests.items()}
    assert bench.count("comments") == 240


def test_an_older_reading_that_comes_late_brings_nothing_back(
    bench: Bench, database_url: str, ana: Account, ben: Account
) -> None:
    """A history has read a comment and is slow; meanwhile it is deleted, and another capture notes that."""
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    regretted = bench.world.add_comment(change, ben, "Regretted")
    review = bench.world.add_review(change, ben, "COMMENTED")
    bench.world.add_review_comment(review, "Here")
    bench.capture(subjects=("pull_requests",))
    may_go_on, has_read = threading.Event(), threading.Event()

    async def wait(exchange: faults.Exchange) -> Any:
        has_read.set()
        while not may_go_on.is_set():
            await asyncio.sleep(0.01)
        return exchange.answer()

    # The slow one stands between its page of pull requests and the inline comments.
    bench.app.state.faults.add(wait, operation="ReviewComments")
    outcomes: list[Outcome] = []

    def slow() -> None:
        with (
            connect(database_url) as rows,
            connect(database_url) as points,
            GitHubClient(bench.url, Token("a-token"), PostgresBudget(points, "a-token")) as client,
        ):
            captures = Captures(lambda _: client, rows, host="localhost")
            outcomes.append(captures.capture(CaptureRequest(NAME, depth="history", subjects=("pull_requests",))))

    thread = threading.Thread(target=slow)
    thread.start()
    assert has_read.wait(20)
    bench.world.delete(regretted)
    time.sleep(1.1)  # GitHub's instants have whole seconds
    bench.capture(numbers=(1,), subjects=("pull_requests",))
    assert bench.count("comments", "kind = 'issue' and deleted_at is null") == 0
    may_go_on.set()
    thread.join(30)
    assert outcomes[0].is_complete
    assert bench.count("comments", "kind = 'issue' and deleted_at is null") == 0


def test_a_comparison_waits_for_a_page_that_is_being_written(
    bench: Bench, database_url: str, ana: Account, ben: Account
) -> None:
    """Both touch many pull requests, in orders of their own: they must not wait for each other crosswise."""
    fill(bench, ana, ben, 20)
    bench.capture("history", subjects=("pull_requests",))
    outcomes: list[Outcome] = []
    comparison = threading.Thread(target=lambda: outcomes.append(bench.capture("verify", subjects=("pull_requests",))))
    with connect(database_url) as other, other.transaction():
        other.execute(load("capture")["take_turns"], {"repository_id": bench.repository.database_id})
        other.execute("update github.pull_requests set title = 'Being written' where number = 1")
        comparison.start()
        until(lambda: _is_waited_for(database_url))
        other.execute("update github.pull_requests set title = 'Being written'")
    comparison.join(30)
    assert [outcome.error for outcome in outcomes] == [None]


def test_two_that_record_a_name_at_the_same_time_both_go_on(bench: Bench, database_url: str, ana: Account) -> None:
    """One has found the repository that had the name until now, the other the one that has it from now on."""
    bench.world.add_pull_request(bench.repository, ana, "Of the second")
    before = {
        **bench.captures.client_for(NAME).execute("Repository", owner="octo", name="hello").data["repository"],
        "databaseId": 4711,
    }
    outcomes: list[Outcome] = []
    capture = threading.Thread(target=lambda: outcomes.append(bench.capture()))
    with connect(database_url) as other, other.transaction():
        other.execute(load("capture")["take_name"], {"name": NAME})
        write(other, tables.REPOSITORIES, [rows.repository(before, datetime.now(UTC))])
        capture.start()
        until(lambda: _is_waited_for(database_url))
    capture.join(30)
    assert [outcome.error for outcome in outcomes] == [None]
    assert bench.rows("select id from github.repositories where deleted_at is null") == [
        {"id": bench.repository.database_id}
    ]


def _is_waited_for(database_url: str) -> bool:
    with connect(database_url) as observer:
        return bool(observer.execute("select from pg_locks where not granted").fetchall())


def test_repositories_with_the_same_people_do_not_wait_for_each_other_for_ever(
    bench: Bench, database_url: str, ana: Account, ben: Account
) -> None:
    names = [f"octo/number-{n}" for n in range(3)]
    for name in names:
        repository = bench.world.add_repository(name)
        for number in range(80):
            people = (ana, ben) if number % 2 else (ben, ana)
            change = bench.world.add_pull_request(repository, people[0], f"{number}")
            bench.world.add_review(change, people[1], "APPROVED")
    errors: list[str | None] = []

    def work(name: str) -> None:
        with (
            connect(database_url) as rows,
            connect(database_url) as points,
            GitHubClient(bench.url, Token("a-token"), PostgresBudget(points, "a-token")) as client,
        ):
            captures = Captures(lambda _: client, rows, host="localhost")
            errors.append(captures.capture(CaptureRequest(name, depth="history")).error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == [None] * 3
    assert bench.count("pull_requests") == 240
