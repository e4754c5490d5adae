"""The local GitHub as a web application: routes, credentials, headers, faults.

``app.state`` holds what a test may reach into: ``world``, ``faults``, ``served``, ``quota`` (of GraphQL),
``core_quota`` (of REST) and ``installation_token_seconds``, how long a GitHub App's tokens live. What GraphQL and REST
answer is ``answers``' and ``rest``'s business.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contrib_pipeline.sandbox import answers, errors, pages, rest
from contrib_pipeline.sandbox.faults import Exchange, Faults
from contrib_pipeline.sandbox.quota import Quota
from contrib_pipeline.sandbox.replies import json, quota_headers
from contrib_pipeline.sandbox.resolvers import VIEWER
from contrib_pipeline.sandbox.world import World

REST_POINTS_PER_HOUR = 5000


@dataclass
class Served:
    """What has been asked and answered so far: requests in all and by operation, and the GraphQL points they cost."""

    requests: int = 0
    points: int = 0
    operations: Counter[str] = field(default_factory=Counter)


def create_app(world: World, *, points_per_hour: int = 5000) -> Starlette:
    """The application that serves ``world``; each token has ``points_per_hour`` for GraphQL."""
    app = Starlette(
        routes=[
            Route("/", pages.front),
            Route("/health", pages.health),
            Route("/graphql", _graphql, methods=["POST"]),
            Route("/api/graphql", _graphql, methods=["POST"]),
            *(_rest_route(path, handle) for path, handle in rest.ROUTES.items()),
        ]
    )
    world.account(VIEWER)
    app.state.world = world
    app.state.faults = Faults()
    app.state.served = Served()
    app.state.quota = Quota(points_per_hour)
    app.state.installation_token_seconds = 3600
    app.state.core_quota = Quota(REST_POINTS_PER_HOUR)
    return app


async def _graphql(request: Request) -> Response:
    token = rest.token(request)
    if token is None:
        return await _respond(request, None, lambda: _unauthorized("graphql"))
    try:
        asked = answers.read(await request.body(), token)
    except errors.BadRequest as error:
        refusal = json(errors.refusal(str(error), 400), 400)
        return await _respond(request, None, lambda: refusal)

    def answer() -> Response:
        state = request.app.state
        result = answers.answer(asked, state.world, state.quota)
        state.served.points += result.points
        return json(result.payload, headers=result.rate_limit.headers("graphql"))

    return await _respond(request, answers.operation_name(asked), answer)


def _rest_route(path: str, handle: rest.Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        token = rest.token(request)
        answer = (lambda: handle(request, token)) if token else (lambda: _unauthorized("core"))
        return await _respond(request, path, answer)

    return Route(path, endpoint, methods=["POST"] if path in rest.POSTED else ["GET"])


async def _respond(request: Request, operation: str | None, answer: Callable[[], Response]) -> Response:
    """The answer, or what a waiting fault makes of it."""
    state = request.app.state
    state.served.requests += 1
    state.served.operations[operation or "?"] += 1
    fault = state.faults.take(operation)
    response = await fault(Exchange(request, answer)) if fault else answer()
    if state.faults.latency_seconds:
        await asyncio.sleep(state.faults.latency_seconds)
    response.headers["x-github-request-id"] = ":".join(secrets.token_hex(3).upper() for _ in range(4))
    return response


def _unauthorized(resource: str) -> Response:
    # The headers look as if all points were spent: GitHub's do, and a client must look at the status first.
    return json(errors.refusal("Bad credentials", 401), 401, quota_headers(0, 0, 3600, resource))
