"""Walks over a small GitHub: what is stored, what is asked for, what a second walk changes."""

from datetime import UTC, datetime

import pytest

from contrib_pipeline.capture.subjects import PULL_REQUESTS
from contrib_pipeline.capture.walks import NEWEST
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account, PullRequest
from contrib_pipeline_tests.capture.conftest import Bench


def add_many(bench: Bench, author: Account | None, count: int) -> list[PullRequest]:
    return [bench.world.add_pull_request(bench.repository, author, f"Change {number}") for number in range(count)]


def test_a_new_repository_is_recorded_tracked_and_classified(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 3)
    outcome = bench.capture()
    (row,) = bench.rows("select * from github.repositories")
    assert outcome.is_complete
    assert (row["name_with_owner"], row["is_tracked"], row["size"]) == ("octo/hello", True, "small")
    assert row["pull_requests_total"] == 3


def test_a_repository_in_another_case_is_stored_in_githubs_spelling(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 1)
    assert bench.capture(repository="OCTO/Hello").name == "octo/hello"
    assert bench.capture(repository="octo/HELLO").name == "octo/hello"
    assert bench.count("repositories") == 1


def test_everything_of_a_pull_request_is_stored(bench: Bench, ana: Account, ben: Account) -> None:
    world = bench.world
    change = world.add_pull_request(
        bench.repository,
        ana,
        "Add a door",
        "It opens.",
        labels=["feature", "b"],
        is_draft=True,
        additions=7,
        deletions=2,
    )
    world.mark_ready(change, at="2026-06-02T08:00:00Z")
    world.add_comment(change, ben, "Nice", at="2026-06-02T09:00:00Z")
    review = world.add_review(change, ben, "APPROVED", "Good", at="2026-06-02T10:00:00Z")
    world.add_review_comment(review, "Here", "door.py", at="2026-06-02T10:00:00Z")
    world.merge(change, ben, at="2026-06-02T11:00:00Z")

    bench.capture()

    (row,) = bench.rows("select * from github.pull_requests")
    people = {p["login"]: p["id"] for p in bench.rows("select * from github.contributors")}
    assert row["id"] == change.database_id
    assert (row["title"], row["body"], row["state"], row["draft"]) == ("Add a door", "It opens.", "merged", False)
    assert (row["author_id"], row["merged_by_id"]) == (people["ana"], people["ben"])
    assert row["ready_at"] == datetime(2026, 6, 2, 8, tzinfo=UTC)
    assert row["first_review_at"] == datetime(2026, 6, 2, 10, tzinfo=UTC)
    assert row["merged_at"] == row["closed_at"] == datetime(2026, 6, 2, 11, tzinfo=UTC)
    assert (row["additions"], row["deletions"], row["labels"]) == (7, 2, ["b", "feature"])
    (stored,) = bench.rows("select * from github.reviews")
    assert (stored["id"], stored["state"], stored["body"]) == (review.database_id, "APPROVED", "Good")
    comments = {c["kind"]: c for c in bench.rows("select * from github.comments")}
    assert (comments["issue"]["body"], comments["issue"]["author_id"]) == ("Nice", people["ben"])
    assert (comments["review"]["path"], comments["review"]["review_id"]) == ("door.py", review.database_id)


def test_a_ghost_is_a_null_author_and_a_bot_is_kept(bench: Bench, ana: Account) -> None:
    bot = bench.world.account("dependabot", "Bot")
    bench.world.add_pull_request(bench.repository, None, "By nobody")
    bench.world.add_pull_request(bench.repository, bot, "Bump")
    bench.capture()
    authors = bench.rows(
        "select title, login, kind, is_bot from github.pull_requests left join github.contributors c"
        " on c.id = author_id order by title"
    )
    assert [tuple(row.values()) for row in authors] == [
        ("Bump", "dependabot", "bot", True),
        ("By nobody", None, None, None),
    ]


