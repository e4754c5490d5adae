"""The proof of completeness finds what is missing, too much or different, and its repair captures exactly that."""

from datetime import UTC, datetime

import pytest

from contrib_pipeline.capture.verify import verify
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline_tests.capture.conftest import NAME, Bench


@pytest.fixture
def filled(bench: Bench, ana: Account, ben: Account) -> Bench:
    for number in range(1, 7):
        change = bench.world.add_pull_request(bench.repository, ana, f"Change {number}")
        bench.world.add_comment(change, ben, "Nice")
        bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    for title in ("How?", "Why?", "When?"):
        talk = bench.world.add_discussion(bench.repository, ana, title)
        bench.world.add_discussion_comment(talk, ben, "So")
    bench.capture("history")
    return bench


def number_of(bench: Bench, title: str) -> int:
    return next(d.number for d in bench.repository.discussions.values() if d.title == title)


def test_what_is_equal_is_complete_and_costs_a_request_for_each_list(filled: Bench) -> None:
    before = filled.requests
    found = verify(filled.captures, NAME)
    assert found.is_complete
    assert found.outcome.error is None
    assert filled.requests - before == 2
    assert {kind: (c.github_total, c.stored_total) for kind, c in found.compared.items()} == {
        "pull_requests": (6, 6),
        "discussions": (3, 3),
    }


def test_every_kind_of_difference_is_named_and_repaired(filled: Bench, ana: Account) -> None:
    filled.connection.execute("delete from github.pull_requests where number = 2")
    filled.connection.execute("update github.pull_requests set deleted_at = now() where number = 3")
    filled.connection.execute(
        "delete from github.comments where kind = 'issue'"
        " and pull_request_id = (select id from github.pull_requests where number = 4)"
    )
    filled.connection.execute(
        "update github.pull_requests set updated_at = '2020-01-01', title = 'Stale' where number = 5"
    )
    filled.world.delete(filled.repository.pull_requests[6])
    why, when = number_of(filled, "Why?"), number_of(filled, "When?")
    filled.connection.execute("delete from github.discussions where number = %s", (why,))
    filled.world.delete(filled.repository.discussions[when])

    found = verify(filled.captures, NAME)
    assert not found.is_complete
    pull_requests, discussions = found.compared["pull_requests"], found.compared["discussions"]
    assert (sorted(pull_requests.missing), pull_requests.surplus) == ([2, 3], [6])
    assert sorted(pull_requests.different) == [4, 5]
    assert (discussions.missing, discussions.surplus) == ([why], [when])
    assert filled.count("pull_requests") == 4, "nothing is repaired unasked"

    repaired = verify(filled.captures, NAME, mend=True)
    assert repaired.is_complete, repaired.outcome.error
    assert verify(filled.captures, NAME).is_complete
    assert filled.count("pull_requests") == 5
    assert filled.count("pull_requests", "title = 'Stale'") == 0
    assert filled.count("comments", "kind = 'issue' and deleted_at is null") == 5
    gone = filled.rows("select deleted_at is not null as gone from github.pull_requests where number = 6")
    assert gone == [{"gone": True}]


def test_a_repository_that_was_repaired_whole_is_no_longer_partial(bench: Bench, ana: Account) -> None:
    for number in range(120):
        bench.world.add_pull_request(bench.repository, ana, f"{number}")
    bench.capture()
    assert not bench.rows("select history_complete from github.repositories")[0]["history_complete"]
    assert verify(bench.captures, NAME, mend=True).is_complete
    assert bench.rows("select history_complete from github.repositories")[0]["history_complete"]


def test_what_hung_on_a_deleted_pull_request_is_deleted_with_it(filled: Bench) -> None:
    filled.world.delete(filled.repository.pull_requests[6])
    verify(filled.captures, NAME, mend=True)
    assert filled.count("reviews") == 5
    assert filled.count("comments") == 10


def test_the_repair_of_many_asks_for_many_at_once(bench: Bench, ana: Account) -> None:
    for number in range(60):
        bench.world.add_pull_request(bench.repository, ana, f"{number}")
    bench.capture("history")
    bench.connection.execute("delete from github.pull_requests where number <= 50")
    before = bench.requests
    assert verify(bench.captures, NAME, mend=True).is_complete
    assert bench.requests - before == 1 + 2 + 1  # the list, two times 25, the discussions
    assert bench.count("pull_requests") == 60


def test_the_numbers_that_github_told_are_kept_for_the_checks(filled: Bench) -> None:
    verify(filled.captures, NAME)
    assert filled.rows("select distinct reviews_total, comments_total from github.pull_requests") == [
        {"reviews_total": 1, "comments_total": 1}
    ]


def test_a_pull_request_opened_while_the_list_is_read_is_not_too_much(filled: Bench, ana: Account) -> None:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    filled.connection.execute(
        "insert into github.pull_requests"
        " (id, node_id, repository_id, number, title, state, draft, created_at, updated_at, url)"
        " select 1, 'PR', id, 99, 'Just opened', 'open', false, %s::timestamptz + interval '1 minute', %s, ''"
        " from github.repositories",
        (now, now),
    )
    assert verify(filled.captures, NAME).compared["pull_requests"].surplus == []


def test_a_repository_that_is_not_there_is_said(bench: Bench) -> None:
    found = verify(bench.captures, "octo/nothing")
    assert not found.is_complete
    assert found.outcome.is_hopeless
