"""Processes around an embedded server, for its tests: other users, the server's own, watchers. Needs /proc."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contrib_pipeline.warehouse.connection import connect
from contrib_pipeline.warehouse.embedded_watcher import serving

REPOSITORY = Path(__file__).resolve().parents[2]

_USER = """
import sys
from pathlib import Path
from contrib_pipeline.warehouse.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_user(home: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server of ``home``, until its standard input is closed."""
    command = [options.pop("python", sys.executable), "-c", _USER, str(home)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=REPOSITORY, **pipes, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    """The address that another user printed once it had the server."""
    return process.stdout.readline().strip() or pytest.fail(process.stderr.read())


def server_of(home: Path) -> int | None:
    return serving((home / "postgres").resolve() / "data")


def watchers_of(home: Path) -> list[int]:
    folder = str((home / "postgres").resolve()).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if folder in words and any(word.endswith(b"embedded_watcher.py") for word in words):
                found.append(int(process.name))
    return found


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up, "did not happen within 30 s"
        time.sleep(0.02)


def remember(url: str) -> None:
    with connect(url) as connection:
        connection.execute("create table memory as select generate_series(1, 10000) as n")


def remembered(url: str) -> int:
    with connect(url) as connection:
        return connection.execute("select count(*) as n from memory").fetchone()["n"]
