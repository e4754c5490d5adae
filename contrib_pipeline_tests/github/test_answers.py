"""Shapes of answers that the sandbox does not give, from GitHub's documentation and public reports."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from requests.structures import CaseInsensitiveDict

from contrib_pipeline.github import answers
from contrib_pipeline.github.budget import Quota
from contrib_pipeline.github.errors import (
    Blocked,
    CannotContinue,
    Forbidden,
    GitHubError,
    InvalidQuery,
    Partial,
    RateLimited,
    SecondaryLimited,
    TooMuch,
    TryAgain,
)
from contrib_pipeline.github.transport import Reply

_WRONG = "Something went wrong while executing your query on 2026-06-01T12:00:00Z. Please include `C318` …"


def reply(status: int, body: Any, **headers: str) -> Reply:
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    spelled: CaseInsensitiveDict[str] = CaseInsensitiveDict({k.replace("_", "-"): v for k, v in headers.items()})
    return Reply(status, spelled, text, body if isinstance(body, dict) else None)


def error(data: Any = None, **problem: Any) -> dict[str, Any]:
    return {"data": data, "errors": [problem]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reply(403, {"message": "You have exceeded a secondary rate limit. Please wait"}), SecondaryLimited),
        (reply(429, {"message": "You have exceeded a secondary rate limit"}), SecondaryLimited),
        (reply(200, error(message="You have exceeded a secondary rate limit")), SecondaryLimited),
        (reply(200, {"message": "You have exceeded a secondary rate limit"}, retry_after="9"), SecondaryLimited),
        (reply(403, {"message": "You have triggered an abuse detection mechanism"}), SecondaryLimited),
        (reply(429, {"message": "Too many requests"}, retry_after="9"), SecondaryLimited),
        (reply(429, "<html>slow down</html>"), SecondaryLimited),
        (reply(403, {"message": "API rate limit exceeded for user ID 1."}), RateLimited),
        (reply(403, {"message": "Sorry"}, x_ratelimit_remaining="0", x_ratelimit_reset="1900000000"), RateLimited),
        (reply(200, error(type="RATE_LIMITED", message="…")), RateLimited),
        (reply(200, error(code="graphql_rate_limit", message="…")), RateLimited),
        (reply(403, {"message": "Resource not accessible by integration"}), Forbidden),
        (reply(403, {"message": "Repository access blocked"}), Blocked),
        (reply(200, error(type="FORBIDDEN", path=["node"], message="Repository access blocked")), Blocked),
        (reply(451, {"message": "Repository unavailable due to DMCA takedown."}), Blocked),
        (reply(200, error(message=_WRONG)), TooMuch),
        (reply(504, "We couldn't respond to your request in time."), TooMuch),
        (reply(503, "<html>Unicorn!</html>"), TryAgain),
        (reply(500, {"message": "Server Error"}), TryAgain),
        (reply(200, "<html>a proxy's page</html>"), TryAgain),
        (reply(200, {"data": None}), TryAgain),
        (reply(200, error({"node": {}}, message="Strange")), TryAgain),
        (reply(400, {"message": "Problems parsing JSON"}), CannotContinue),
        (reply(404, {"message": "Not Found"}), CannotContinue),
        (reply(405, ""), CannotContinue),
        (reply(429, "", retry_after="soon"), SecondaryLimited),
        (reply(200, {"errors": ["Query not understood"]}), InvalidQuery),
    ],
)
def test_a_shape_has_its_class(given: Reply, expected: type[GitHubError]) -> None:
    with pytest.raises(expected) as raised:
        answers.understand(given, "Probe")
    assert str(raised.value).startswith(("Probe: ", "GitHub "))


def test_an_object_that_vanished_below_the_one_asked_for_spoils_only_its_part() -> None:
    path = ["node", "pullRequests", "nodes", 3, "mergedBy"]
    data = {"node": {"pullRequests": {"nodes": []}}}
    with pytest.raises(Partial) as part:
        answers.understand(reply(200, error(data, type="NOT_FOUND", path=path, message="gone")), "PullRequests")
    assert part.value.paths == [path]


def test_one_of_a_list_of_ids_that_is_forbidden_is_a_part() -> None:
    with pytest.raises(Partial) as part:
        answers.understand(
            reply(200, error({"nodes": [None]}, type="FORBIDDEN", path=["nodes", 0], message="SAML")), "Repositories"
        )
    assert part.value.paths == [["nodes", 0]]


def test_a_limit_among_other_errors_decides() -> None:
    payload = {
        "data": {"nodes": [None]},
        "errors": [
            {"type": "NOT_FOUND", "path": ["nodes", 0], "message": "gone"},
            {"type": "RATE_LIMITED", "message": "spent"},
        ],
    }
    with pytest.raises(RateLimited):
        answers.understand(reply(200, payload), "Probe")


def test_a_pause_may_be_told_as_a_date() -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=7)
    with pytest.raises(SecondaryLimited) as wait:
        answers.understand(reply(403, {"message": "secondary rate limit"}, retry_after=format_datetime(at)), "Probe")
    assert wait.value.until == at


def test_the_last_request_of_the_hour_is_an_answer_although_nothing_remains() -> None:
    headers = {"x_ratelimit_remaining": "0", "x_ratelimit_limit": "5000", "x_ratelimit_reset": "1900000000"}
    last = reply(200, {"data": {"nodes": []}}, **headers)
    assert answers.understand(last, "Probe").data == {"nodes": []}
    left = answers.quota(last)
    assert left is not None
    assert left.remaining == 0


def test_a_401_says_nothing_of_what_is_left() -> None:
    headers = {"x_ratelimit_remaining": "0", "x_ratelimit_limit": "0", "x_ratelimit_reset": "1900000000"}
    assert answers.quota(reply(401, {"message": "Bad credentials"}, **headers)) is None


def test_a_server_without_limits_says_nothing_either() -> None:
    assert answers.quota(reply(200, {"data": {"rateLimit": None}})) is None
    assert answers.cost(reply(200, {"data": {"rateLimit": None}})) == 0


def test_without_headers_the_answer_itself_says_what_is_left() -> None:
    said = {"limit": 5000, "cost": 3, "remaining": 17, "resetAt": "2030-01-01T00:00:00Z"}
    left = answers.quota(reply(200, {"data": {"rateLimit": said}}, x_ratelimit_remaining="17"))
    assert left == Quota(5000, 17, datetime(2030, 1, 1, tzinfo=UTC))


def by_a_clock(hours: int, reset: timedelta) -> dict[str, str]:
    """Headers of a server whose clock is ``hours`` before ours, for an hour of points that ends in ``reset``."""
    theirs = datetime.now(UTC) + timedelta(hours=hours)
    left = {"x_ratelimit_limit": "5000", "x_ratelimit_remaining": "0"}
    return {"date": format_datetime(theirs), "x_ratelimit_reset": f"{(theirs + reset).timestamp():.0f}", **left}


@pytest.mark.parametrize("hours", [-5, 0, 5])
def test_what_is_left_and_when_it_is_renewed_is_told_by_our_clock(hours: int) -> None:
    given = reply(200, error(type="RATE_LIMITED", message="…"), **by_a_clock(hours, timedelta(minutes=20)))
    expected, tolerance = datetime.now(UTC) + timedelta(minutes=20), timedelta(seconds=5)
    left = answers.quota(given)
    assert left is not None
    assert abs(left.reset_at - expected) < tolerance
    with pytest.raises(RateLimited) as wait:
        answers.understand(given, "Probe")
    assert abs(wait.value.until - expected) < tolerance


def test_a_limit_whose_hour_is_over_is_waited_for_all_the_same() -> None:
    given = reply(200, error(type="RATE_LIMITED", message="…"), **by_a_clock(0, -timedelta(hours=1)))
    with pytest.raises(RateLimited) as wait:
        answers.understand(given, "Probe")
    assert wait.value.until > datetime.now(UTC) + timedelta(seconds=50)


@pytest.mark.parametrize("header", [{}, {"date": "yesterday"}])
def test_an_answer_without_a_usable_date_was_given_now(header: dict[str, str]) -> None:
    given = answers.read_at(reply(200, {"data": {}}, **header))
    assert abs(datetime.now(UTC) - given) < timedelta(minutes=1)
