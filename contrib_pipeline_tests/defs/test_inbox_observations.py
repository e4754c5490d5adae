"""The inbox over time: what is observed, and when there is nothing new to observe."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from contrib_pipeline.defs.inbox_observations import observe_inbox
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.warehouse.connection import Connection

SYNC = "capture/repository.sync"


class Watch:
    """Looks through the sensor, each time with the cursor of the last look."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def look(self) -> dict[str, Any] | None:
        """What was observed; None where nothing was worth it."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources={"pipeline": Pipeline()})
        result = observe_inbox(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        if not result.asset_events:
            assert result.skip_reason
            return None
        (observation,) = result.asset_events
        assert observation.asset_key == dg.AssetKey(["events", "inbox"])
        return {name: value.value for name, value in observation.metadata.items()}


@pytest.fixture
def watch(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Watch(instance)


def test_what_waits_what_came_and_what_ended_are_observed(watch: Watch, connection: Connection) -> None:
    ids = inbox.post(connection, [Event(SYNC, {"repository": f"octo/{n}"}) for n in range(3)], "inngest")
    inbox.post(connection, [Event("what is this", {})], "inngest")
    seen = watch.look()
    assert seen is not None
    assert (seen["due"], seen["later"], seen["received"], seen["ended"]) == (3, 0, 4, 1)
    assert (seen["failed"], seen["quarantined"]) == (0, 1)
    assert seen["received_per_minute"] == pytest.approx(0.8, abs=0.01)  # the first look is at five minutes

    queue.claim(connection, ids, "run-1")
    queue.finish(connection, ids[:2], "run-1", "done")
    queue.finish(connection, ids[2:], "run-1", "failed", "no")
    seen = watch.look()
    assert seen is not None
    assert (seen["due"], seen["received"], seen["ended"], seen["failed"]) == (0, 0, 3, 1)


def test_when_the_queue_is_through_is_observed_with_what_is_left_of_githubs_budget(
    watch: Watch, connection: Connection
) -> None:
    ids = inbox.post(connection, [Event(SYNC, {"repository": f"octo/{n}"}) for n in range(3)], "inngest")
    connection.execute(
        "insert into github.budgets (credential, resource, points_limit, points_left, reset_at) values"
        " ('c', 'graphql', 5000, 4711, now() + interval '1 hour'), ('c', 'core', null, null, null)"
    )
    seen = watch.look()
    assert seen is not None
    assert seen["queue"].startswith("unknown")
    assert "minutes_until_through" not in seen
    assert seen["points_left"] == 4711
    rows = [record.data for record in seen["budget"].records]
    assert [(row["resource"], row["points_left"], row["points_limit"]) for row in rows] == [
        ("core", "-", "-"),
        ("graphql", "4711", "5000"),
    ]

    queue.claim(connection, ids[:2], "run-1")
    connection.execute("update events.inbox set not_before = now() - interval '10 min' where state = 'running'")
    queue.finish(connection, ids[:2], "run-1", "done")
    seen = watch.look()
    assert seen is not None
    assert seen["queue"].startswith("through at about ")
    assert seen["minutes_until_through"] == pytest.approx(5, abs=1)


def test_the_age_is_that_of_the_oldest_event_that_waits(watch: Watch, connection: Connection) -> None:
    inbox.post(connection, [Event(SYNC, {"repository": f"octo/{n}"}) for n in range(2)], "inngest")
    connection.execute("update events.inbox set not_before = now() - interval '90 s' where key = 'octo/0'")
    seen = watch.look()
    assert seen is not None
    assert 90 <= seen["oldest_seconds"] < 3600


def test_rest_is_observed_once_and_work_again(watch: Watch, connection: Connection) -> None:
    assert watch.look() is not None
    assert watch.look() is None
    (event_id,) = inbox.post(connection, [Event(SYNC, {"repository": "octo/kit"})], "inngest")
    assert watch.look() is not None
    assert watch.look() is not None, "something is due"
    queue.claim(connection, [event_id], "run-1")
    queue.finish(connection, [event_id], "run-1", "done")
    ended = watch.look()
    assert ended is not None
    assert ended["ended"] == 1
    rest = watch.look()
    assert rest is not None
    assert (rest["received"], rest["ended"]) == (0, 0), "the curve comes down before it stops"
    assert watch.look() is None
