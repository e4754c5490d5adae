"""What a reply means: data that may be used whole, or one typed error.

Partial data is never handed on as whole: it travels in :class:`Partial` with the paths that can't be trusted. The only
error that leaves an answer whole is NOT_FOUND for one of several objects, each of which stands for itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from contrib_pipeline.github.budget import Quota
from contrib_pipeline.github.errors import (
    BadCredentials,
    BadCursor,
    Blocked,
    CannotContinue,
    Forbidden,
    GitHubError,
    InvalidQuery,
    MustWait,
    NotFound,
    NotVisible,
    Partial,
    RateLimited,
    SecondaryLimited,
    TooMuch,
    TryAgain,
)
from contrib_pipeline.github.transport import Reply

_SECONDARY = re.compile(r"secondary rate|abuse detection", re.IGNORECASE)
_PRIMARY = re.compile(r"API rate limit (already )?exceeded", re.IGNORECASE)
_TIMED_OUT = re.compile(
    r"something went wrong while executing your query|couldn't respond to your request in time", re.IGNORECASE
)
_BLOCKED = re.compile(r"access blocked|has been disabled|DMCA", re.IGNORECASE)
_PRIMARY_TYPES = {"RATE_LIMITED", "RATE_LIMIT"}
_HEAVY_TYPES = {"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"}
_SECONDARY_WAIT = timedelta(seconds=60)
_CLOCK_STEP = timedelta(minutes=5)
_LISTS_BY_ID = {"nodes", "more"}
"""Fields of our documents that look objects up by id: an object that is not there is null in its own place only."""
_PLACE = re.compile(r"r\d")
"""Aliases of repositories that are asked for beside each other, each for one thing."""
_OBJECT_DEPTH = 2
"""``node.pullRequest``, ``repository``: an error up here concerns the object asked for, further down a part of it."""


@dataclass(frozen=True)
class Answer:
    """Data that may be used whole."""

    data: dict[str, Any]
    read_at: datetime
    """When GitHub gave it, by GitHub's clock."""
    missing: Sequence[Sequence[str | int]] = ()
    """Where in a list of ids GitHub says that there is nothing."""


def understand(reply: Reply, operation: str) -> Answer:
    """The answer in ``reply``, or the one :class:`GitHubError` that says why there is none."""
    if error := _refusal(reply, operation):
        raise error
    assert reply.payload is not None
    problems = [error if isinstance(error, dict) else {"message": error} for error in reply.payload.get("errors") or ()]
    for problem in problems:
        if error := _error(problem, reply, operation):
            raise error
    data = reply.payload.get("data")
    if not isinstance(data, dict):
        raise TryAgain(f"{operation}: the answer has no data.")
    if parts := [problem for problem in problems if not _is_missing_by_id(problem)]:
        message = f"{operation}: GitHub withholds a part of the answer: {parts[0].get('message')}"
        raise Partial(message, data, [part["path"] for part in parts], read_at(reply))
    return Answer(data, read_at(reply), [problem["path"] for problem in problems])


def cost(reply: Reply) -> int:
    """Points that the request cost; 0 where the answer does not say."""
    said = _rate_limit(reply)
    return int(said["cost"]) if said else 0


