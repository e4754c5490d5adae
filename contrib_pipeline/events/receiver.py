"""The HTTP side of the events: Inngest's event API, GitHub's webhooks, health, metrics.

A row is committed before its sender gets an answer. What a body means on the wire is ``wire``'s and ``webhooks``'
business, what an event means ``catalogue``'s.
"""

import hmac
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import uvicorn
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contrib_pipeline.events import inbox, logs, telemetry, webhooks
from contrib_pipeline.events.access_log import AccessLog
from contrib_pipeline.events.answers import FAILURES, failure
from contrib_pipeline.events.connections import Connections
from contrib_pipeline.events.errors import EventError, UnsafeBind
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.logs import LogFormat
from contrib_pipeline.events.ulids import Seed
from contrib_pipeline.events.wire import LARGEST_REQUEST, Parsed, WireError, read_request
from contrib_pipeline.warehouse.connection import Connection

T = TypeVar("T")
log = logging.getLogger(__name__)
# Postgres commits one event in about a millisecond: more threads would only wait for it.
_THREADS = 4
_LONG = 100_000
"""Bytes: a longer body is parsed in a thread, so that short ones needn't wait."""


@dataclass(frozen=True)
class Door:
    """Who is let in."""

    event_keys: tuple[str, ...]
    webhook_secrets: tuple[str, ...]
    settle: timedelta
    """How long a webhook's work waits: GitHub's API lags behind its webhooks."""

    def admit(self, key: str, origin: str | None) -> None:
        """Raises :class:`WireError` for a wrong key; without keys, for a page of another host in somebody's browser."""
        if self.event_keys:
            given = key.encode("utf-8", "replace")
            if not any(hmac.compare_digest(given, known.encode()) for known in self.event_keys):
                raise WireError("Event key not found", HTTPStatus.UNAUTHORIZED)
        elif origin is not None and not _is_local(origin):
            raise WireError("Without EVENT_KEYS, pages of other hosts may not send events", HTTPStatus.FORBIDDEN)


def create_app(
    *,
    database_url: str,
    event_keys: Sequence[str],
    webhook_secrets: Sequence[str],
    bound_to_loopback: bool,
    settle: timedelta = timedelta(seconds=2),
) -> Starlette:
    """The receiver as an ASGI application. Raises :class:`UnsafeBind` without keys where others could reach it."""
    if not event_keys and not bound_to_loopback:
        raise UnsafeBind("EVENT_KEYS is not set, so anybody could send events: set it, or bind to 127.0.0.1.")
    app = Starlette(
        routes=[
            Route("/e/{key}", post_events, methods=["POST"]),
            Route("/e/", post_without_key, methods=["POST"]),
            Route("/e", post_without_key, methods=["POST"]),
            Route("/webhooks/github", post_webhook, methods=["POST"]),
            Route("/health", get_health),
            Route("/metrics", get_metrics),
        ],
        middleware=[
            Middleware(AccessLog),
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
                allow_headers=["*"],
                max_age=3600,
            ),
        ],
        exception_handlers=FAILURES,
        lifespan=_life,
    )
    app.router.redirect_slashes = False  # a redirected POST is a lost event
    app.state.door = Door(tuple(event_keys), tuple(webhook_secrets), settle)
    app.state.connections = Connections(database_url)
    app.state.threads = CapacityLimiter(_THREADS)
    return app


def serve(
    *,
    database_url: str,
    event_keys: Sequence[str],
    webhook_secrets: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 8288,
    log_format: LogFormat = "text",
) -> None:
    """Receive events until SIGINT or SIGTERM. Raises :class:`EventError` where the address can't be used."""
    app = create_app(
        database_url=database_url,
        event_keys=event_keys,
        webhook_secrets=webhook_secrets,
        bound_to_loopback=is_loopback(host),
    )
    logs.set_up(log_format)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise EventError(f"Port {port} of {host} can't be used ({error.strerror}): choose another.") from error
    with listening:
        log.info(
            "Events are received at http://%s:%d",
            f"[{host}]" if ":" in host else host,
            listening.getsockname()[1],
        )
        config = uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=10)
        with suppress(KeyboardInterrupt):  # uvicorn passes on the signal that ended it
            uvicorn.Server(config).run(sockets=[listening])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


async def post_events(request: Request) -> Response:
    """``POST /e/{key}``: Inngest's event API."""
    door: Door = request.app.state.door
    door.admit(request.path_params["key"], request.headers.get("origin"))
    body = await _body(request, LARGEST_REQUEST)
    seed = Seed.parse(request.headers.get("x-inngest-event-id-seed")) or Seed.fresh()
    read = partial(read_request, body, request.headers.get("content-type", ""), seed)
    parsed = await to_thread.run_sync(read) if len(body) > _LONG else read()
    ids = await _with_connection(request, partial(_post, parsed)) if parsed.events else []
    if parsed.error:
        return failure(parsed.error.status, str(parsed.error), ids)
    # Inngest answers one empty id where there was no event.
    kind = "cloud" if door.event_keys else "dev"
    return JSONResponse({"ids": ids or [""], "status": HTTPStatus.OK}, headers={"x-inngest-server-kind": kind})


def _post(parsed: Parsed, connection: Connection) -> list[str]:
    return inbox.post(connection, parsed.events, "inngest")


async def post_without_key(request: Request) -> Response:
    """``POST /e``: what a client sends that has no key."""
    raise WireError("Event key not found", HTTPStatus.UNAUTHORIZED)


async def post_webhook(request: Request) -> Response:
    """``POST /webhooks/github``: one delivery of a webhook."""
    door: Door = request.app.state.door
    headers = request.headers
    body = await _body(request, webhooks.LARGEST_DELIVERY)
    webhooks.verify(body, headers.get("x-hub-signature-256"), door.webhook_secrets)
    event, delivery = headers.get("x-github-event"), headers.get("x-github-delivery")
    events = webhooks.read_delivery(body, headers.get("content-type", ""), event, delivery)
    ids = await _with_connection(request, lambda connection: _post_webhook(connection, events, door.settle))
    return JSONResponse({"id": ids[0], "status": HTTPStatus.ACCEPTED}, HTTPStatus.ACCEPTED)


def _post_webhook(connection: Connection, events: Sequence[Event], settle: timedelta) -> list[str]:
    return inbox.post(connection, events, "webhook", delay=settle)


async def get_metrics(request: Request) -> Response:
    """``GET /metrics``: Prometheus text."""
    page = await _with_connection(request, telemetry.exposition)
    return Response(page, media_type=None, headers={"content-type": telemetry.CONTENT_TYPE})


async def get_health(request: Request) -> Response:
    """``GET /health``: whether events are accepted, the database included."""
    await _with_connection(request, lambda connection: connection.execute("select 1"))
    return JSONResponse({"status": HTTPStatus.OK, "message": "OK"})


async def _with_connection(request: Request, work: Callable[[Connection], T]) -> T:
    run = partial(request.app.state.connections.run, work)
    return await to_thread.run_sync(run, limiter=request.app.state.threads)


async def _body(request: Request, limit: int) -> bytes:
    """The whole body. One that is too large is read to its end too: else its sender would see no answer."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            parts.clear()
        else:
            parts.append(part)
    if size > limit:
        message = f"Request body is larger than {limit // 1024 // 1024} MiB"
        raise WireError(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return b"".join(parts)


@asynccontextmanager
async def _life(app: Starlette) -> AsyncIterator[None]:
    # Whoever serves the application: uvicorn's own access log would show the key in the path.
    logging.getLogger("uvicorn.access").disabled = True
    yield
    app.state.connections.close()
