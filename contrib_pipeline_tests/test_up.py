"""``up`` itself, as a person starts it: the whole way of one event, wrong input, kills, and nothing left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from contrib_pipeline.events import inbox
from contrib_pipeline.warehouse.connection import connect
from contrib_pipeline.warehouse.embedded import EmbeddedServer

COMMAND = [sys.executable, "-m", "contrib_pipeline"]
SEED = (
    b'{"name": "capture/repository.sync", "data": '
    b'{"repository": {"owner": "continuedev", "name": "continue", "github_id": "123456"}}}'
)


@dataclass
class Running:
    """A running ``up``."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    ui: int
    events: int
    database_url: str = ""

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments], env=self.environment, capture_output=True, text=True, timeout=120)

    def json(self, *arguments: str) -> Any:
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def event(self, event_id: str) -> dict[str, Any]:
        """An event's row, read past the command, which takes half a second to start."""
        with connect(self.database_url) as connection:
            return inbox.show(connection, event_id)

    def graphql(self, query: str, **variables: Any) -> Any:
        answer = requests.post(
            f"http://127.0.0.1:{self.ui}/graphql", json={"query": query, "variables": variables}, timeout=30
        )
        return answer.json()["data"]


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home that the server's account reaches, so that all of it goes with the folder (pytest's own are private)."""
    with tempfile.TemporaryDirectory(prefix="contrib-up-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def up() -> Iterator[Running]:
    """``up`` on free ports with the sandbox, in a home of its own."""
    with temporary_home() as home:
        yield from running_up(home)


def running_up(home: Path) -> Iterator[Running]:
    environment = clean_environment(home)
    ui, events = free_port(), free_port()
    log = home / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(ui), "--events-port", str(events)],
            env=environment,
            stdout=out,
            stderr=out,
            text=True,
            start_new_session=True,
        )
    running, server = Running(process, environment, ui, events), EmbeddedServer(home)
    try:
        until(lambda: "Ctrl-C" in log.read_text(), 120, process, log)
        running.database_url = server.start()
        yield running
    finally:
        server.release()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        left = processes_of(home)
        assert not left, f"Ctrl-C left processes behind: {left}"


def test_the_seeds_event_travels_the_whole_way(up: Running) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{up.events}/e/contributor-info",
        data=SEED,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert answer.status_code == 200
    (event_id,) = answer.json()["ids"]
    until(lambda: up.event(event_id)["state"] == "done", 90)
    run_id = up.event(event_id)["run_id"]
    run = up.graphql("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
    until(
        lambda: (
            up.graphql("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)["runOrError"][
                "status"
            ]
            == "SUCCESS"
        ),
        30,
    )
    assert run["runOrError"]["status"] in ("STARTED", "SUCCESS")


def test_the_sandboxs_workspace_gets_its_metrics_by_itself(up: Running) -> None:
    def has_numbers() -> bool:
        with connect(up.database_url) as connection:
            row = connection.execute(
                "select count(*) as days, sum(pull_requests_total) as total from metrics.workspace_daily"
            ).fetchone()
        return bool(row and row["days"] == 90 and row["total"])

    until(has_numbers, 120)
    assert sum(day["pull_requests_opened"] for day in up.json("metrics", "sandbox", "--json")) > 0


def test_the_ui_has_the_assets_and_the_partitions(up: Running) -> None:
    nodes = up.graphql("{ assetNodes { assetKey { path } groupName kinds } }")["assetNodes"]
    assert {"path": ["github", "pull_requests"]} in [node["assetKey"] for node in nodes]
    until(lambda: "continuedev/continue" in partitions(up), 90)


def test_a_second_up_says_that_there_is_one(up: Running) -> None:
    second = up.command("up", "--port", str(free_port()), "--events-port", str(free_port()))
    assert second.returncode == 1
    assert re.search(
        r"^Error: contrib-pipeline is already up on this database: process \d+", second.stderr, re.MULTILINE
    )
    assert "Traceback" not in second.stderr


def test_wrong_input_is_answered_in_one_line(up: Running) -> None:
    for arguments in (
        ["workspace", "show", "nobody"],
        ["metrics", "nobody"],
        ["events", "show", "nothing"],
        ["send", "capture/repository.sync", "--port", str(free_port())],
        ["export", "nothing.here", "--output", "x.csv"],
    ):
        done = up.command(*arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("Error: "), (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_event_that_is_not_understood_is_kept_and_can_be_corrected(up: Running) -> None:
    sent = up.command("send", "capture/pr.details", "--data", '{"pr": 1}', "--port", str(up.events))
    assert sent.returncode == 0, sent.stderr
    event_id = sent.stdout.strip()
    assert up.json("events", "show", event_id)["state"] == "quarantined"
    corrected = '{"repository": "continuedev/continue", "pr_number": 1}'
    assert up.command("events", "replay", event_id, "--data", corrected).returncode == 0
    until(lambda: up.event(event_id)["state"] == "done", 90)


def test_a_command_captures_beside_a_running_up(up: Running) -> None:
    done = up.command("capture", "tinkerbox/tinker-cli", "--history")
    assert done.returncode == 0, done.stderr
    assert "asking the sandbox" in done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["pull_requests"] >= 40
    assert {"repositories", "reviews", "comments", "changed", "requests", "points", "seconds", "run_id"} <= set(result)


@pytest.mark.parametrize("name", ["events", "daemon", "code"])
def test_a_killed_child_comes_back(up: Running, name: str) -> None:
    before = child(up, name)
    os.kill(before, signal.SIGKILL)
    until(lambda: child(up, name) not in (0, before), 60)
    sent = None

    def sends() -> bool:
        nonlocal sent
        sent = up.command(
            "send",
            "capture/repository.sync",
            "--data",
            '{"repository": "tinkerbox/tinker-cli", "reason": "manual"}',
            "--port",
            str(up.events),
        )
        return sent.returncode == 0

    until(sends, 60)
    assert sent is not None
    until(lambda: up.event(sent.stdout.strip())["state"] == "done", 120)


def test_everything_ends_when_up_is_killed(home: Path) -> None:
    environment = clean_environment(home)
    log = home / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*COMMAND, "up", "--port", str(free_port()), "--events-port", str(free_port())],
            env=environment,
            stdout=out,
            stderr=out,
            text=True,
        )
    until(lambda: "Ctrl-C" in log.read_text(), 120, process, log)
    assert processes_of(home)
    process.kill()
    process.wait()
    until(lambda: not processes_of(home), 30)


def test_stock_dagster_works_with_the_exports(home: Path) -> None:
    environment = clean_environment(home)
    project = Path(__file__).resolve().parents[1]
    exports = subprocess.run(
        [*COMMAND, "env"], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    variables = dict(line.removeprefix("export ").split("=", 1) for line in exports.stdout.splitlines())
    environment |= {name: value.strip("'") for name, value in variables.items()}
    checked = subprocess.run(
        [Path(sys.executable).with_name("dg"), "check", "defs"],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    port = free_port()
    with (home / "dev.log").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-p", str(port)],
            env=environment,
            cwd=project,
            stdout=out,
            stderr=out,
        )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/server_info"), 120, process, home / "dev.log")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        for pid in processes_of(home):
            if "contrib_pipeline.cli.keeper" in command_line(pid):
                os.kill(pid, signal.SIGTERM)
    until(lambda: not processes_of(home), 30)


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of a person who has set nothing but CONTRIB_HOME."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("GITHUB_", "DAGSTER_", "INNGEST_", "CONTRIB_"))}
    kept.pop("DATABASE_URL", None)
    return {**kept, "CONTRIB_HOME": str(home), "COLUMNS": "200"}


def partitions(up: Running) -> list[str]:
    query = """{ assetNodes(assetKeys: [{path: ["github", "pull_requests"]}]) { partitionKeys } }"""
    keys: list[str] = up.graphql(query)["assetNodes"][0]["partitionKeys"]
    return keys


def child(up: Running, name: str) -> int:
    """The pid of one of ``up``'s children; 0 while there is none."""
    marks = {"events": "serve-events", "daemon": "contrib_pipeline.daemon", "code": "dagster api grpc"}
    for entry in Path("/proc").iterdir():
        pid = int(entry.name) if entry.name.isdigit() else 0
        if pid and marks[name] in command_line(pid) and parent(pid) == up.process.pid:
            return pid
    return 0


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def processes_of(home: Path) -> list[int]:
    """Processes that have the home folder in their command line or environment."""
    mark = str(home).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "cmdline").read_bytes() or mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def until(
    is_so: Callable[[], bool], seconds: float, process: subprocess.Popen[Any] | None = None, log: Path | None = None
) -> None:
    """Return as soon as ``is_so``; fail after ``seconds``, or when ``process`` has ended."""
    deadline = time.monotonic() + seconds
    while not is_so():
        said = log.read_text() if log else ""
        assert time.monotonic() < deadline, f"not so after {seconds} s: {said}"
        assert process is None or process.poll() is None, f"it ended: {said}"
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
