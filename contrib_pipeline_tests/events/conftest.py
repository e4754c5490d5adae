"""One database for all tests of this package, emptied before each; receivers on real ports."""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from contrib_pipeline.events.receiver import create_app
from contrib_pipeline.warehouse.connection import connect

_TABLES = ("events.inbox", "events.external_ids", "events.aliases")
_TABLES += ("github.repositories", "github.captures", "github.budgets")

StartReceiver = Callable[..., "Receiver"]


@pytest.fixture(scope="package")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database. A fresh one for each of these many small tests would take most of their time."""
    name = f"contrib_test_events_{os.getpid()}_{secrets.token_hex(4)}"
    with connect(server_url) as server:
        server.execute(f"create database {name} template {template}")
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    with connect(server_url) as server:
        server.execute(f"drop database {name} with (force)")


@pytest.fixture
def database_url(shared_url: str) -> str:
    """The address of the emptied database."""
    with connect(shared_url) as opened, opened.transaction():
        for table in _TABLES:
            opened.execute(f"delete from {table}")
        opened.execute("drop table if exists dagster.runs")
    return shared_url


@dataclass
class Receiver:
    """Where a running receiver listens."""

    url: str
    server: uvicorn.Server = field(repr=False)


@contextmanager
def running_receiver(**options: Any) -> Iterator[Receiver]:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = uvicorn.Config(create_app(bound_to_loopback=True, **options), access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Receiver(f"http://127.0.0.1:{port}", server)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def start_receiver(database_url: str) -> Iterator[StartReceiver]:
    """Starts receivers on free ports; all are stopped when the test ends."""
    with ExitStack() as stack:

        def start(**options: Any) -> Receiver:
            options = {"database_url": database_url, "event_keys": [], "webhook_secrets": [], **options}
            return stack.enter_context(running_receiver(**options))

        yield start


@pytest.fixture
def receiver(start_receiver: StartReceiver) -> Receiver:
    """A receiver without keys, on loopback."""
    return start_receiver()
