"""A real ``up`` with a home of its own, for the benchmarks that drive one; what they measure is not here."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests


@contextmanager
def up(home: Path, github: str) -> Iterator[str]:
    """``up`` on free ports with ``github`` in GitHub's place; the address that events are posted to."""
    ui, events = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DAGSTER_HOME")}
    environment |= {"CONTRIB_HOME": str(home), "GITHUB_API_URL": github, "GITHUB_TOKEN": "bench"}
    command = [sys.executable, "-m", "contrib_pipeline", "up", "--port", str(ui), "--events-port", str(events)]
    log = home / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        while "Ctrl-C" not in log.read_text():
            if process.poll() is not None:
                sys.exit(f"up ended: {log.read_text()}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{events}/e/bench"
    finally:
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait()
        print(f"stopped in {time.monotonic() - begun:.1f} s")


def post(address: str, events: Sequence[dict[str, object]]) -> list[str]:
    """The ids of acknowledged events. Raises :class:`requests.RequestException` where they were not."""
    answer = requests.post(address, json=list(events), timeout=30)
    answer.raise_for_status()
    return list(answer.json()["ids"])


def load() -> str:
    """What else keeps the machine busy is in the figures."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
