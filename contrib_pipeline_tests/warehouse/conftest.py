"""Home folders for the embedded server's tests, removed with their servers."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contrib_pipeline.warehouse.embedded import EmbeddedServer
from contrib_pipeline.warehouse.embedded_watcher import stop


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A home folder whose server was started once: copying its data is quicker than making new ones."""
    with _temporary_home(mode=0o711) as home:
        with EmbeddedServer(home):
            pass
        yield home


@pytest.fixture
def home(initialised: Path) -> Iterator[Path]:
    """A home folder with data, whose server is stopped."""
    with _temporary_home(mode=0o711) as home:
        subprocess.run(["cp", "-a", initialised, home], check=True)
        yield home


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home folder that is not there yet, in a folder that the server's account reaches."""
    with _temporary_home(mode=0o711) as home:
        yield home


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A home folder that is not there yet, in a folder that only its owner may enter, as /root is."""
    with _temporary_home(mode=0o700) as home:
        yield home


@contextlib.contextmanager
def _temporary_home(mode: int) -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="contrib-embedded-"))
    top.chmod(mode)
    try:
        yield top / "home"
    finally:
        folder = (top / "home" / "postgres").resolve()
        stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(top)
