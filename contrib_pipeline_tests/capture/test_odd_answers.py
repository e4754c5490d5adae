"""Answers that GraphQL allows and GitHub seldom gives: places without a node, empty pages, counts that do not fit."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.subjects import PULL_REQUESTS
from contrib_pipeline.capture.verify import verify
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account, PullRequest
from contrib_pipeline.sandbox.replies import json
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline_tests.capture.conftest import NAME, Bench


@pytest.fixture
def changes(bench: Bench, ana: Account, ben: Account) -> list[PullRequest]:
    made = [bench.world.add_pull_request(bench.repository, ana, f"Change {number}") for number in range(1, 10)]
    for change in made:
        bench.world.add_comment(change, ben, "Nice")
    return made


def spoil(bench: Bench, operation: str, change: Callable[[dict[str, Any]], None], times: int = 10**6) -> None:
    """From now on the answers to ``operation`` have their data changed."""

    async def answer(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        payload = orjson.loads(right.body)
        change(payload["data"])
        return json(payload, headers={k: v for k, v in right.headers.items() if k.startswith("x-ratelimit")})

    bench.app.state.faults.add(answer, operation=operation, times=times)


def check(bench: Bench, name: str) -> list[dict[str, Any]]:
    """The offenders of a check."""
    return bench.rows(load("checks")[name])


def leave_out(number: int) -> Callable[[dict[str, Any]], None]:
    """An empty place where the pull request with that ``number`` belongs, and no word about it."""

    def change(data: dict[str, Any]) -> None:
        found = data["node"]["pullRequests"]
        found["nodes"] = [None if node["number"] == number else node for node in found["nodes"]]

    return change


@pytest.mark.parametrize("depth", ["newest", "history"])
def test_one_that_is_never_shown_holds_up_no_other(bench: Bench, changes: list[PullRequest], depth: str) -> None:
    spoil(bench, "PullRequests", leave_out(4))
    outcome = bench.capture(depth, subjects=("pull_requests",))
    assert not outcome.is_complete
    assert outcome.error == "PullRequests: GitHub counts one in octo/hello that it does not show."
    assert bench.count("pull_requests") == 8
    assert bench.count("comments") == 8


def hide(*numbers: int) -> Callable[[dict[str, Any]], None]:
    """Not in the list, but in GitHub's count: what accounts have opened that GitHub hides."""

    def change(data: dict[str, Any]) -> None:
        found = data["node"]["pullRequests"]
        found["nodes"] = [node for node in found["nodes"] if node["number"] not in numbers]

    return change


def test_what_github_counts_and_never_lists_keeps_no_history_from_being_complete(
    bench: Bench, changes: list[PullRequest]
) -> None:
    for operation in ("PullRequests", "PullRequestHeads"):
        spoil(bench, operation, hide(4, 5))
    outcome = bench.capture("history", subjects=("pull_requests",))
    assert (outcome.is_complete, outcome.error) == (True, None)
    assert outcome.remarks == [
        "octo/hello: of its pull requests GitHub counts 2 that it lists nowhere, as those of accounts that it hides."
    ]
    assert bench.count("pull_requests") == 7
    ledger = "select github_total, stored_total, unlisted, is_complete from github.captures order by id desc limit 1"
    told = {"github_total": 9, "stored_total": 7, "unlisted": 2, "is_complete": True}
    assert bench.rows(ledger) == [told]
    found = verify(bench.captures, NAME)
    assert (found.is_complete, found.outcome.remarks) == (True, outcome.remarks)
    assert check(bench, "pull_request_totals") == []


def test_what_is_listed_again_is_captured_and_no_longer_told(bench: Bench, changes: list[PullRequest]) -> None:
    for operation in ("PullRequests", "PullRequestHeads"):
        spoil(bench, operation, hide(4), times=1)
    assert bench.capture("history", subjects=("pull_requests",)).remarks
    outcome = bench.capture("history", subjects=("pull_requests",))
    assert (outcome.is_complete, outcome.remarks, bench.count("pull_requests")) == (True, [], 9)
    assert check(bench, "pull_request_totals") == []


