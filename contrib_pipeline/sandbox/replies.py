"""Responses with GitHub's headers."""

import time
from typing import Any

import orjson
from starlette.responses import Response


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of JSON, as GitHub labels it."""
    return Response(orjson.dumps(body), status, headers, "application/json; charset=utf-8")


def quota_headers(limit: int, remaining: int, reset_seconds: int, resource: str = "graphql") -> dict[str, str]:
    """The headers that tell what is left, the reset that many seconds from now."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-used": str(limit - remaining),
        "x-ratelimit-reset": str(int(time.time()) + reset_seconds),
        "x-ratelimit-resource": resource,
    }
