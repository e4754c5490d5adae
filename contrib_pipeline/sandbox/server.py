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

    Ends as the signal ends a process: SIGINT with KeyboardInterrupt. Raises :class:`SandboxError` where the port cannot
    be had.
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
        thread = _ServerThread(_server(app or create_app(world)), listener)
        thread.start()
        try:
            # The socket listens already: a request made before the server is up waits for it.
            yield f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            thread.stop()


async def _serve(app: Starlette, listener: socket.socket, pace: float, seed: int) -> None:
    living = asyncio.create_task(keep_pace(app.state.world, pace, seed)) if pace else None
    try:
        await _server(app).serve(sockets=[listener])
    finally:
        if living:
            living.cancel()


def _listener(host: str, port: int) -> socket.socket:
    # Named outright, the protocol lets asyncio turn off Nagle's delay, which costs a request 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
            log_config=None,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
    )


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with the connection in the request's scope, for the fault that breaks it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


class _ServerThread(threading.Thread):
    """A server that stops at once: when a test is over, nobody waits for its answers any more."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._listener = listener
        self._up = threading.Event()

    def run(self) -> None:
        asyncio.run(self._answer())

    def stop(self) -> None:
        self._up.wait()
        self._loop.call_soon_threadsafe(self._end.set)
        self.join()

    async def _answer(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._up.set()
        answering = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        ending = asyncio.create_task(self._end.wait())
        await asyncio.wait([answering, ending], return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        for server in getattr(self._server, "servers", ()):
            server.close()
        await asyncio.sleep(0)
