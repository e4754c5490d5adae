"""Each fault in each kind of capture: the right rows in the end, or the right state with its reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from contrib_pipeline.capture.outcome import Outcome
from contrib_pipeline.capture.subjects import PULL_REQUESTS
from contrib_pipeline.github.errors import CannotContinue
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline_tests.capture.conftest import Bench

KINDS: dict[str, dict[str, Any]] = {
    "newest": {"depth": "newest"},
    "changed": {"depth": "changed"},
    "recent": {"depth": "recent"},
    "history": {"depth": "history"},
    "verify": {"depth": "verify"},
    "one": {"numbers": (1,), "subjects": ("pull_requests",)},
    "some": {"numbers": (1, 2, 3), "subjects": ("pull_requests",)},
    "discussions": {"depth": "changed", "subjects": ("discussions",)},
    "metadata": {"subjects": ()},
}
OPERATIONS = {
    "one": "PullRequest",
    "some": "PullRequestsByNumber",
    "discussions": "Discussions",
    "metadata": "Repositories",
    "verify": "PullRequestHeads",
}
PASSING: dict[str, Callable[[], faults.Fault]] = {
    "502 HTML": faults.bad_gateway_html,
    "504 HTML": lambda: faults.bad_gateway_html(504),
    "502 JSON": faults.bad_gateway_json,
    "200 with an error": faults.something_went_wrong,
    "resource limits": faults.resource_limits,
    "truncated": faults.truncated,
    "reset": faults.connection_reset,
    "short secondary": lambda: faults.secondary_limit(1),
}
WAITING: dict[str, Callable[[], faults.Fault]] = {
    "RATE_LIMITED": faults.rate_limited,
    "RATE_LIMIT": faults.rate_limit,
    "secondary": lambda: faults.secondary_limit(3600),
}


@pytest.fixture
def filled(bench: Bench, ana: Account, ben: Account) -> Bench:
    """Pull requests with children and discussions, captured once; then something more happens to each."""
    for number in range(1, 6):
        change = bench.world.add_pull_request(bench.repository, ana, f"Change {number}")
        bench.world.add_comment(change, ben, "Nice")
        bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    talk = bench.world.add_discussion(bench.repository, ana, "How?")
    bench.world.add_discussion_comment(
        talk, ben, "So", reply_to=bench.world.add_discussion_comment(talk, ben, "Like this")
    )
    bench.capture("history")
    for change in list(bench.repository.pull_requests.values()):
        bench.world.add_comment(change, ana, "Late", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    bench.world.edit(talk, title="How, then?", at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return bench


def spoil(bench: Bench, kind: str, fault: faults.Fault, times: int = 1) -> Outcome:
    bench.app.state.faults.add(fault, times=times, operation=OPERATIONS.get(kind, "PullRequests"))
    return bench.capture(**KINDS[kind])


def last_entry(bench: Bench) -> dict[str, Any]:
    return bench.rows("select * from github.captures order by id desc limit 1")[0]


def is_up_to_date(bench: Bench, kind: str) -> bool:
    if kind == "discussions":
        return bench.rows("select title from github.discussions") == [{"title": "How, then?"}]
    if kind in ("metadata", "verify"):
        return True
    want = {"one": 1, "some": 3}.get(kind, 5)
    return bench.count("comments", "body = 'Late'") == want


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_leaves_a_complete_capture(filled: Bench, kind: str, fault: str) -> None:
    outcome = spoil(filled, kind, PASSING[fault]())
    assert (outcome.error, outcome.is_complete, outcome.is_hopeless) == (None, True, False)
    assert is_up_to_date(filled, kind)
    assert filled.count("reviews") == 5
    assert filled.count("discussion_comments") == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", WAITING)
def test_a_long_wait_defers_the_capture_and_changes_nothing(filled: Bench, kind: str, fault: str) -> None:
    before = filled.rows("select * from github.capture_state order by kind")
    outcome = spoil(filled, kind, WAITING[fault]())
    assert outcome.deferred_until is not None
    assert outcome.deferred_until > datetime.now(UTC) + timedelta(minutes=50)
    assert (outcome.is_complete, outcome.is_hopeless) == (False, False)
    assert filled.rows("select * from github.capture_state order by kind") == before
    assert filled.count("comments", "body = 'Late'") == 0
    if kind != "metadata":
        entry = last_entry(filled)
        assert (entry["is_complete"], entry["error"][:9]) == (False, "Deferred:")


@pytest.mark.parametrize("kind", KINDS)
def test_bad_credentials_stop_everything(filled: Bench, kind: str) -> None:
    with pytest.raises(CannotContinue):
        spoil(filled, kind, faults.bad_credentials())
    assert not last_entry(filled)["is_complete"] or kind == "metadata"


@pytest.mark.parametrize("kind", ["newest", "changed", "history", "verify", "one", "discussions"])
@pytest.mark.parametrize("fault", [faults.saml, faults.forbidden])
def test_a_permission_that_is_missing_is_said_and_does_not_end_the_repository(
    filled: Bench, kind: str, fault: Callable[[], faults.Fault]
) -> None:
    outcome = spoil(filled, kind, fault(), times=9)
    assert outcome.is_hopeless
    assert outcome.error
    assert "refuses" in outcome.error
    assert filled.rows("select terminal_reason, deleted_at from github.repositories") == [
        {"terminal_reason": None, "deleted_at": None}
    ]


def test_discussions_that_are_forbidden_do_not_hold_up_pull_requests(filled: Bench) -> None:
    filled.app.state.faults.add(faults.forbidden(("node", "discussions")), operation="Discussions", times=9)
    outcome = filled.capture()
    assert outcome.is_hopeless
    assert filled.count("comments", "body = 'Late'") == 5


@pytest.mark.parametrize(("fault", "reason"), [(faults.forbidden, "private"), (faults.saml, "private")])
def test_a_repository_that_is_refused_as_a_whole_is_ended(
    filled: Bench, fault: Callable[..., faults.Fault], reason: str
) -> None:
    filled.app.state.faults.add(fault(), operation="PullRequests", times=9)
    filled.app.state.faults.add(fault(), operation="Discussions", times=9)
    filled.app.state.faults.add(fault(("nodes", 0)), operation="Repositories", times=9)
    outcome = filled.capture()
    assert outcome.is_hopeless
    assert filled.rows("select terminal_reason from github.repositories") == [{"terminal_reason": reason}]


# One object of many


def test_a_pull_request_that_is_withheld_in_part_is_read_again_alone(filled: Bench) -> None:
    filled.app.state.faults.add(
        faults.forbidden(("node", "pullRequests", "nodes", 1, "author")), operation="PullRequests"
    )
    outcome = filled.capture()
    assert outcome.is_complete
    assert filled.count("comments", "body = 'Late'") == 5
    assert filled.count("pull_requests", "author_id is null") == 0


def test_a_pull_request_that_stays_withheld_is_named_and_the_others_are_stored(filled: Bench) -> None:
    filled.app.state.faults.add(
        faults.forbidden(("node", "pullRequests", "nodes", 1, "author")), operation="PullRequests"
    )
    filled.app.state.faults.add(faults.forbidden(("node", "one", "author")), operation="PullRequest", times=9)
    outcome = filled.capture()
    assert not outcome.is_complete
    assert outcome.error
    assert outcome.error.startswith("octo/hello, pull request ")
    assert filled.count("comments", "body = 'Late'") == 4
    assert filled.count("pull_requests") == 5, "what could not be read is not taken for deleted"
    assert last_entry(filled)["kind"] in ("changed", "discussions")


def test_an_object_of_which_nothing_is_shown_is_said(filled: Bench) -> None:
    filled.app.state.faults.add(faults.forbidden(("node", "pullRequests", "nodes", 1)), operation="PullRequests")
    outcome = filled.capture(subjects=("pull_requests",))
    assert outcome.error
    assert "withholds" in outcome.error
    assert filled.count("comments", "body = 'Late'") == 4


def test_a_pull_request_that_vanishes_while_its_page_is_read_spoils_nothing(
    bench: Bench, ana: Account, ben: Account
) -> None:
    long = bench.world.add_pull_request(bench.repository, ana, "Long")
    for number in range(130):
        bench.world.add_comment(long, ben, f"{number}")
    bench.world.add_pull_request(bench.repository, ana, "Short")
    bench.app.state.faults.add(_meanwhile(lambda: bench.world.delete(long)), operation="PullRequests")
    outcome = bench.capture(subjects=("pull_requests",))
    assert outcome.is_complete, outcome.error
    assert bench.rows("select title from github.pull_requests") == [{"title": "Short"}]
    assert bench.rows("select terminal_reason from github.repositories") == [{"terminal_reason": None}]


def test_a_review_that_vanishes_while_its_page_is_read_spoils_nothing(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "One")
    kept = bench.world.add_review(change, ben, "COMMENTED")
    bench.world.add_review_comment(kept, "Kept")
    gone = bench.world.add_review(change, ben, "COMMENTED")
    bench.world.add_review_comment(gone, "Gone")
    bench.app.state.faults.add(_meanwhile(lambda: bench.world.delete(gone)), operation="PullRequests")
    assert bench.capture(subjects=("pull_requests",)).is_complete
    assert bench.rows("select body from github.comments where deleted_at is null") == [{"body": "Kept"}]


def test_children_under_an_error_are_not_taken_for_deleted(filled: Bench) -> None:
    filled.app.state.faults.add(faults.forbidden(("nodes", 0)), operation="ReviewComments")
    outcome = filled.capture(subjects=("pull_requests",))
    assert outcome.is_complete, "read again alone"
    assert filled.count("comments", "kind = 'review' and deleted_at is null") == 5
    assert filled.count("comments", "kind = 'review' and deleted_at is not null") == 0


def test_children_that_stay_under_an_error_are_said_and_kept(filled: Bench) -> None:
    filled.app.state.faults.add(faults.forbidden(("nodes", 0)), operation="ReviewComments", times=9)
    outcome = filled.capture(subjects=("pull_requests",))
    assert outcome.error
    assert filled.count("comments", "kind = 'review' and deleted_at is null") == 5


def test_a_timeline_that_is_too_heavy_is_read_in_smaller_pages(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Long")
    for number in range(250):
        bench.world.add_comment(change, ben, f"{number}")
    bench.app.state.faults.add(faults.bad_gateway_html(), operation="TimelineItems", times=3)
    assert bench.capture().is_complete
    assert bench.count("comments") == 250


def test_a_timeline_that_is_always_too_heavy_holds_up_no_other_pull_request(
    bench: Bench, ana: Account, ben: Account
) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Long")
    for number in range(101):
        bench.world.add_comment(change, ben, f"{number}")
    bench.world.add_pull_request(bench.repository, ana, "Short")
    bench.app.state.faults.add(faults.bad_gateway_html(), operation="TimelineItems", times=99)
    outcome = bench.capture(subjects=("pull_requests",))
    assert outcome.error
    assert "pull request 1" in outcome.error
    assert not outcome.is_hopeless
    assert bench.rows("select title from github.pull_requests") == [{"title": "Short"}]
    bench.app.state.faults.clear()
    assert bench.capture(numbers=(1,), subjects=("pull_requests",)).is_complete
    assert bench.count("comments") == 101


def test_inline_comments_that_are_too_heavy_are_asked_for_in_halves(bench: Bench, ana: Account, ben: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Long")
    for _ in range(60):
        bench.world.add_review_comment(bench.world.add_review(change, ben, "COMMENTED"), "Here")
    bench.app.state.faults.add(faults.resource_limits(), operation="ReviewComments", times=2)
    assert bench.capture(subjects=("pull_requests",)).is_complete
    assert bench.count("comments") == 60


def test_a_single_pull_request_that_is_too_heavy_is_asked_for_with_fewer_children(
    bench: Bench, ana: Account, ben: Account
) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Long")
    for number in range(30):
        bench.world.add_comment(change, ben, f"{number}")
    bench.app.state.faults.add(faults.bad_gateway_html(), operation="PullRequests", times=6)
    assert bench.capture(subjects=("pull_requests",)).is_complete
    assert bench.count("comments") == 30


def test_a_page_size_shrinks_is_remembered_and_grows_back(
    bench: Bench, ana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PULL_REQUESTS, "largest_page", 16)
    for number in range(160):
        bench.world.add_pull_request(bench.repository, ana, f"{number}")
    bench.app.state.faults.add(faults.bad_gateway_html(), operation="PullRequests", times=2)
    bench.app.state.faults.add(faults.bad_credentials(), operation="PullRequests", after=6)
    with pytest.raises(CannotContinue):
        bench.capture("history")
    (state,) = bench.rows("select page_size from github.capture_state where kind = 'pull_requests_history'")
    assert state["page_size"] == 4
    bench.capture("history")
    (state,) = bench.rows("select page_size from github.capture_state where kind = 'pull_requests_history'")
    assert state["page_size"] > 4
    assert bench.count("pull_requests") == 160


def test_a_cursor_that_github_no_longer_takes_begins_the_history_anew(bench: Bench, ana: Account) -> None:
    for number in range(150):
        bench.world.add_pull_request(bench.repository, ana, f"{number}")
    bench.capture()
    bench.connection.execute(
        "insert into github.capture_state (repository_id, kind, cursor) values (%s, 'pull_requests_history', 'stale')",
        (bench.repository.database_id,),
    )
    assert bench.capture("history").is_complete
    assert bench.count("pull_requests") == 150


def test_odd_text_is_stored_clean(bench: Bench, ana: Account) -> None:
    change = bench.world.add_pull_request(bench.repository, ana, "Nul", "käse \U0001f9c0")

    def with_odd_text(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        right.body = bytes(right.body).replace("käse".encode(), rb"k\u0000a \ud83d se")
        right.headers["content-length"] = str(len(right.body))
        return right

    async def spoil_text(exchange: faults.Exchange) -> Any:
        return with_odd_text(exchange)

    bench.app.state.faults.add(spoil_text, operation="PullRequests")
    assert bench.capture(subjects=("pull_requests",)).is_complete
    (row,) = bench.rows("select id, body from github.pull_requests")
    assert row == {"id": change.database_id, "body": "ka \ufffd se \U0001f9c0"}


def _meanwhile(change: Callable[[], None]) -> faults.Fault:
    """The right answer, and something happens on GitHub just after it was given."""

    async def answer_then_change(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        change()
        return right

    return answer_then_change


def too_heavy(*numbers: int) -> faults.Fault:
    """A timeout for every page with one of these pull requests."""

    async def answer(exchange: faults.Exchange) -> Any:
        right = exchange.answer()
        node = orjson.loads(right.body)["data"]["node"]
        listed = [node["one"]] if "one" in node else node["pullRequests"]["nodes"]
        is_heavy = any(change["number"] in numbers for change in listed)
        return await faults.bad_gateway_html()(exchange) if is_heavy else right

    return answer


@pytest.mark.parametrize("depth", ["newest", "changed", "history"])
@pytest.mark.parametrize("alone", [True, False])
def test_one_that_is_too_heavy_for_any_page_holds_up_no_other(filled: Bench, depth: str, alone: bool) -> None:
    filled.app.state.faults.add(too_heavy(3), operation="PullRequests", times=10**6)
    if alone:
        filled.app.state.faults.add(too_heavy(3), operation="PullRequest", times=10**6)
    outcome = filled.capture(depth, subjects=("pull_requests",))
    assert outcome.is_complete is not alone
    assert filled.count("comments", "body = 'Late'") == (4 if alone else 5)
    if alone:
        assert outcome.error == "octo/hello, pull request 3: PullRequest: GitHub timed out (502)."
        filled.app.state.faults.clear()
        assert filled.capture("recent", subjects=("pull_requests",)).is_complete
        assert filled.count("comments", "body = 'Late'") == 5


def test_where_every_page_is_too_heavy_the_walk_gives_up(filled: Bench) -> None:
    filled.app.state.faults.add(too_heavy(*range(1, 6)), operation="PullRequests", times=10**6)
    before = filled.requests
    outcome = filled.capture("history", subjects=("pull_requests",))
    assert outcome.error == "PullRequests: GitHub timed out (502)."
    assert filled.requests - before < 40
