"""One line a request, without the key that is in the path."""

import logging
import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contrib_pipeline.events.logs import Fields

log = logging.getLogger(__name__)

_OURS = {"/health", "/metrics", "/webhooks/github"}


class AccessLog:
    """Writes ``method=POST path=/e/… status=200 ms=2.1``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            ms = round(1000 * (time.perf_counter() - began), 1)
            log.info(Fields(method=scope["method"], path=_loggable(scope["path"]), status=int(status), ms=ms))


def _loggable(path: str) -> str:
    """``path`` without what may be a key: what follows /e/, and any path that is none of ours."""
    return path if path in _OURS else "/e/…" if path.startswith("/e/") else "…"
