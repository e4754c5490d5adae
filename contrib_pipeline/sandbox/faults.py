"""Failures on order, in the shapes that GitHub's have: what a client must survive.

``app.state.faults.add(bad_gateway_html(), times=2)`` spoils the next two requests. Shapes marked *seen* come from
public reports, not from GitHub's documentation.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from contrib_pipeline.sandbox import errors
from contrib_pipeline.sandbox.replies import json, quota_headers

Path = Sequence[str | int]
TRANSPORT = "contrib_pipeline.transport"
"""Where a request's scope holds the connection it came over."""

_WENT_WRONG = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a "
    "GitHub bug. Please include `C318:5862:1D9A3F:24E7B1:6741` when reporting this issue."
)
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID C318:5862:1D9A3F."
)


@dataclass(frozen=True)
class Exchange:
    """A request, and the way to its right answer."""

    request: Request
    answer: Callable[[], Response]


Fault = Callable[[Exchange], Awaitable[Response]]


@dataclass
class _Ordered:
    fault: Fault
    operation: str | None
    times: int
    after: int


@dataclass
class Faults:
    """The faults that wait for their requests, in order."""

    latency_seconds: float = 0.0
    """Every answer takes this much longer."""
    _waiting: list[_Ordered] = field(default_factory=list)

    def add(self, fault: Fault, *, times: int = 1, operation: str | None = None, after: int = 0) -> None:
        """Spoil ``times`` requests, the first ``after`` matching ones spared.

        ``operation`` is the name of a GraphQL operation, or a REST route (``/rate_limit``); None matches all.
        """
        self._waiting.append(_Ordered(fault, operation, times, after))

    def clear(self) -> None:
        """Forget all that wait."""
        self._waiting.clear()

    def take(self, operation: str | None) -> Fault | None:
        """The fault for a request of that operation, if one waits for it."""
        for ordered in self._waiting:
            if ordered.operation not in (None, operation):
                continue
            if ordered.after:
                ordered.after -= 1
                continue
            ordered.times -= 1
            if not ordered.times:
                self._waiting.remove(ordered)
            return ordered.fault
        return None


def bad_gateway_html(status: int = 502) -> Fault:
    """A timeout as the proxy tells it (seen)."""
    name = {502: "502 Bad Gateway", 504: "504 Gateway Time-out"}[status]
    page = (
        f"<html>\r\n<head><title>{name}</title></head>\r\n<body>\r\n<center><h1>{name}</h1></center>\r\n</body></html>"
    )
    return _fixed(lambda: HTMLResponse(page, status))


def bad_gateway_json(status: int = 502) -> Fault:
    """A timeout as GraphQL tells it: no type, no locations, no rate limit headers (seen)."""
    return _fixed(lambda: json({"data": None, "errors": [{"message": _WENT_WRONG}]}, status))


def something_went_wrong() -> Fault:
    """The same with status 200 (seen)."""
    return bad_gateway_json(200)


def rate_limited(reset_seconds: int = 3600) -> Fault:
    """The hour's points are spent."""
    problem = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
    return _fixed(lambda: json({"errors": [problem]}, headers=_spent(reset_seconds)))


def rate_limit(reset_seconds: int = 3600) -> Fault:
    """The same in the wording of 2026 (seen)."""
    problem = {
        "type": "RATE_LIMIT",
        "code": "graphql_rate_limit",
        "message": "API rate limit already exceeded for user ID 1.",
    }
    return _fixed(lambda: json({"errors": [problem]}, headers=_spent(reset_seconds)))


def secondary_limit(retry_after: int | None = 60) -> Fault:
    """Too fast for GitHub; without ``retry_after`` it does not say for how long."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return _fixed(lambda: json(errors.refusal(_SECONDARY, 403), 403, headers))


def bad_credentials() -> Fault:
    """The token is not accepted, with the headers that look like a spent limit (seen)."""
    return _fixed(lambda: json(errors.refusal("Bad credentials", 401), 401, quota_headers(0, 0, 3600)))


def resource_limits(path: Path | None = None) -> Fault:
    """The right answer with null at ``path`` (default: the first field): too heavy a query (seen)."""
    return _partial(path, {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."})


def saml(path: Path | None = None) -> Fault:
    """The organization wants a login of its own (seen)."""
    message = (
        "Resource protected by organization SAML enforcement. "
        "You must grant your Personal Access token access to this organization."
    )
    return _partial(path, {"type": "FORBIDDEN", "extensions": {"saml_failure": True}, "message": message})


def forbidden(path: Path | None = None) -> Fault:
    """The app lacks a permission."""
    return _partial(path, {"type": "FORBIDDEN", "message": "Resource not accessible by integration"})


def blocked() -> Fault:
    """The repository is withheld by law (451)."""
    return _fixed(lambda: json(errors.refusal("Repository unavailable due to DMCA takedown.", 451), 451))


def truncated() -> Fault:
    """Half of the right answer, as if it were all."""

    async def spoil(exchange: Exchange) -> Response:
        body = bytes(exchange.answer().body)
        return Response(body[: len(body) // 2], media_type="application/json")

    return spoil


def connection_reset() -> Fault:
    """The connection breaks before an answer."""

    async def spoil(exchange: Exchange) -> Response:
        transport = exchange.request.scope[TRANSPORT]
        # Closing without lingering makes the system send a reset instead of a goodbye.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0)
        return Response()

    return spoil


def hang(seconds: float) -> Fault:
    """The right answer, that much later."""

    async def spoil(exchange: Exchange) -> Response:
        await asyncio.sleep(seconds)
        return exchange.answer()

    return spoil


def _fixed(make: Callable[[], Response]) -> Fault:
    async def spoil(_: Exchange) -> Response:
        return make()

    return spoil


def _partial(path: Path | None, problem: dict[str, Any]) -> Fault:
    async def spoil(exchange: Exchange) -> Response:
        right = exchange.answer()
        payload = orjson.loads(right.body)
        place = list(path or next([name] for name in payload["data"] if name != "rateLimit"))
        parent = payload["data"]
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] = None
        payload.setdefault("errors", []).append({**problem, "path": place, "locations": [{"line": 2, "column": 3}]})
        return json(payload, headers={k: v for k, v in right.headers.items() if k.startswith("x-ratelimit")})

    return spoil


def _spent(reset_seconds: int) -> dict[str, str]:
    return quota_headers(5000, 0, reset_seconds)
