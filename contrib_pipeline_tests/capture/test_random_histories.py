"""GitHub changes at random, also between the pages of a capture, and captures break off at random.

After the reconciliation that is due (what was active lately is read again, all is compared) the copy is GitHub's.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from contrib_pipeline.capture.captures import CaptureRequest, Captures
from contrib_pipeline.capture.subjects import DISCUSSIONS, PULL_REQUESTS
from contrib_pipeline.capture.verify import verify
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.github.errors import CannotContinue
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect

TABLES = (
    "repositories, contributors, pull_requests, reviews, comments, discussions, discussion_comments, captures, "
    "capture_state, budgets, budget_reservations, host"
)
CHANGES = (
    "open", "edit", "merge", "comment", "review", "inline", "discuss", "answer",
    "delete comment", "delete review", "delete pull request", "delete discussion", "rename",
)  # fmt: skip
change = st.tuples(st.sampled_from(CHANGES), st.integers(0, 10**6))


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Histories(RuleBasedStateMachine):
    """One repository of a small GitHub, and its copy."""

    database_url: str
    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()

    @initialize(count=st.integers(0, 25))
    def begin(self, count: int) -> None:
        self.connection.execute(
            "truncate " + ", ".join(f"github.{table.strip()}" for table in TABLES.split(",")) + " cascade"
        )  # type: ignore[arg-type]
        self.connection.execute("truncate metrics.first_activity, metrics.reopened")
        self.world = World(now())
        self.repository = self.world.add_repository("octo/hello", has_discussions_enabled=True)
        self.people = [self.world.account(login) for login in ("ana", "ben", "eva")] + [None]
        for number in range(count):
            self.happen(("open", number))
        self.app = create_app(self.world)
        base = self.opened.enter_context(running_sandbox(self.world, self.app))
        points = self.opened.enter_context(connect(self.database_url))
        client = self.opened.enter_context(
            GitHubClient(f"{base}/graphql", Token("t"), PostgresBudget(points, "t"), retry_seconds=0.001)
        )
        self.captures = Captures(lambda _: client, self.connection, host="localhost")

    def teardown(self) -> None:
        try:
            if hasattr(self, "captures"):
                self.reconcile()
        finally:
            self.opened.close()

    @rule(drawn=change)
    def happen(self, drawn: tuple[str, int]) -> None:  # noqa: PLR0912
        what, dice = drawn
        world, at = self.world, now()
        person = self.people[dice % len(self.people)]
        pull_requests = list(self.repository.pull_requests.values())
        discussions = list(self.repository.discussions.values())
        if what == "open" or not pull_requests:
            world.add_pull_request(self.repository, person, f"Change {dice}", at=at)
            return
        chosen = pull_requests[dice % len(pull_requests)]
        match what:
            case "edit":
                world.edit(chosen, title=f"Edited {dice}", at=at)
            case "merge":
                world.merge(chosen, person, at=at)
            case "comment":
                world.add_comment(chosen, person, f"Comment {dice}", at=at)
            case "review":
                world.add_review(chosen, person, ("APPROVED", "COMMENTED", "PENDING")[dice % 3], at=at)
            case "inline":
                review = world.add_review(chosen, person, "COMMENTED", at=at)
                world.add_review_comment(review, f"Inline {dice}", at=at)
            case "discuss":
                world.add_discussion(self.repository, person, f"Question {dice}", at=at)
            case "answer" if discussions:
                talk = discussions[dice % len(discussions)]
                comment = world.add_discussion_comment(talk, person, f"Answer {dice}", at=at)
                world.add_discussion_comment(talk, person, f"Reply {dice}", reply_to=comment, at=at)
            case "delete comment" if chosen.comments:
                world.delete(chosen.comments[dice % len(chosen.comments)])
            case "delete review" if chosen.reviews:
                world.delete(chosen.reviews[dice % len(chosen.reviews)])
            case "delete pull request":
                world.delete(chosen)
            case "delete discussion" if discussions:
                world.delete(discussions[dice % len(discussions)])
            case "rename":
                world.rename_repository(self.repository, f"octo/hello-{dice}")

    @rule(depth=st.sampled_from(["changed", "history", "recent", "verify"]))
    def capture(self, depth: Any) -> None:
        self.captures.capture(CaptureRequest("octo/hello", depth=depth))

    @rule(depth=st.sampled_from(["changed", "history"]), after=st.integers(0, 6), drawn=change)
    def capture_while_something_changes(self, depth: Any, after: int, drawn: tuple[str, int]) -> None:
        self.app.state.faults.add(self._then(lambda: self.happen(drawn)), after=after)
        self.capture(depth)
        self.app.state.faults.clear()

    @rule(depth=st.sampled_from(["changed", "history"]), after=st.integers(0, 8))
    def capture_that_breaks_off(self, depth: Any, after: int) -> None:
        self.app.state.faults.add(faults.bad_credentials(), after=after)
        try:
            self.capture(depth)
        except CannotContinue:
            pass
        finally:
            self.app.state.faults.clear()

    @precondition(lambda self: self.repository.pull_requests)
    @rule(dice=st.integers(0, 10**6))
    def capture_one(self, dice: int) -> None:
        numbers = list(self.repository.pull_requests)
        request = CaptureRequest("octo/hello", subjects=("pull_requests",), numbers=(numbers[dice % len(numbers)],))
        self.captures.capture(request)

    def reconcile(self) -> None:
        time.sleep(1.05)  # GitHub's instants have whole seconds: what happened in this one may not be told apart yet
        for depth in ("history", "recent"):
            outcome = self.captures.capture(CaptureRequest("octo/hello", depth=depth))  # type: ignore[arg-type]
        found = verify(self.captures, outcome.name, mend=True)
        assert found.is_complete, found.outcome.error
        assert self.stored() == self.true()

    def stored(self) -> dict[str, Any]:
        def rows(query: str) -> set[tuple[Any, ...]]:
            return {tuple(row.values()) for row in self.connection.execute(query)}  # type: ignore[arg-type]

        return {
            "name": rows("select name_with_owner from github.repositories where deleted_at is null"),
            "pull requests": rows("select number, title, state from github.pull_requests where deleted_at is null"),
            "reviews": rows("select id, state from github.reviews where deleted_at is null"),
            "comments": rows("select kind, id, body from github.comments where deleted_at is null"),
            "discussions": rows("select number, title from github.discussions where deleted_at is null"),
            "answers": rows("select id, body, parent_id from github.discussion_comments where deleted_at is null"),
        }

    def true(self) -> dict[str, Any]:
        pull_requests = self.repository.pull_requests.values()
        discussions = self.repository.discussions.values()
        reviews = [review for pr in pull_requests for review in pr.reviews if review.state != "PENDING"]
        return {
            "name": {(self.repository.name_with_owner,)},
            "pull requests": {(pr.number, pr.title, pr.state.lower()) for pr in pull_requests},
            "reviews": {(review.database_id, review.state) for review in reviews},
            "comments": {("issue", c.database_id, c.body) for pr in pull_requests for c in pr.comments}
            | {("review", c.database_id, c.body) for review in reviews for c in review.comments},
            "discussions": {(talk.number, talk.title) for talk in discussions},
            "answers": {(c.database_id, c.body, None) for talk in discussions for c in talk.comments}
            | {
                (reply.database_id, reply.body, c.database_id)
                for talk in discussions
                for c in talk.comments
                for reply in c.replies
            },
        }

    @staticmethod
    def _then(act: Callable[[], None]) -> faults.Fault:
        async def answer_then_act(exchange: faults.Exchange) -> Any:
            right = exchange.answer()
            act()
            return right

        return answer_then_act


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(PULL_REQUESTS, "largest_page", 4)
    monkeypatch.setattr(DISCUSSIONS, "largest_page", 2)
    yield


def test_in_the_end_the_copy_is_githubs(database_url: str, connection: Connection, small_pages: None) -> None:
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