def test_what_a_walk_missed_is_captured_from_the_list(bench: Bench, changes: list[PullRequest]) -> None:
    spoil(bench, "PullRequests", hide(4))
    outcome = bench.capture("history", subjects=("pull_requests",))
    assert (outcome.is_complete, outcome.remarks, bench.count("pull_requests")) == (True, [], 9)


def test_a_page_after_which_another_comes_but_no_cursor_does_not_begin_anew(
    bench: Bench, changes: list[PullRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PULL_REQUESTS, "largest_page", 3)
    places = iter(range(10))

    def lose_the_second_cursor(data: dict[str, Any]) -> None:
        if next(places) == 1:
            data["node"]["pullRequests"]["pageInfo"]["endCursor"] = None

    spoil(bench, "PullRequests", lose_the_second_cursor)
    outcome = bench.capture("history", subjects=("pull_requests",))
    assert outcome.error
    assert "its cursor did not move" in outcome.error
    assert bench.capture("history", subjects=("pull_requests",)).is_complete
    assert bench.count("pull_requests") == 9


def test_what_a_list_leaves_out_is_not_taken_for_deleted(bench: Bench, changes: list[PullRequest]) -> None:
    bench.capture()
    spoil(bench, "PullRequestHeads", leave_out(4))
    spoil(bench, "PullRequest", lambda data: data["node"].update(one=None))
    found = verify(bench.captures, NAME, mend=True)
    assert not found.is_complete
    assert bench.count("pull_requests") == 9


def hide_first(*path: str) -> Callable[[dict[str, Any]], None]:
    """An empty place at the beginning of the list at ``path``, in all nodes of a page or in the one asked for alone."""

    def change(data: dict[str, Any]) -> None:
        found = data["node"].get("one") or data["node"].get(path[0])
        for node in found.get("nodes", [found]):
            node[path[1]]["nodes"][:1] = [None]

    return change


def test_a_comment_that_is_never_shown_is_said_and_takes_nothing_with_it(
    bench: Bench, ana: Account, ben: Account
) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One", is_draft=True)
    bench.world.mark_ready(change)
    bench.world.add_comment(change, ben, "Nice")
    bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    bench.capture()
    (before,) = bench.rows("select * from github.pull_requests")
    bench.world.edit(change, title="Edited", at=now())
    for operation in ("PullRequests", "PullRequest"):
        spoil(bench, operation, hide_first("pullRequests", "timelineItems"))
    outcome = bench.capture()
    assert outcome.error == "octo/hello, pull request 1: TimelineItems: GitHub counts some that it does not show."
    (after,) = bench.rows("select * from github.pull_requests")
    assert (after["title"], after["ready_at"]) == ("Edited", before["ready_at"])
    assert (bench.count("comments"), bench.count("reviews")) == (2, 1)


def test_a_new_pull_request_of_which_a_comment_is_never_shown_is_stored(
    bench: Bench, changes: list[PullRequest], ben: Account
) -> None:
    for operation in ("PullRequests", "PullRequest"):
        spoil(bench, operation, hide_first("pullRequests", "timelineItems"))
    bench.world.add_review(changes[3], ben, "APPROVED")
    assert not bench.capture("history", subjects=("pull_requests",)).is_complete
    assert (bench.count("pull_requests"), bench.count("comments"), bench.count("reviews")) == (9, 0, 1)


def test_the_same_of_discussions(bench: Bench, ana: Account, ben: Account) -> None:
    talk = bench.world.add_discussion(bench.repository, ana, "How?")
    for text in ("So", "Or so"):
        answer = bench.world.add_discussion_comment(talk, ben, text)
        for reply in ("Thanks", "And then?"):
            bench.world.add_discussion_comment(talk, ana, reply, reply_to=answer)
    for operation in ("Discussions", "Discussion"):
        spoil(bench, operation, hide_first("discussions", "comments"))
    spoil(bench, "Replies", lambda data: [node["replies"]["nodes"].__setitem__(0, None) for node in data["nodes"]])
    outcome = bench.capture(subjects=("discussions",))
    assert outcome.error
    assert outcome.error.startswith("octo/hello, discussion 1: ")
    assert bench.rows("select body from github.discussion_comments order by id") == [
        {"body": "Or so"},
        {"body": "And then?"},
    ]


def test_what_is_null_once_is_not_taken_for_deleted(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    bench.capture()
    spoil(bench, "ReviewComments", lambda data: data.update(nodes=[None]), times=1)
    assert bench.capture(numbers=(1,), subjects=("pull_requests",)).is_complete
    assert bench.count("comments") == 1
    spoil(bench, "Repositories", lambda data: data.update(nodes=[None]), times=1)
    assert bench.capture(subjects=()).is_complete
    assert bench.count("repositories") == 1


def test_ids_may_come_back_in_another_form(bench: Bench, ana: Account, ben: Account) -> None:
    def other_form(data: dict[str, Any]) -> None:
        for node in data["nodes"]:
            node["id"] = f"MDEw{node['id']}"

    change = bench.world.add_pull_request(bench.repository, ana, "One")
    bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    bench.capture()
    for operation in ("ReviewComments", "Repositories"):
        spoil(bench, operation, other_form)
    assert bench.capture(numbers=(1,), subjects=("pull_requests",)).is_complete
    assert bench.capture(subjects=()).is_complete
    assert (bench.count("repositories"), bench.count("comments")) == (1, 1)


def test_a_pending_review_that_comes_with_its_comments_is_not_stored(bench: Bench, ana: Account, ben: Account) -> None:
    """GitHub shows one to its writer, who may be the owner of the token."""
    requests = []
    for name in (NAME, "octo/other"):
        repository = bench.world.find_repository(name) or bench.world.add_repository(name)
        change = bench.world.add_pull_request(repository, ana, "One")
        requests.append(CaptureRequest(name, subjects=("pull_requests",), numbers=(change.number,)))
        bench.capture(repository=name)
        bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Not yet")

    def not_submitted(data: dict[str, Any]) -> None:
        for place in ("r0", "r1"):
            data[place]["one"]["timelineItems"]["nodes"][0] |= {"state": "PENDING", "submittedAt": None}

    spoil(bench, "PullRequestsByNumber", not_submitted)
    bench.captures.expect(requests)
    assert [bench.captures.capture(request).error for request in requests] == [None, None]
    assert (bench.count("reviews"), bench.count("comments")) == (0, 0)


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def count_one_more(data: dict[str, Any]) -> None:
    """A comment more than GitHub shows, of everything in the list."""
    for connection in ("pullRequests", "discussions"):
        for node in data["node"].get(connection, {}).get("nodes", ()):
            node["comments"]["totalCount"] += 1


def test_comments_that_github_counts_and_never_shows_are_no_difference_once_all_was_read(
    bench: Bench, changes: list[PullRequest], ana: Account
) -> None:
    bench.world.add_discussion_comment(bench.world.add_discussion(bench.repository, ana, "How?"), ana, "So")
    bench.capture("history")
    for operation in ("PullRequestHeads", "DiscussionHeads"):
        spoil(bench, operation, count_one_more)
    assert not verify(bench.captures, NAME).is_complete
    assert len(check(bench, "review_and_comment_totals")) == 9
    assert verify(bench.captures, NAME, mend=True).is_complete
    assert verify(bench.captures, NAME).is_complete
    assert check(bench, "review_and_comment_totals") == []
    bench.connection.execute("delete from github.comments where id in (select min(id) from github.comments)")
    assert len(verify(bench.captures, NAME).compared["pull_requests"].different) == 1


def test_a_label_that_is_not_shown_takes_no_other_with_it(bench: Bench, ana: Account) -> None:
    bench.world.add_pull_request(bench.repository, ana, "One", labels=["bug", "docs"])
    spoil(
        bench, "PullRequests", lambda data: data["node"]["pullRequests"]["nodes"][0]["labels"]["nodes"].insert(0, None)
    )
    assert bench.capture().is_complete
    assert bench.rows("select labels from github.pull_requests") == [{"labels": ["bug", "docs"]}]
