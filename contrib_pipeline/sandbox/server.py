"""Serving the local GitHub: in the foreground for people, in a thread for tests. The application is ``app``'s."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contrib_pipeline.sandbox.app import create_app
from contrib_pipeline.sandbox.errors import SandboxError
from contrib_pipeline.sandbox.faults import TRANSPORT
from contrib_pipeline.sandbox.pace import keep_pace
from contrib_pipeline.sandbox.world import World

__all__ = ["create_app", "running_sandbox", "serve"]

_LOOPBACK = "127.0.0.1"


def serve(
    world: World, port: int, host: str = _LOOPBACK, *, pace: float = 0.0, seed: int = 1, points_per_hour: int = 5000
) -> None:
    """Serve ``world`` until SIGINT or SIGTERM; ``pace`` is about how many changes happen in it each minute.

    Raises :class:`SandboxError` where the port cannot be had.
    """
    app = create_app(world, points_per_hour=points_per_hour)
    with _listener(host, port) as listener:
        asyncio.run(_serve(app, listener, pace, seed))


@contextmanager
def running_sandbox(world: World, app: Starlette | None = None) -> Iterator[str]:
    """The base URL of a server of ``world`` on a free port, in a thread of its own, stopped afterwards.

    With an ``app`` from :func:`create_app` of the same world its state can be reached: faults, and what was served.
    """
    with _listener(_LOOPBACK, 0) as listener:
        server = _server(app or create_app(world))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            # The socket listens already: a request made before the server is up waits for it.
            yield f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def _serve(app: Starlette, listener: socket.socket, pace: float, seed: int) -> None:
    living = asyncio.create_task(keep_pace(app.state.world, pace, seed)) if pace else None
    try:
        await _server(app).serve(sockets=[listener])
    finally:
        if living:
            living.cancel()


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SandboxError(
            f"Port {port} on {host} cannot be had ({error.strerror}): choose another with --port."
        ) from error
    return listener


def _server(app: Starlette) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
    )


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with the connection in the request's scope, for the fault that breaks it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]
