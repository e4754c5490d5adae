"""What a reply means: data that may be used whole, or one typed error.

Partial data is never handed on as whole: the only error that leaves an answer usable is NOT_FOUND under
``nodes(ids:)``, where each object stands for itself.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from contrib_pipeline.github.budget import Quota
from contrib_pipeline.github.errors import (
    BadCredentials,
    Blocked,
    CannotContinue,
    Forbidden,
    GitHubError,
    InvalidQuery,
    NotFound,
    RateLimited,
    SecondaryLimited,
    TooMuch,
    TryAgain,
)
from contrib_pipeline.github.transport import Reply

_SECONDARY = re.compile(r"secondary rate|abuse detection", re.IGNORECASE)
_TIMED_OUT = re.compile(
    r"something went wrong while executing your query|couldn't respond to your request in time", re.IGNORECASE
)
_PRIMARY_TYPES = {"RATE_LIMITED", "RATE_LIMIT"}
_HEAVY_TYPES = {"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"}
_SECONDARY_WAIT = timedelta(seconds=60)


@dataclass(frozen=True)
class Answer:
    """Data that may be used whole."""

    data: dict[str, Any]
    cost: int
    """Points that it cost."""
    read_at: datetime
    """When GitHub gave it, by GitHub's clock."""


def understand(reply: Reply, operation: str) -> Answer:
    """The answer in ``reply``, or the one :class:`GitHubError` that says why there is none."""
    if error := _refusal(reply, operation):
        raise error
    assert reply.payload is not None
    if error := _first_error(reply, operation):
        raise error
    data = reply.payload["data"]
    return Answer(data, int((data.get("rateLimit") or {}).get("cost", 1)), read_at(reply))


def quota(reply: Reply) -> Quota | None:
    """What the headers say is left; None where they say nothing, or lie (a 401 says that all is spent)."""
    headers = reply.headers
    if reply.status == 401 or "x-ratelimit-remaining" not in headers:  # noqa: PLR2004
        return None
    return Quota(
        limit=int(headers["x-ratelimit-limit"]),
        remaining=int(headers["x-ratelimit-remaining"]),
        reset_at=datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC),
    )


def read_at(reply: Reply) -> datetime:
    """The time of the answer by GitHub's clock; by ours where it gives none."""
    date = reply.headers.get("date")
    return parsedate_to_datetime(date).astimezone(UTC) if date else datetime.now(UTC)


def _refusal(reply: Reply, operation: str) -> GitHubError | None:
    """An error that the status or a body without GraphQL tells; a 401 first, since its headers look like a limit."""
    message = str((reply.payload or {}).get("message", ""))
    match reply.status:
        case 401:
            return BadCredentials("GitHub does not accept the credential: check GITHUB_TOKEN, or the GitHub App's key.")
        case 403 | 429 if _SECONDARY.search(reply.body) or "retry-after" in reply.headers:
            return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
        case 403 | 429 if reply.headers.get("x-ratelimit-remaining") == "0":
            return RateLimited(f"{operation}: the hour's points are spent.", _reset(reply))
        case 403:
            return Forbidden(f"{operation}: GitHub refuses: {message or reply.body[:200]}")
        case 451:
            return Blocked(f"{operation}: GitHub withholds this repository: {message}")
        case 502 | 504:
            return TooMuch(f"{operation}: GitHub timed out ({reply.status}).")
        case status if status >= 500:  # noqa: PLR2004
            return TryAgain(f"{operation}: GitHub answered {status}.")
    if reply.payload is None or not ({"data", "errors"} & reply.payload.keys()):
        if reply.status >= 400:  # noqa: PLR2004
            return CannotContinue(f"{operation}: GitHub answered {reply.status}: {message or reply.body[:200]}")
        return TryAgain(f"{operation}: the answer was cut off or is not JSON.")
    return None


def _first_error(reply: Reply, operation: str) -> GitHubError | None:
    assert reply.payload is not None
    errors = reply.payload.get("errors") or []
    data = reply.payload.get("data")
    for error in errors:
        kind, message, path = error.get("type"), str(error.get("message", "")), error.get("path") or []
        if kind in _PRIMARY_TYPES or error.get("code") == "graphql_rate_limit":
            return RateLimited(f"{operation}: the hour's points are spent.", _reset(reply))
        if _SECONDARY.search(message):
            return SecondaryLimited(f"{operation}: GitHub asks for a slower pace.", _retry_after(reply))
        if kind in _HEAVY_TYPES or _TIMED_OUT.search(message):
            return TooMuch(f"{operation}: too heavy for GitHub: {message}")
        if kind == "NOT_FOUND":
            if path[:1] == ["nodes"]:
                continue
            return NotFound(f"{operation}: {message}")
        if kind == "FORBIDDEN":
            return Forbidden(f"{operation}: {message}")
        if data is None:
            return InvalidQuery(f"{operation}: GitHub refused the query: {message}")
        return TryAgain(f"{operation}: GitHub answered in part only: {message}")
    if not isinstance(data, dict):
        return TryAgain(f"{operation}: the answer has no data.")
    return None


def _retry_after(reply: Reply) -> datetime:
    header = reply.headers.get("retry-after", "")
    wait = timedelta(seconds=int(header)) if header.isdigit() else _SECONDARY_WAIT
    return datetime.now(UTC) + wait


def _reset(reply: Reply) -> datetime:
    header = reply.headers.get("x-ratelimit-reset", "")
    at = datetime.fromtimestamp(int(header), UTC) if header.isdigit() else datetime.now(UTC) + _SECONDARY_WAIT
    return at + timedelta(seconds=1)
