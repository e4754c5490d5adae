"""Answers that GraphQL allows and GitHub seldom gives: places without a node, empty pages, counts that do not fit."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from contrib_pipeline.capture.verify import verify
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account, PullRequest
from contrib_pipeline.sandbox.replies import json
from contrib_pipeline_tests.capture.conftest import NAME, Bench


@pytest.fixture
def changes(bench: Bench, ana: Account, ben: Account) -> list[PullRequest]:
    made = [bench.world.add_pull_request(bench.repository, ana, f"Change {number}") for number in range(1, 10)]
    for change in made:
        bench.world.add_comment(change, ben, "Nice")
    return made


def always(bench: Bench, operation: str, spoil: Callable[[dict[str, Any]], None]) -> None:
    """From now on every answer to ``operation`` has its data changed by ``spoil``."""

    async def answer(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        payload = orjson.loads(right.body)
        spoil(payload["data"])
        return json(payload, headers={k: v for k, v in right.headers.items() if k.startswith("x-ratelimit")})

    bench.app.state.faults.add(answer, operation=operation, times=10**6)


def leave_out(number: int) -> Callable[[dict[str, Any]], None]:
    """An empty place where the pull request with that ``number`` belongs, and no word about it."""

    def spoil(data: dict[str, Any]) -> None:
        found = data["node"]["pullRequests"]
        found["nodes"] = [None if node["number"] == number else node for node in found["nodes"]]

    return spoil


@pytest.mark.parametrize("depth", ["newest", "history"])
def test_one_that_is_never_shown_holds_up_no_other(bench: Bench, changes: list[PullRequest], depth: str) -> None:
    always(bench, "PullRequests", leave_out(4))
    outcome = bench.capture(depth, subjects=("pull_requests",))
    assert not outcome.is_complete
    assert outcome.error
    assert "octo/hello that it does not show" in outcome.error
    assert bench.count("pull_requests") == 8
    assert bench.count("comments") == 8


def test_what_a_list_leaves_out_is_not_taken_for_deleted(bench: Bench, changes: list[PullRequest]) -> None:
    bench.capture()
    always(bench, "PullRequestHeads", leave_out(4))
    always(bench, "PullRequest", lambda data: data["node"].update(one=None))
    found = verify(bench.captures, NAME, mend=True)
    assert not found.is_complete
    assert bench.count("pull_requests") == 9
