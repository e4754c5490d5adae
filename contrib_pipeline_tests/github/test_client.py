"""Every way in which GitHub refuses has its error and its rule: wait, shrink, skip, try again, or fail."""

from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.github import transport
from contrib_pipeline.github.client import RETRIES
from contrib_pipeline.github.errors import (
    BadCredentials,
    BadCursor,
    CannotContinue,
    Forbidden,
    GitHubError,
    InvalidQuery,
    NotFound,
    Partial,
    TooMuch,
    TryAgain,
)
from contrib_pipeline.sandbox import faults
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.github.conftest import SECRET, GitHub

LONG = 3600


def test_an_answer_is_whole_and_says_when_it_was_given(github: GitHub) -> None:
    answer = github.page()
    assert len(answer.data["node"]["pullRequests"]["nodes"]) == 5
    assert abs(answer.read_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (github.client.spent.requests, github.client.spent.points) == (1, 1)


@pytest.mark.parametrize(
    "fault",
    [
        faults.rate_limited(LONG),
        faults.rate_limit(LONG),
        faults.secondary_limit(retry_after=LONG),
    ],
    ids=["RATE_LIMITED", "RATE_LIMIT", "secondary"],
)
def test_a_long_wait_that_github_asks_for_is_not_sat_out(
    github: GitHub, connection: Connection, fault: faults.Fault
) -> None:
    github.spoil(fault)
    with pytest.raises(BudgetWait) as wait:
        github.page()
    assert wait.value.until > datetime.now(UTC) + timedelta(seconds=LONG - 60)
    assert github.requests == 1
    paused = connection.execute("select paused_until from github.budgets").fetchone()
    assert paused is not None
    assert paused["paused_until"] == wait.value.until


@pytest.mark.parametrize(
    "fault", [faults.secondary_limit(retry_after=1), faults.rate_limited(0)], ids=["after", "reset"]
)
def test_a_short_wait_is_sat_out(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault)
    assert github.page().data
    assert github.requests == 2


def test_a_secondary_limit_that_says_nothing_means_a_minute(github: GitHub, connection: Connection) -> None:
    github.spoil(faults.secondary_limit(retry_after=None))
    connection.execute("update github.budgets set paused_until = null")
    with pytest.raises(BudgetWait) as wait:
        # the budget waits for a minute at most, and this is one and the time that the answer took
        github.client.budget._limits = type(github.client.budget._limits)(longest_wait=timedelta(seconds=30))  # type: ignore[attr-defined]
        github.page()
    assert timedelta(seconds=50) < wait.value.until - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_bad_token_is_told_apart_from_a_spent_limit_and_not_tried_again(github: GitHub) -> None:
    github.spoil(faults.bad_credentials())
    with pytest.raises(BadCredentials, match="GITHUB_TOKEN") as refused:
        github.page()
    assert isinstance(refused.value, CannotContinue)
    assert github.requests == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.bad_gateway_html(502),
        faults.bad_gateway_html(504),
        faults.bad_gateway_json(502),
        faults.something_went_wrong(),
        faults.resource_limits(),
        faults.resource_limits(("node", "pullRequests", "nodes", 2)),
    ],
    ids=["502 HTML", "504 HTML", "502 JSON", "200 with an error", "resource limits", "resource limits at a node"],
)
def test_what_is_too_heavy_is_to_be_asked_for_in_smaller_pieces(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault)
    with pytest.raises(TooMuch):
        github.page()
    assert github.requests == 1


@pytest.mark.parametrize("fault", [faults.bad_gateway_html(502), faults.resource_limits()], ids=["502", "limits"])
def test_what_cannot_be_asked_for_in_smaller_pieces_is_tried_again(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault)
    assert github.client.execute("Repository", owner="octo", name="hello").data["repository"]
    assert github.requests == 2


def test_a_query_of_too_many_nodes_is_too_heavy(github: GitHub) -> None:
    from contrib_pipeline.github import answers
    from contrib_pipeline.github.transport import Reply

    body = {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "This query requests up to 603,360 …"}]}
    with pytest.raises(TooMuch):
        answers.understand(Reply(200, {}, "", body), "PullRequests")  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", [faults.truncated(), faults.connection_reset()], ids=["truncated", "reset"])
