"""The few REST routes that clients of GraphQL use besides: the rate limit, a repository, a GitHub App's tokens."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contrib_pipeline.sandbox import instants
from contrib_pipeline.sandbox.ids import stable_number
from contrib_pipeline.sandbox.quota import RateLimit
from contrib_pipeline.sandbox.records import Account, Repository
from contrib_pipeline.sandbox.replies import json

Handler = Callable[[Request, str], Response]

_DOCUMENTATION = "https://docs.github.com/rest"


def token(request: Request) -> str | None:
    """The credential of a request: whatever follows ``bearer`` or ``token``."""
    scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
    return value.strip() or None if scheme.lower() in ("bearer", "token") else None


def _rate_limit(request: Request, credential: str) -> Response:
    """Asking costs nothing."""
    state = request.app.state
    core, graphql = (_bucket(quota.state(credential)) for quota in (state.core_quota, state.quota))
    headers = state.core_quota.state(credential).headers("core")
    return json({"resources": {"core": core, "graphql": graphql}, "rate": core}, headers=headers)


def _repository_by_name(request: Request, credential: str) -> Response:
    name = "{owner}/{name}".format(**request.path_params)
    found = request.app.state.world.find_repository(name)
    if found and found.name_with_owner.lower() != name.lower():
        url = f"{str(request.base_url).rstrip('/')}/repositories/{found.database_id}"
        body = {"message": "Moved Permanently", "url": url, "documentation_url": _DOCUMENTATION}
        return _charged(request, credential, body, 301, {"location": url})
    return _repository(request, credential, found)


def _repository_by_number(request: Request, credential: str) -> Response:
    found = request.app.state.world.repositories.get(request.path_params["id"])
    return _repository(request, credential, found if found and not found.is_hidden else None)


def _installation(request: Request, credential: str) -> Response:
    """The GitHub App is installed for every owner; what it asks with is a signed JSON Web Token, of three parts."""
    if credential.count(".") != 2:  # noqa: PLR2004
        return json(_message("A JSON web token could not be decoded", 401), 401)
    owner = request.path_params["owner"].lower()
    if request.app.state.world.find_account(owner) is None:
        return json(_message("Not Found", 404), 404)
    return json({"id": stable_number(owner, 10_000_000, 90_000_000), "account": {"login": owner}})


def _access_token(request: Request, credential: str) -> Response:
    if credential.count(".") != 2:  # noqa: PLR2004
        return json(_message("A JSON web token could not be decoded", 401), 401)
    ends_at = instants.text(time.time() + request.app.state.installation_token_seconds)
    token = f"ghs_{request.path_params['id']}_{secrets.token_hex(16)}"
    return json({"token": token, "expires_at": ends_at, "permissions": {"metadata": "read"}}, 201)


def _repository(request: Request, credential: str, repository: Repository | None) -> Response:
    if repository is None:
        return _charged(request, credential, _message("Not Found", 404), 404)
    return _charged(request, credential, _shape(repository, str(request.base_url).rstrip("/")))


def _charged(
    request: Request, credential: str, body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    quota = request.app.state.core_quota
    left: RateLimit | None = quota.charge(credential, 1)
    if left is None:
        return json(_message("API rate limit exceeded.", 403), 403, quota.state(credential).headers("core"))
    return json(body, status, {**left.headers("core"), **(headers or {})})


def _message(text: str, status: int) -> dict[str, str]:
    return {"message": text, "documentation_url": _DOCUMENTATION, "status": str(status)}


def _bucket(left: RateLimit) -> dict[str, int]:
    return {
        "limit": left.limit,
        "used": left.used,
        "remaining": left.remaining,
        "reset": instants.seconds(left.reset_at),
    }


def _shape(repository: Repository, base: str) -> dict[str, Any]:
    language = repository.primary_language
    return {
        "id": repository.database_id,
        "node_id": repository.id,
        "name": repository.name,
        "full_name": repository.name_with_owner,
        "private": repository.is_private,
        "owner": _owner(repository.owner),
        "html_url": repository.url,
        "description": repository.description,
        "fork": repository.is_fork,
        "url": f"{base}/repos/{repository.name_with_owner}",
        "created_at": repository.created_at,
        "updated_at": repository.updated_at,
        "pushed_at": repository.pushed_at,
        "stargazers_count": repository.stargazer_count,
        "forks_count": repository.fork_count,
        "language": language.name if language else None,
        "has_discussions": repository.has_discussions_enabled,
        "archived": repository.is_archived,
        "default_branch": "main",
    }


def _owner(account: Account) -> dict[str, Any]:
    return {
        "login": account.login,
        "id": account.database_id,
        "node_id": account.id,
        "html_url": account.url,
        "type": account.kind,
    }


ROUTES: dict[str, Handler] = {
    "/rate_limit": _rate_limit,
    "/repos/{owner}/{name}": _repository_by_name,
    "/repositories/{id:int}": _repository_by_number,
    "/repos/{owner}/{name}/installation": _installation,
    "/app/installations/{id:int}/access_tokens": _access_token,
}
POSTED = {"/app/installations/{id:int}/access_tokens"}
