"""Real runs through what dagster.yaml names: forked, cold, cancelled, killed. An upgrade of Dagster shows here."""

import os
import signal
import subprocess

from contrib_pipeline.defs.runs import give_back_events_of_dead_runs
from contrib_pipeline.instance import fork_server
from contrib_pipeline_tests.instance.conftest import Installation, is_alive, parent, until

SLOW = 600.0


def test_a_run_is_forked_from_the_warm_process_and_shows_its_output(
    installation: Installation, warm: subprocess.Popen[bytes]
) -> None:
    run_id = installation.launch()
    installation.ends_as(run_id, "SUCCESS")
    assert not [message for message in installation.messages(run_id) if "cold start" in message]
    logs = installation.home / "files" / run_id / "compute_logs"
    assert {path.suffix for path in logs.iterdir()} == {".out", ".err", ".complete"}
    assert "STEP_SUCCESS" in next(logs.glob("*.err")).read_text()


def test_without_a_warm_process_a_run_waits_in_the_queue_and_starts_cold(installation: Installation) -> None:
    run_id = installation.launch()
    assert installation.status(run_id) == "QUEUED"
    installation.instance.launch_run(run_id, None)  # type: ignore[arg-type]
    installation.ends_as(run_id, "SUCCESS")
    assert [message for message in installation.messages(run_id) if "cold start" in message]
    until(lambda: fork_server.serves(installation.home), lambda: "no warm process for the next run")


def test_a_cancelled_run_ends_as_such_and_gives_its_events_back(
    installation: Installation, warm: subprocess.Popen[bytes]
) -> None:
    installation.app.state.faults.latency_seconds = SLOW
    run_id = installation.launch("octo/hello")
    pid = installation.process(run_id)
    assert parent(pid) == warm.pid
    assert installation.instance.run_launcher.terminate(run_id)
    installation.ends_as(run_id, "CANCELED")
    assert installation.event_states() == ["pending"]
    assert not installation.instance.run_launcher.terminate(run_id)


def test_a_killed_run_is_found_dead_and_its_events_are_given_back(
    installation: Installation, warm: subprocess.Popen[bytes]
) -> None:
    a_killed_run_is_found_dead(installation)


def test_runs_end_with_their_fork_server_even_when_it_is_killed(
    installation: Installation, warm: subprocess.Popen[bytes]
) -> None:
    installation.app.state.faults.latency_seconds = SLOW
    run_id = installation.launch("octo/hello")
    pid = installation.process(run_id)
    warm.kill()
    until(lambda: not is_alive(pid), lambda: f"{pid} lives")
    installation.ends_as(run_id, "FAILURE")
    assert installation.event_states() == ["pending"]


def a_killed_run_is_found_dead(installation: Installation) -> None:
    """And its events are given back."""
    installation.app.state.faults.latency_seconds = SLOW
    run_id = installation.launch("octo/hello")
    pid = installation.process(run_id)
    assert health(installation, run_id) == "RUNNING"
    os.kill(pid, signal.SIGKILL)
    until(lambda: health(installation, run_id) == "NOT_FOUND", lambda: health(installation, run_id))
    assert give_back_events_of_dead_runs(installation.connection, installation.instance) == [run_id]
    assert installation.status(run_id) == "FAILURE"
    assert installation.event_states() == ["pending"]


def health(installation: Installation, run_id: str) -> str:
    run = installation.instance.get_run_by_id(run_id)
    assert run is not None
    return installation.instance.run_launcher.check_run_worker_health(run).status.value