def test_a_fault_of_the_moment_is_tried_again(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault, times=RETRIES)
    assert github.page().data
    assert github.requests == RETRIES + 1


@pytest.mark.parametrize("fault", [faults.truncated(), faults.connection_reset()], ids=["truncated", "reset"])
def test_a_fault_that_does_not_pass_ends_as_one(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault, times=RETRIES + 1)
    with pytest.raises(TryAgain):
        github.page()
    assert github.requests == RETRIES + 1


def test_an_answer_that_does_not_come_is_not_waited_for(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github.client._transport, "default_timeout", (5, 0.2))
    github.spoil(faults.hang(5.0))
    assert github.page().data
    assert github.requests == 2


def test_nobody_there_is_said_in_a_line(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github.client._transport, "url", "http://127.0.0.1:9/graphql")
    with pytest.raises(TryAgain, match=r"no answer from \S+: \[Errno \d+\] Connection refused$"):
        github.page()


def test_requests_always_have_a_timeout(github: GitHub) -> None:
    assert github.client._transport.default_timeout == transport.CONNECT_AND_READ_SECONDS


def test_a_repository_that_is_not_there_is_not_found(github: GitHub) -> None:
    with pytest.raises(NotFound, match="Could not resolve to a Repository"):
        github.client.execute("Repository", owner="octo", name="nothing")
    github.world.delete_repository(github.repository)
    with pytest.raises(NotFound):
        github.page()


def test_objects_by_id_that_are_not_there_are_null_and_the_others_whole(github: GitHub) -> None:
    answer = github.client.execute("Repositories", ids=[github.repository.id, "R_gone"])
    assert [bool(node) for node in answer.data["nodes"]] == [True, False]


@pytest.mark.parametrize("fault", [faults.saml(), faults.forbidden()], ids=["SAML", "integration"])
def test_what_is_forbidden_is_a_missing_permission(github: GitHub, fault: faults.Fault) -> None:
    github.spoil(fault)
    with pytest.raises(Forbidden):
        github.page()
    assert github.requests == 1


@pytest.mark.parametrize("fault", [faults.saml, faults.forbidden])
def test_a_part_that_is_forbidden_is_named_and_the_rest_handed_on(github: GitHub, fault: type[faults.Fault]) -> None:
    path = ("node", "pullRequests", "nodes", 2, "author")
    github.spoil(fault(path))  # type: ignore[call-arg, arg-type]
    with pytest.raises(Partial) as part:
        github.page()
    assert [tuple(p) for p in part.value.paths] == [path]
    assert part.value.data["node"]["pullRequests"]["nodes"][1]["author"]["login"] == "ana"
    assert github.client.spent.points == 1


def test_a_query_that_github_does_not_take_fails_at_once(github: GitHub) -> None:
    with pytest.raises(InvalidQuery, match="refused the query"):
        github.client.execute("PullRequests", id=github.repository.id, first=10, items=100, field="STARS")
    assert github.requests == 1


def test_a_cursor_that_github_does_not_take_is_told_apart(github: GitHub) -> None:
    with pytest.raises(BadCursor):
        github.client.execute(
            "PullRequests", id=github.repository.id, first=10, items=100, after="nonsense", field="CREATED_AT"
        )


def test_all_points_spent_by_others_is_a_wait(github: GitHub) -> None:
    github.app.state.quota.charge(SECRET, 5000)
    with pytest.raises(BudgetWait):
        github.page()


@pytest.mark.parametrize(
    "fault",
    [
        faults.bad_credentials(),
        faults.forbidden(),
        faults.bad_gateway_html(),
        faults.secondary_limit(3600),
        faults.rate_limited(),
    ],
)
def test_no_error_tells_the_token(github: GitHub, fault: faults.Fault, capfd: pytest.CaptureFixture[str]) -> None:
    github.spoil(fault)
    with pytest.raises((GitHubError, BudgetWait)) as refused:
        github.page()
    chain: list[BaseException | None] = [refused.value, refused.value.__cause__, refused.value.__context__]
    said = " ".join(f"{error!s} {error!r}" for error in chain) + repr(github.client) + repr(github.client._transport)
    out, err = capfd.readouterr()
    assert SECRET not in said + out + err


def test_a_netrc_does_not_replace_the_token(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    github.page()
    assert github.app.state.quota.state(SECRET).used == 1
