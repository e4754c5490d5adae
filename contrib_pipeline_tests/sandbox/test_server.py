"""Starting and stopping."""

import socket

import pytest

from contrib_pipeline.sandbox.errors import SandboxError
from contrib_pipeline.sandbox.server import running_sandbox, serve
from contrib_pipeline.sandbox.world import World


def test_a_taken_port_is_named_with_the_remedy(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port} on 127.0.0.1 .* choose another with --port"):
            serve(world, port)


def test_a_sandbox_that_nobody_asks_stops_again(world: World) -> None:
    with running_sandbox(world) as url:
        assert url.startswith("http://127.0.0.1:")
