"""GitHub's webhooks: is a delivery genuine, and which work does it ask for.

A payload is a hint: it says what to read again, its contents are not taken over. So a row keeps what the delivery
is about and drops the rest. Pure; HTTP is ``receiver``'s business, rows are ``inbox``'s.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from contrib_pipeline.events.catalogue import WEBHOOK
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.wire import WireError, read_json

LARGEST_DELIVERY = 25 * 1024 * 1024
"""Bytes; GitHub sends nothing larger."""

Payload = Mapping[str, Any]
Work = tuple[str, Mapping[str, Any]]
"""A function of the catalogue, and its payload."""


def verify(body: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """Raises :class:`WireError` unless ``body`` was signed with one of ``secrets`` (X-Hub-Signature-256)."""
    if not secrets:
        message = "GITHUB_WEBHOOK_SECRET is not set, so no webhook can be trusted: set it here and at GitHub"
        raise WireError(message, HTTPStatus.SERVICE_UNAVAILABLE)
    given = (signature or "").encode("utf-8", "replace")
    if not any(hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets):
        raise WireError("Signature is missing or wrong (X-Hub-Signature-256)", HTTPStatus.UNAUTHORIZED)


def sign(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256 that GitHub sends for ``body``."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def read_delivery(body: bytes, content_type: str, event: str | None, delivery: str | None) -> list[Event]:
    """The events of one verified delivery: one for each piece of work, at least one.

    Raises :class:`WireError` for a body that is no payload, and for missing headers.
    """
    if not event or not delivery:
        raise WireError("X-GitHub-Event and X-GitHub-Delivery are needed")
    payload = read_json(_payload_text(body, content_type))
    if not isinstance(payload, dict):
        raise WireError("The payload must be an object")
    action = payload.get("action")
    name = f"{WEBHOOK}{event}.{action}" if isinstance(action, str) else f"{WEBHOOK}{event}"
    return _events(name, delivery, event, payload)


def _payload_text(body: bytes, content_type: str) -> bytes:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return body
    return parse_qs(body.decode("utf-8", "replace")).get("payload", [""])[0].encode()


def _events(name: str, delivery: str, event: str, payload: Payload) -> list[Event]:
    found = list(_WORK[event](payload)) if event in _WORK else []
    about = _about(payload)
    if not found:
        return [Event(name, about, delivery, ignored=_NOTHING.get(event, f"{name} asks for nothing."))]
    return [
        Event(name, {**about, **data}, f"{delivery}#{position}" if position else delivery, function=function)
        for position, (function, data) in enumerate(found)
    ]


def _about(payload: Payload) -> dict[str, Any]:
    """What a row keeps of a delivery: who did what, where."""
    repository, sender, installation = (_object(payload, key) for key in ("repository", "sender", "installation"))
    kept = {
        "repository": _repository(repository) if repository else None,
        "sender": sender.get("login"),
        "installation": installation.get("id"),
        "changes": _object(payload, "changes") if "repository" in payload and "pull_request" not in payload else None,
    }
    return {key: value for key, value in kept.items() if value}


def _repository(repository: Payload) -> dict[str, Any]:
    return {"full_name": repository.get("full_name"), "github_id": repository.get("id")}


def _object(payload: Payload, key: str) -> Payload:
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def _pull_request(payload: Payload) -> Iterable[Work]:
    yield "capture/pr.details", {"pr_number": _object(payload, "pull_request").get("number")}


def _issue_comment(payload: Payload) -> Iterable[Work]:
    issue = _object(payload, "issue")
    if issue.get("pull_request"):
        yield "capture/pr.details", {"pr_number": issue.get("number")}


def _discussion(payload: Payload) -> Iterable[Work]:
    yield "sync/discussions", {"discussion_number": _object(payload, "discussion").get("number")}


def _changed_repository(payload: Payload) -> Iterable[Work]:
    """Renamed, transferred, archived, deleted, hidden: reading it again, by its number, finds which."""
    if payload.get("action") != "created":
        yield "classify/single-repository", {}


def _installed(payload: Payload) -> Iterable[Work]:
    action = payload.get("action")
    if action in ("created", "unsuspend"):
        yield from _each(payload, "repositories", "discover/new-repository")
    elif action in ("deleted", "suspend"):
        yield from _each(payload, "repositories", "classify/single-repository")


def _installed_repositories(payload: Payload) -> Iterable[Work]:
    yield from _each(payload, "repositories_added", "discover/new-repository")
    yield from _each(payload, "repositories_removed", "classify/single-repository")


def _each(payload: Payload, field: str, function: str) -> Iterable[Work]:
    listed = payload.get(field)
    for repository in listed if isinstance(listed, list) else []:
        if isinstance(repository, dict):
            yield function, {"repository": _repository(repository)}


_WORK: dict[str, Callable[[Payload], Iterable[Work]]] = {
    "pull_request": _pull_request,
    "pull_request_review": _pull_request,
    "pull_request_review_comment": _pull_request,
    "pull_request_review_thread": _pull_request,
    "issue_comment": _issue_comment,
    "discussion": _discussion,
    "discussion_comment": _discussion,
    "repository": _changed_repository,
    "public": _changed_repository,
    "installation": _installed,
    "installation_repositories": _installed_repositories,
}

_NOTHING = {
    "ping": "GitHub says that the webhook is set up.",
    "issue_comment": "Comments on plain issues are not captured.",
    "issues": "Issues are not captured.",
    "repository": "A repository is tracked when somebody asks for it: contrib-pipeline track OWNER/NAME.",
    "star": "Stars and forks are read with the repository's metadata.",
    "watch": "Stars and forks are read with the repository's metadata.",
    "fork": "Stars and forks are read with the repository's metadata.",
}
"""Why a delivery without work asks for nothing, where there is more to say than that."""