def quota(reply: Reply) -> Quota | None:
    """What the headers say is left, else the answer itself; None where neither does, or lies (a 401: all is spent)."""
    if reply.status == 401:  # noqa: PLR2004
        return None
    numbers = [reply.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if all(number.isdecimal() for number in numbers):
        limit, remaining, reset = map(int, numbers)
        return Quota(limit, remaining, _by_our_clock(datetime.fromtimestamp(reset, UTC), reply))
    if said := _rate_limit(reply):
        return Quota(said["limit"], said["remaining"], _by_our_clock(datetime.fromisoformat(said["resetAt"]), reply))
    return None


def _rate_limit(reply: Reply) -> dict[str, Any] | None:
    data = (reply.payload or {}).get("data")
    return data.get("rateLimit") if isinstance(data, dict) else None


def read_at(reply: Reply) -> datetime:
    """The time of the answer by GitHub's clock; by ours where it gives none."""
    return _instant(reply.headers.get("date", "")) or datetime.now(UTC)


def _instant(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def pause(reply: Reply, operation: str) -> MustWait | None:
    """The pause that the status asks for, of GraphQL and of REST; None where it asks for none."""
    if reply.status not in (403, 429):
        return None
    if _SECONDARY.search(reply.body) or "retry-after" in reply.headers:
        return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
    if reply.headers.get("x-ratelimit-remaining") == "0" or _PRIMARY.search(reply.body):
        return RateLimited(f"{operation}: GitHub's hourly limit is reached.", _reset(reply))
    if reply.status == 429:  # noqa: PLR2004
        return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
    return None


def _refusal(reply: Reply, operation: str) -> GitHubError | None:
    """An error that the status or a body without GraphQL tells; a 401 first, since its headers look like a limit."""
    message = str((reply.payload or {}).get("message", ""))
    if wait := pause(reply, operation):
        return wait
    match reply.status:
        case 401:
            return BadCredentials("GitHub does not accept the credential: check GITHUB_TOKEN, or the GitHub App's key.")
        case 403:
            return _forbidden(operation, message or reply.body[:200])
        case 451:
            return Blocked(f"{operation}: GitHub withholds this repository: {message}")
        case 404 | 405:
            reason = f"there is no GraphQL API at this address ({reply.status}): check GITHUB_API_URL."
            return CannotContinue(f"{operation}: {reason}")
        case 502 | 504:
            return TooMuch(f"{operation}: GitHub timed out ({reply.status}).")
        case status if status >= 500:  # noqa: PLR2004
            return TryAgain(f"{operation}: GitHub answered {status}.")
    if reply.payload is None or not ({"data", "errors"} & reply.payload.keys()):
        if _SECONDARY.search(message):  # which may come with a status that says all is well
            return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
        if reply.status >= 400:  # noqa: PLR2004
            return CannotContinue(f"{operation}: GitHub answered {reply.status}: {message or reply.body[:200]}")
        return TryAgain(f"{operation}: the answer was cut off or is not JSON.")
    return None


def _error(problem: dict[str, Any], reply: Reply, operation: str) -> GitHubError | None:
    """What one entry of ``errors`` means for the whole answer; None where it concerns a part of it."""
    assert reply.payload is not None
    kind, message = problem.get("type"), str(problem.get("message", ""))
    if kind in _PRIMARY_TYPES or problem.get("code") == "graphql_rate_limit":
        return RateLimited(f"{operation}: GitHub's hourly limit is reached.", _reset(reply))
    if _SECONDARY.search(message):
        return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
    if kind in _HEAVY_TYPES or _TIMED_OUT.search(message):
        return TooMuch(f"{operation}: too heavy for GitHub: {message}")
    if kind == "INVALID_CURSOR_ARGUMENTS":
        return BadCursor(f"{operation}: {message}")
    if _is_part(problem):
        return None
    if kind == "NOT_FOUND":
        return NotFound(f"{operation}: {message}")
    if kind == "FORBIDDEN" or _BLOCKED.search(message):
        return _forbidden(operation, message)
    if reply.payload.get("data") is None:
        return InvalidQuery(f"{operation}: GitHub refused the query: {message}")
    return TryAgain(f"{operation}: GitHub answered in part only: {message}")


def _is_part(problem: dict[str, Any]) -> bool:
    """Whether it concerns an object below the one asked for, or one of several."""
    path = problem.get("path") or []
    return len(path) > _OBJECT_DEPTH or _is_one_of_several(path)


def _is_missing_by_id(problem: dict[str, Any]) -> bool:
    return problem.get("type") == "NOT_FOUND" and _is_one_of_several(problem.get("path") or [])


def _is_one_of_several(path: list[Any]) -> bool:
    """``nodes.3``, ``r3``, ``r3.one``."""
    if not 0 < len(path) <= _OBJECT_DEPTH:
        return False
    return bool(_PLACE.fullmatch(path[0])) or (path[0] in _LISTS_BY_ID and len(path) == _OBJECT_DEPTH)


def _forbidden(operation: str, message: str) -> NotVisible:
    if _BLOCKED.search(message):
        return Blocked(f"{operation}: GitHub withholds this repository: {message}")
    return Forbidden(f"{operation}: GitHub refuses: {message}")


def _retry_after(reply: Reply) -> datetime:
    """From the header, in seconds or as a date; where only the reset is told, then; else after a minute."""
    header, now = reply.headers.get("retry-after", ""), datetime.now(UTC)
    if header.isdecimal():
        return now + timedelta(seconds=int(header))
    if at := _instant(header):
        return _by_our_clock(at, reply)
    return _reset(reply) if reply.headers.get("x-ratelimit-remaining") == "0" else now + _SECONDARY_WAIT


def _reset(reply: Reply) -> datetime:
    header, now = reply.headers.get("x-ratelimit-reset", ""), datetime.now(UTC)
    if header.isdecimal():
        lifted = _by_our_clock(datetime.fromtimestamp(int(header), UTC), reply) + timedelta(seconds=1)
        if lifted > now:
            return lifted
    # A limit that is reached although its hour is over will not be lifted at once.
    return now + _SECONDARY_WAIT


def _by_our_clock(at: datetime, reply: Reply) -> datetime:
    """When it is ``at`` by GitHub's clock, which an Enterprise Server may have hours from ours.

    In steps, since an answer takes its time: the same instant has to stay the same in the next answer.
    """
    steps = round((datetime.now(UTC) - read_at(reply)) / _CLOCK_STEP)
    return at + steps * _CLOCK_STEP
