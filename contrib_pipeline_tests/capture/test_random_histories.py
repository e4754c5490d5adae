"""GitHub changes at random, also between the pages of a capture, and captures are killed at random.

Each capture runs in a process of its own. The server knows how many requests it has answered: it lets things happen
just after the n-th, and kills the process before it answers the n-th, or some milliseconds after. After the
reconciliation that is due (what was active lately is read again, all is compared) the copy is GitHub's.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from contrib_pipeline.capture import repositories
from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.many import find_moved
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.verify import verify
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.capture.processes import SHORT_OVERLAP, SMALL, start_capture
from contrib_pipeline_tests.capture.random_github import (
    ADDITIONS,
    DELETIONS,
    EDITS,
    NAMES,
    Change,
    Contents,
    RandomGitHub,
    stored,
)

TABLES = (
    "repositories, contributors, pull_requests, reviews, comments, discussions, discussion_comments, captures, "
    "capture_state, budgets, budget_reservations, host"
)
dice = st.integers(0, 10**6)
change = st.tuples(st.sampled_from((*ADDITIONS, *EDITS, *DELETIONS, *NAMES)), dice)
Happening = Sequence[tuple[int, Change]]
happenings = st.lists(st.tuples(st.integers(0, 12), change), max_size=4)
"""What happens just after which answer."""
Death = tuple[int, int | None]
deaths = st.tuples(st.integers(0, 9), st.none() | st.integers(0, 30))
"""At which request the process is killed: before the answer (None), or so many milliseconds after it."""
depths = st.sampled_from(["changed", "history", "recent", "verify"])


class Histories(RuleBasedStateMachine):
    """A small GitHub and its copy."""

    database_url: str
    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.processes: list[ForkServerProcess] = []

    @initialize(
        pull_requests=st.integers(0, 30), discussions=st.integers(0, 5), first_deaths=st.lists(deaths, max_size=3)
    )
    def begin(self, pull_requests: int, discussions: int, first_deaths: Sequence[Death]) -> None:
        tables = ", ".join(f"github.{table.strip()}" for table in TABLES.split(","))
        self.connection.execute(f"truncate {tables}, metrics.first_activity, metrics.reopened cascade")  # type: ignore[arg-type]
        self.github = RandomGitHub(pull_requests, discussions)
        self.app = create_app(self.github.world)
        self.url = self.opened.enter_context(running_sandbox(self.github.world, self.app)) + "/graphql"
        points = self.opened.enter_context(connect(self.database_url))
        client = self.opened.enter_context(
            GitHubClient(self.url, Token("t"), PostgresBudget(points, "t"), retry_seconds=0.001)
        )
        self.captures = Captures(lambda _: client, self.connection, host="localhost")
        for death in first_deaths:
            self.capture_that_is_killed("history", 0, (), death)

    def teardown(self) -> None:
        try:
            if hasattr(self, "captures"):
                self.reconcile()
        finally:
            for process in self.processes:
                process.kill()
            self.opened.close()

    @rule(drawn=change)
    def happen(self, drawn: Change) -> None:
        self.github.happen(drawn)

    @rule(depth=depths, which=dice, happening=happenings)
    def capture(self, depth: Any, which: int, happening: Happening) -> None:
        self.run(depth, self.name(which), happening)

    @rule(depth=depths, which=dice, happening=happenings, death=deaths)
    def capture_that_is_killed(self, depth: Any, which: int, happening: Happening, death: Death) -> None:
        self.run(depth, self.name(which), happening, death)

    @rule(depth=depths, which=dice, happening=happenings, death=st.none() | deaths)
    def history_beside_another_capture(self, depth: Any, which: int, happening: Happening, death: Death | None) -> None:
        beside = self.start(self.name(which + 1), depth)
        self.run("history", self.name(which), happening, death)
        assert _ended(beside) == 0

    @rule(first=dice, count=st.integers(1, 3), subject=st.sampled_from(["pull_requests", "discussions"]))
    def capture_some(self, first: int, count: int, subject: str) -> None:
        last = self.github.repository.last_number + 1
        numbers = tuple({1 + (first + n) % last for n in range(count)})
        self.captures.capture(CaptureRequest(self.name(first), subjects=(subject,), numbers=numbers))

    @rule()
    def probe(self) -> None:
        """What the probe calls quiet lacks nothing that GitHub's dates tell of."""
        known = repositories.visible(self.connection)
        moved = {repository.id for repository in find_moved(self.captures, known).moved} if known else set()
        for repository in self.github.repositories:
            if self.is_whole(repository) and repository.database_id not in moved:
                assert self.missing(self.github.told(repository)) == {}

    def reconcile(self) -> None:
        # GitHub's instants have whole seconds: what happened in this one may not be told apart yet.
        time.sleep(1.05 - time.time() % 1)
        for repository in self.github.repositories:
            for depth in ("history", "recent"):
                outcome = self.captures.capture(CaptureRequest(repository.name_with_owner, depth=depth))  # type: ignore[arg-type]
                assert outcome.is_complete, outcome.error
            found = verify(self.captures, repository.name_with_owner, mend=True)
            assert found.is_complete, found.outcome.error
        assert stored(self.connection) == self.github.contents()

    def run(self, depth: Any, name: str, happening: Happening = (), death: Death | None = None) -> None:
        """A capture to its end, or to its ``death``.

        Then nothing is missing that GitHub's dates told of before it began, unless it is known not to look so far.
        """
        repository = self.github.world.find_repository(name)
        assert repository is not None
        looks_far = depth == "history" or (depth != "verify" and self.is_whole(repository))
        told = self.github.told(repository)
        process = self.start(name, depth)
        for after, drawn in happening:
            self.app.state.faults.add(self._then_happens(drawn), after=after)
        if death:
            self.app.state.faults.add(_killed(process, death[1]), after=death[0])
        code = _ended(process)
        self.app.state.faults.clear()
        assert code in ((0, -signal.SIGKILL) if death else (0,))
        if code == 0 and looks_far and repository is self.github.world.find_repository(name):
            still = self.github.told(repository)
            assert self.missing({kind: rows & still[kind] for kind, rows in told.items()}) == {}

    def start(self, name: str, depth: Any) -> ForkServerProcess:
        process = start_capture(self.url, self.database_url, CaptureRequest(name, depth=depth))
        self.processes.append(process)
        return process

    def name(self, dice: int) -> str:
        """A name that a repository has or had."""
        return self.github.names[dice % len(self.github.names)]

    def is_whole(self, repository: Repository) -> bool:
        """Whether all of it was walked to its end once."""
        if repository.database_id not in {
            row["id"] for row in self.connection.execute("select id from github.repositories")
        }:
            return False
        totals = repositories.stored_totals(self.connection, repository.database_id)
        walked = ["pull_requests", *(["discussions"] if repository.has_discussions_enabled else [])]
        return all(totals[kind] is not None for kind in walked)

    def missing(self, told: Contents) -> Contents:
        """What is not in the copy of ``told``."""
        copy = stored(self.connection)
        return {
            kind: lack for kind, rows in told.items() if (lack := {row for row in rows if not _has(copy[kind], row)})
        }

    def _then_happens(self, drawn: Change) -> faults.Fault:
        async def answer(exchange: faults.Exchange) -> Any:
            right = exchange.answer()
            self.github.happen(drawn)
            return right

        return answer


def _ended(process: ForkServerProcess) -> int | None:
    process.join(60)
    return process.exitcode


def _killed(process: ForkServerProcess, milliseconds: int | None) -> faults.Fault:
    async def answer(exchange: faults.Exchange) -> Any:
        if milliseconds is None:
            process.kill()
        else:
            asyncio.get_running_loop().call_later(milliseconds / 1000, process.kill)
        return exchange.answer()

    return answer


def _has(rows: set[tuple[Any, ...]], beginning: tuple[Any, ...]) -> bool:
    return any(row[: len(beginning)] == beginning for row in rows)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name, value in (*SMALL, *SHORT_OVERLAP):
        monkeypatch.setattr(place, name, value)


def test_in_the_end_the_copy_is_githubs(database_url: str, connection: Connection, small_steps: None) -> None:
    machine = type("Machine", (Histories,), {"database_url": database_url, "connection": connection})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