def test_an_account_named_in_bot_logins_counts_as_a_bot(bench: Bench, ana: Account) -> None:
    bench.captures.bot_logins = ("rob*",)
    add_many(bench, bench.world.account("Robby"), 1)
    add_many(bench, ana, 1)
    bench.capture()
    assert {row["login"]: row["is_bot"] for row in bench.rows("select * from github.contributors")} == {
        "Robby": True,
        "ana": False,
    }


def test_a_pending_review_is_not_stored(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    bench.world.add_review(change, ben, "PENDING", "Not yet")
    bench.capture()
    assert bench.count("reviews") == 0


def test_a_new_repository_gets_its_newest_hundred_and_history_the_rest(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, NEWEST + 30)
    outcome = bench.capture()
    assert (outcome.github_total, outcome.stored_total) == (NEWEST + 30, NEWEST)
    assert bench.rows("select min(number) as n from github.pull_requests")[0]["n"] == 31
    assert not bench.rows("select history_complete from github.repositories")[0]["history_complete"]

    outcome = bench.capture("history")
    assert outcome.is_complete
    assert bench.count("pull_requests") == NEWEST + 30
    assert bench.rows("select history_complete from github.repositories")[0]["history_complete"]


def test_a_small_repository_is_complete_at_once(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 5)
    bench.capture()
    assert bench.rows("select history_complete from github.repositories")[0]["history_complete"]


def test_an_empty_repository_is_complete(bench: Bench) -> None:
    outcome = bench.capture("history")
    assert (outcome.is_complete, outcome.github_total, outcome.stored_total) == (True, 0, 0)


@pytest.mark.parametrize("depth", ["changed", "history"])
def test_a_second_capture_changes_no_row(bench: Bench, ana: Account, ben: Account, depth: str) -> None:
    add_many(bench, ana, 60)
    change = bench.repository.pull_requests[7]
    review = bench.world.add_review(change, ben, "COMMENTED")
    bench.world.add_review_comment(review, "Here")
    assert bench.capture(depth).counts.changed > 0
    assert bench.capture(depth).counts.changed == 0


def test_after_the_first_capture_only_what_changed_is_read(bench: Bench, ana: Account, ben: Account) -> None:
    for hour in range(60):
        at = f"2026-05-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"
        bench.world.add_pull_request(bench.repository, ana, f"Change {hour}", at=at)
    bench.capture()
    bench.world.add_comment(bench.repository.pull_requests[3], ben, "Late", at=now())
    before = bench.requests
    outcome = bench.capture()
    assert outcome.counts.captured("github.pull_requests") == 2  # and the one that was updated last before
    assert bench.count("comments") == 1
    assert bench.requests - before == 2  # a page of pull requests, a page of discussions


def test_a_merge_of_an_old_pull_request_is_not_missed(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, NEWEST + 10)
    bench.capture("history")
    bench.world.merge(bench.repository.pull_requests[1], ana, at=now())
    bench.capture()
    assert bench.rows("select state from github.pull_requests where number = 1")[0]["state"] == "merged"


def test_a_long_timeline_and_a_long_review_are_read_to_their_end(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Long")
    for number in range(230):
        bench.world.add_comment(change, ben, f"{number}")
    review = bench.world.add_review(change, ben, "COMMENTED")
    for number in range(215):
        bench.world.add_review_comment(review, f"{number}")
    bench.capture()
    kinds = bench.rows("select kind, count(*) as n from github.comments group by kind order by kind")
    assert [(row["kind"], row["n"]) for row in kinds] == [("issue", 230), ("review", 215)]
    assert bench.count("reviews") == 1


def test_what_vanished_from_a_pull_request_is_marked_deleted(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    comment = bench.world.add_comment(change, ben, "Regretted")
    review = bench.world.add_review(change, ben, "COMMENTED")
    inline = bench.world.add_review_comment(review, "Also regretted")
    bench.world.add_comment(change, ben, "Kept")
    bench.capture()
    bench.world.delete(comment)
    bench.world.delete(inline)
    bench.capture(numbers=(change.number,))
    assert bench.count("comments") == 1
    assert bench.count("comments", "deleted_at is not null") == 2
    assert bench.count("reviews") == 1


def test_a_comment_that_comes_back_is_no_longer_deleted(bench: Bench, ana: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    bench.world.add_comment(change, ana, "Here")
    bench.capture()
    bench.connection.execute("update github.comments set deleted_at = now()")
    bench.capture(numbers=(change.number,))
    assert bench.count("comments") == 1


def test_a_single_pull_request_that_is_gone_is_marked_deleted_and_said(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 2)
    bench.capture()
    bench.world.delete(bench.repository.pull_requests[2])
    outcome = bench.capture(numbers=(1, 2))
    assert not outcome.is_complete
    assert outcome.error == "octo/hello has no pull request 2."
    assert bench.count("pull_requests") == 1


@pytest.mark.parametrize("depth", ["newest", "history"])
@pytest.mark.parametrize("count", [0, 3])
def test_a_github_whose_dates_lag_behind_the_clock_is_followed_too(
    bench: Bench, ana: Account, depth: str, count: int
) -> None:
    # A mirror or a replay: what is new there is older than the last capture.
    add_many(bench, ana, count)
    bench.capture(depth)
    (late,) = add_many(bench, ana, 1)
    bench.world.add_comment(late, ana, "Here", at="2026-06-02T00:00:00Z")
    assert bench.capture().is_complete
    assert bench.count("pull_requests") == count + 1
    assert bench.count("comments") == 1


def test_a_history_of_a_quiet_repository_needs_no_second_look(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 3)
    before = bench.requests
    bench.capture("history", subjects=("pull_requests",))
    assert bench.requests - before == 2  # the repository, and its one page


def test_many_chosen_numbers_are_asked_for_ten_a_request(bench: Bench, ana: Account, ben: Account) -> None:
    for change in add_many(bench, ana, 23):
        bench.world.add_comment(change, ben, "Nice")
    bench.capture()
    for change in bench.repository.pull_requests.values():
        bench.world.add_comment(change, ben, "More")
    before = bench.requests
    outcome = bench.capture(numbers=tuple(range(1, 22)))
    assert outcome.is_complete
    assert bench.requests - before == 3
    assert bench.count("comments", "body = 'More'") == 21


def test_chosen_discussions_come_together_too(bench: Bench, ana: Account, ben: Account) -> None:
    talks = [bench.world.add_discussion(bench.repository, ana, title) for title in ("One", "Two", "Three")]
    bench.capture()
    for talk in talks[:2]:
        bench.world.add_discussion_comment(talk, ben, "Like this")
    outcome = bench.capture(numbers=tuple(talk.number for talk in talks), subjects=("discussions",))
    assert outcome.is_complete
    assert bench.count("discussion_comments") == 2


def test_a_wrong_number_among_others_takes_nothing_from_them(bench: Bench, ana: Account, ben: Account) -> None:
    changes = add_many(bench, ana, 3)
    bench.capture()
    bench.world.add_comment(changes[0], ben, "Nice")
    outcome = bench.capture(numbers=(changes[0].number, 4711, changes[1].number))
    assert outcome.error == "octo/hello has no pull request 4711."
    assert bench.count("comments") == 1
    assert bench.count("pull_requests") == 3


def test_an_older_reading_never_overwrites_a_newer(bench: Bench, ana: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Old title")
    bench.capture()
    bench.connection.execute("update github.pull_requests set title = 'Newer', updated_at = now()")
    assert bench.capture(numbers=(change.number,)).counts.changed == 0
    assert bench.rows("select title from github.pull_requests")[0]["title"] == "Newer"


def test_a_history_walk_goes_on_where_it_was_stopped(
    bench: Bench, ana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PULL_REQUESTS, "largest_page", 10)
    add_many(bench, ana, 200)
    bench.capture()
    bench.app.state.faults.add(faults.bad_credentials(), operation="PullRequests", after=15)
    with pytest.raises(Exception, match="credential"):
        bench.capture("history")
    before = bench.count("pull_requests")
    assert 100 <= before < 200
    told: list[tuple[int, int]] = []
    bench.captures.on_page = lambda _, __, read, total: told.append((read, total))
    outcome = bench.capture("history", subjects=("pull_requests",))
    assert outcome.counts.captured("github.pull_requests") < 200
    assert bench.count("pull_requests") == 200
    assert bench.rows("select cursor from github.capture_state where kind = 'pull_requests_history'") == [
        {"cursor": None}
    ]
    assert told[0][0] < 100, "what this walk read"
    assert told[-1] == (200, 200), "with what the earlier one read it is everything"


def test_a_page_that_is_too_heavy_is_halved_and_the_size_is_remembered(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 120)
    bench.app.state.faults.add(faults.bad_gateway_html(), times=2, operation="PullRequests")
    outcome = bench.capture("history")
    assert outcome.is_complete
    assert bench.count("pull_requests") == 120
    (state,) = bench.rows("select page_size from github.capture_state where kind = 'pull_requests_history'")
    assert state["page_size"] <= 50


@pytest.mark.parametrize(
    "fault",
    [
        faults.bad_gateway_json(),
        faults.something_went_wrong(),
        faults.resource_limits(("node", "pullRequests", "nodes", 1)),
        faults.truncated(),
        faults.connection_reset(),
    ],
    ids=["502 in JSON", "200 with an error", "resource limits", "truncated", "reset"],
)
def test_a_fault_of_the_moment_loses_nothing(bench: Bench, ana: Account, ben: Account, fault: faults.Fault) -> None:
    add_many(bench, ana, 30)
    bench.app.state.faults.add(fault, operation="PullRequests")
    outcome = bench.capture()
    assert outcome.is_complete
    assert bench.count("pull_requests") == 30


def test_discussions_come_with_comments_replies_and_the_answer(bench: Bench, ana: Account, ben: Account) -> None:
    talk = bench.world.add_discussion(bench.repository, ana, "How?", "Tell me", category="Q&A")
    answer = bench.world.add_discussion_comment(talk, ben, "So")
    bench.world.add_discussion_comment(talk, ana, "Thanks", reply_to=answer)
    bench.world.choose_answer(answer, ana)
    bench.capture(subjects=("discussions",))
    (row,) = bench.rows("select * from github.discussions")
    assert (row["title"], row["is_answered"], row["answer_id"]) == ("How?", True, answer.database_id)
    comments = bench.rows("select body, parent_id, is_answer from github.discussion_comments order by id")
    assert [tuple(c.values()) for c in comments] == [("So", None, True), ("Thanks", answer.database_id, False)]


def test_the_ledger_says_what_a_capture_cost_and_proved(bench: Bench, ana: Account) -> None:
    add_many(bench, ana, 12)
    outcome = bench.capture("history", subjects=("pull_requests",))
    (entry,) = bench.rows("select * from github.captures")
    assert entry["kind"] == "history"
    assert entry["is_complete"]
    assert (entry["github_total"], entry["stored_total"]) == (12, 12)
    assert entry["run_id"] == "a-run"
    # finding the repository by its name is not part of the walk
    assert (entry["requests"], entry["points"]) == (outcome.spent.requests - 1, outcome.spent.points - 1)
    assert entry["rows_changed"] == outcome.counts.changed - 1  # nor is the repository's own row
    assert bench.app.state.served.points == outcome.spent.points


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_what_github_updated_since_is_stored_although_its_clock_was_put_back(bench: Bench, ana: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    bench.capture()
    bench.connection.execute("update github.pull_requests set read_at = now() + interval '3 hours'")
    bench.world.edit(change, title="Edited", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    assert bench.capture().is_complete
    assert bench.rows("select title from github.pull_requests") == [{"title": "Edited"}]
