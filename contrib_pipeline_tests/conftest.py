"""What every test may use: a clean environment, a scratch database, the real data.

Scratch databases are made on the server that CONTRIB_TEST_DATABASE_URL names, else on an embedded server of this
test session. Nothing here knows Dagster.
"""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer
from contrib_pipeline.warehouse.migrate import migrate

_SERVER = "CONTRIB_TEST_DATABASE_URL"
_SETTINGS = re.compile(
    "DATABASE_URL|EVENT_KEYS|BOT_LOGINS|METRICS_RETENTION_DAYS|CELERY_BROKER_URL|DAGSTER_HOME"
    "|(GITHUB|INNGEST|CONTRIB)_.*"
)
_REAL_DATA = Path(__file__).resolve().parents[1] / "../shared/data"


_SLOWEST_FIRST = (
    "test_up.py",
    "test_kills.py",
    "events/test_odd_requests.py",
    "instance/test_runs.py",
    "metrics/test_compute.py",
    "capture/test_random_histories.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for processes go first, so that neither worker is left alone with them at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((n for n, name in enumerate(_SLOWEST_FIRST) if path.endswith(name)), len(_SLOWEST_FIRST))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the person who runs it."""
    for name in [name for name in os.environ if _SETTINGS.fullmatch(name) and name != _SERVER]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A server on which scratch databases may be made, shared by the whole session."""
    if url := os.environ.get(_SERVER):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="contrib-pipeline-tests-") as folder:
        Path(folder).chmod(0o711)  # run as root, the server has a user of its own that must get in
        with EmbeddedServer(Path(folder)) as url:
            with connect(url) as server:  # what a test wrote need not outlive a power cut
                server.execute("alter system set fsync = off")
                server.execute("select pg_reload_conf()")
            yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that is copied for each test."""
    name = _scratch_name()
    with _database(server_url, name, template="template0"):
        migrate(_on(server_url, name))
        yield name


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A fresh database without any table of ours."""
    name = _scratch_name()
    with _database(server_url, name, template="template0"):
        yield _on(server_url, name)


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh migrated database of this test alone; dropped afterwards, whoever is still connected."""
    name = _scratch_name()
    with _database(server_url, name, template=template):
        yield _on(server_url, name)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """An open connection to ``database_url``."""
    with connect(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real GitHub data beside the repository; its README.md says what is in it."""
    if not _REAL_DATA.is_dir():
        pytest.skip(f"the real data is not there: {_REAL_DATA}")
    return _REAL_DATA.resolve()


@contextmanager
def _database(server_url: str, name: str, *, template: str) -> Iterator[None]:
    with connect(server_url) as server:
        server.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield
    finally:
        with connect(server_url) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _scratch_name() -> str:
    return f"contrib_test_{os.getpid()}_{secrets.token_hex(4)}"


def _on(server_url: str, database: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{database}").geturl()
