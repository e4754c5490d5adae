"""gql's requests transport, which here keeps what gql's own loses: status, headers and body of a refused request.

gql raises on any status over 400 with a text that lacks the body, and the body is where GitHub says whether a 403
is a rate limit. Deciding what an answer means is ``answers``' business.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests
from gql.transport.requests import RequestsHTTPTransport
from graphql import ExecutionResult

CONNECT_AND_READ_SECONDS = (10, 30)

_UNCLEAN = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]", re.IGNORECASE)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Reply:
    """What came over the wire. ``payload`` is None where the body is no JSON object."""

    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    body: str
    payload: dict[str, Any] | None


@dataclass(frozen=True)
class _Bearer(requests.auth.AuthBase):
    """The token as GitHub wants it. Given as ``auth``, since else ~/.netrc would replace the header."""

    token: str = field(repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class GitHubTransport(RequestsHTTPTransport):
    """One connection to the GraphQL endpoint; not shared between threads, since it keeps the last reply."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            timeout=CONNECT_AND_READ_SECONDS,  # type: ignore[arg-type]  # requests takes the pair
            retries=0,  # every request goes through the budget; gql's own retries would not
            headers={
                "User-Agent": "contrib-pipeline",
                "X-Github-Next-Global-ID": "1",
            },
        )
        self.reply: Reply | None = None

    def authorize(self, token: str) -> None:
        """Send ``token`` from now on."""
        self.auth = _Bearer(token)

    def _prepare_result(self, response: requests.Response) -> ExecutionResult:
        payload = _json_object(response.content)
        self.reply = Reply(response.status_code, response.headers, response.text[:2000], payload)
        return ExecutionResult(data=(payload or {}).get("data"), errors=None)


def _json_object(content: bytes) -> dict[str, Any] | None:
    """The body as an object, without NUL and lone surrogates (Postgres takes neither); None if it is none."""
    try:
        payload = _loaded(content)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _loaded(content: bytes) -> Any:
    if not _UNCLEAN.search(content):
        with suppress(ValueError):  # lone surrogates may come as bytes, which only json takes
            return orjson.loads(content)
    return _clean(json.loads(content))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value.replace("\0", ""))
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
