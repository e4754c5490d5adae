"""The sensors: what is waited for, what is asked for, and when."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from contrib_pipeline.defs import sensors
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.instance import liveness
from contrib_pipeline.metrics.reopened import Waiting
from contrib_pipeline.warehouse.connection import Connection, connect

PATIENCE_SECONDS = 60.0
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Tick = Callable[[], dg.SensorResult | dg.SkipReason]


@pytest.fixture
def tick(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tick]:
    """One tick of an inbox sensor."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda: sensors.take_inbox(dg.build_sensor_context(instance), Pipeline())


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


def test_events_that_are_there_become_one_run_at_once(tick: Tick, connection: Connection) -> None:
    ids = post(connection, "octo/hello", "octo/world")
    assert asked_for([tick()]) == [sorted(ids)]


def test_an_event_that_comes_while_the_sensor_waits_is_asked_for(
    tick: Tick, connection: Connection, threads: ThreadPoolExecutor
) -> None:
    waiting = threads.submit(tick)
    until_waiting(connection, 1)
    ids = post(connection, "octo/hello")
    assert asked_for([waiting.result(PATIENCE_SECONDS)]) == [ids]


def test_of_several_waiting_sensors_one_asks_and_the_others_wait_on(
    tick: Tick, connection: Connection, threads: ThreadPoolExecutor
) -> None:
    waiting = [threads.submit(tick) for _ in range(3)]
    until_waiting(connection, 3)
    ids = post(connection, "octo/hello")
    done, others = wait(waiting, PATIENCE_SECONDS, "FIRST_COMPLETED")
    assert asked_for([tick.result() for tick in done]) == [ids]
    assert len(others) == 2
    stop(connection, others)
    assert asked_for([tick.result(PATIENCE_SECONDS) for tick in others]) == []


def test_the_end_of_the_daemon_ends_the_wait(tick: Tick, connection: Connection, threads: ThreadPoolExecutor) -> None:
    waiting = threads.submit(tick)
    until_waiting(connection, 1)
    queue.stop_waiting(connection)
    assert isinstance(waiting.result(PATIENCE_SECONDS), dg.SkipReason)


def test_a_wait_ends_by_itself(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "_WAIT_SECONDS", 0.01)
    assert isinstance(tick(), dg.SkipReason)


def test_events_of_a_killed_run_are_given_back_and_those_of_a_living_one_are_not(
    tick: Tick, database_url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "_WAIT_SECONDS", 0.01)
    killed, living = post(connection, "octo/hello", "octo/world")
    queue.claim(connection, [killed], "a-killed-run")
    queue.claim(connection, [living], "a-living-run")
    with connect(database_url) as run:
        liveness.hold(run, "a-living-run")
        tick()
    rows = connection.execute("select id, state from events.inbox").fetchall()
    assert {row["id"]: row["state"] for row in rows} == {killed: "pending", living: "running"}


def test_a_cancellation_is_carried_out_without_a_run(tick: Tick, connection: Connection) -> None:
    (event,) = post(connection, "octo/hello")
    cancel = Event("cancel/function", {"reason": "user_requested", "event_id": event})
    inbox.post(connection, [cancel], "inngest")
    asked = asked_for([tick()])
    states = {row["id"]: row["state"] for row in connection.execute("select id, state from events.inbox")}
    assert states[event] == "cancelled"
    assert asked in ([], [[event]])  # what was asked for in the same look finds its event cancelled


def test_three_sensors_wait_alike() -> None:
    assert [sensor.name for sensor in sensors.inbox] == ["inbox", "inbox_2", "inbox_3"]
    assert len({sensor.description for sensor in sensors.inbox}) == 1
    assert {sensor.default_status for sensor in sensors.inbox} == {dg.DefaultSensorStatus.RUNNING}


@pytest.mark.parametrize(
    ("marks", "last", "reason"),
    [
        (Waiting(repositories=0, since=None, from_day=None), None, "No day"),
        (Waiting(repositories=2, since=NOW - timedelta(seconds=9), from_day=NOW.date()), None, "2 repositories"),
        (Waiting(repositories=2, since=NOW - timedelta(seconds=11), from_day=NOW.date()), None, None),
        (
            Waiting(repositories=2, since=NOW - timedelta(seconds=11), from_day=NOW.date()),
            NOW - timedelta(minutes=4),
            "Only today",
        ),
        (
            Waiting(repositories=2, since=NOW - timedelta(seconds=11), from_day=NOW.date() - timedelta(days=1)),
            NOW - timedelta(minutes=4),
            None,
        ),
        (
            Waiting(repositories=2, since=NOW - timedelta(minutes=5), from_day=NOW.date() - timedelta(days=1)),
            NOW - timedelta(seconds=59),
            "A run was asked for",
        ),
        (
            Waiting(repositories=2, since=NOW - timedelta(minutes=5), from_day=NOW.date() - timedelta(days=1)),
            NOW - timedelta(seconds=61),
            None,
        ),
    ],
)
def test_reopened_days_wait_until_changes_have_settled(
    marks: Waiting, last: datetime | None, reason: str | None
) -> None:
    found = sensors.wait_reason(marks, last, NOW)
    assert found is None if reason is None else (found or "").startswith(reason)


def post(connection: Connection, *repositories: str) -> list[str]:
    events = [Event("capture/repository.sync", {"repository": name, "reason": "manual"}) for name in repositories]
    return list(inbox.post(connection, events, "inngest"))


def asked_for(results: list[dg.SensorResult | dg.SkipReason]) -> list[list[str]]:
    """The events of each run that was asked for."""
    requests = [r for result in results if isinstance(result, dg.SensorResult) for r in result.run_requests or []]
    return [sorted(request.run_config["ops"]["capture_repositories"]["config"]["events"]) for request in requests]


def until_waiting(connection: Connection, sensors_waiting: int) -> None:
    """Return when so many sensors have found nothing and wait; each then has asked how long it may."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    query = "select from pg_stat_activity where datname = current_database() and state = 'idle' and query ~ %s"
    while connection.execute(query, ("statement_timestamp.*as seconds",)).rowcount < sensors_waiting:
        assert time.monotonic() < deadline, "no sensor waits"
        threading.Event().wait(0.02)


def stop(connection: Connection, ticks: set[Future[dg.SensorResult | dg.SkipReason]]) -> None:
    while not all(tick.done() for tick in ticks):
        queue.stop_waiting(connection)
        threading.Event().wait(0.02)
