"""Events on their way out: asked for once, done once, given back when a run dies."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.commands import HISTORY, Cancel, Sync
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.queue import Wake
from contrib_pipeline.warehouse.connection import Connection, connect


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """A second session."""
    with connect(database_url) as opened:
        yield opened


def post(
    connection: Connection, *repositories: str, name: str = "capture/repository.sync", delay: int = 0
) -> list[str]:
    events = [Event(name, {"repository": repository, "pr_number": 1}) for repository in repositories]
    return inbox.post(connection, events, "inngest", delay=timedelta(seconds=delay))


def ids(events: list[queue.Pending]) -> list[str]:
    return [event.id for event in events]


def state(connection: Connection, event_id: str) -> str:
    return str(inbox.show(connection, event_id)["state"])


def forget_request(connection: Connection) -> None:
    connection.execute("update events.inbox set requested_at = requested_at - interval '20 seconds'")


def test_what_is_due_is_asked_for_once_and_again_when_no_run_took_it(connection: Connection) -> None:
    posted = post(connection, "octo/a", "octo/b")
    assert ids(queue.due(connection)) == posted
    assert queue.due(connection) == []
    forget_request(connection)
    assert ids(queue.due(connection)) == posted


def test_the_most_urgent_comes_first_then_the_oldest(connection: Connection) -> None:
    history = post(connection, "octo/a", name="capture/repository.sync-enhanced")
    syncs = post(connection, "octo/b", "octo/c")
    details = post(connection, "octo/d", name="capture/pr.details")
    assert ids(queue.due(connection)) == [*details, *syncs, *history]


def test_a_history_and_the_other_events_of_its_repository_do_not_wait_for_each_other(connection: Connection) -> None:
    first = post(connection, "octo/a", name=HISTORY)
    assert ids(queue.due(connection)) == first
    queue.claim(connection, first, "walk")
    sync = post(connection, "octo/a")
    another = post(connection, "octo/a", name=HISTORY)
    assert ids(queue.due(connection)) == sync
    queue.claim(connection, sync, "sync")
    later = post(connection, "octo/a")
    assert queue.due(connection) == []
    queue.finish(connection, first, "walk", "done")
    assert ids(queue.due(connection)) == another
    queue.finish(connection, sync, "sync", "done")
    assert ids(queue.due(connection)) == later


def test_captures_wait_while_enough_runs_capture_and_then_go_together(connection: Connection) -> None:
    held = {run: post(connection, f"octo/{run}") for run in ("one", "two", "three")}
    for run, events in held.items():
        queue.claim(connection, events, run)
    waiting = post(connection, "octo/a", "octo/b")
    assert queue.due(connection) == []
    assert queue.due(connection, in_flight=1) == []
    queue.finish(connection, held["one"], "one", "done")
    waiting += post(connection, "octo/c")
    assert ids(queue.due(connection)) == waiting


def test_more_runs_capture_where_github_may_be_asked_more_at_a_time(connection: Connection) -> None:
    for run in ("one", "two", "three"):
        queue.claim(connection, post(connection, f"octo/{run}"), run)
    waiting = post(connection, "octo/a")
    assert ids(queue.due(connection, in_flight=3)) == waiting


def test_what_is_more_urgent_than_what_runs_capture_does_not_wait(connection: Connection) -> None:
    for run in ("one", "two", "three"):
        queue.claim(connection, post(connection, f"octo/{run}", name=HISTORY), run)
    post(connection, "octo/a", name=HISTORY)
    syncs = post(connection, "octo/b")
    assert ids(queue.due(connection)) == syncs


def test_what_is_no_capture_waits_for_no_capture(connection: Connection) -> None:
    for run in ("one", "two", "three"):
        queue.claim(connection, post(connection, f"octo/{run}"), run)
    (event,) = inbox.post(connection, [Event("scheduled/workspace-aggregation", {})], "schedule")
    assert ids(queue.due(connection)) == [event]


def test_an_event_is_not_due_before_its_time(connection: Connection) -> None:
    post(connection, "octo/a", delay=3600)
    assert queue.due(connection) == []


def test_an_event_waits_while_a_run_holds_its_repository_or_is_asked_to(connection: Connection) -> None:
    (first,) = post(connection, "octo/a")
    queue.due(connection)
    (second,) = post(connection, "Octo/A", name="capture/pr.details")
    (elsewhere,) = post(connection, "octo/b")
    assert ids(queue.due(connection)) == [elsewhere]
    queue.claim(connection, [first], "run-1")
    assert queue.due(connection) == []
    queue.finish(connection, [first], "run-1", "done")
    assert ids(queue.due(connection)) == [second]


def test_work_on_everything_is_held_function_by_function(connection: Connection) -> None:
    def everything(name: str) -> str:
        return inbox.post(connection, [Event(name, {})], "schedule")[0]

    first = everything("cleanup/workspace-metrics")
    queue.claim(connection, [first], "run-1")
    everything("cleanup/workspace-metrics")
    other_work = everything("sync/workspace-priorities")
    assert ids(queue.due(connection)) == [other_work]


def test_a_cancellation_waits_for_nothing(connection: Connection) -> None:
    cancellation = Event("cancel/function", {"reason": "user_requested"})
    for _ in range(2):
        (event_id,) = inbox.post(connection, [cancellation], "inngest")
        assert ids(queue.due(connection)) == [event_id]


def test_two_listeners_at_once_never_ask_for_the_same_repository(
    database_url: str, connection: Connection, other: Connection
) -> None:
    post(connection, "octo/a")
    with connect(database_url) as second, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            assert len(queue.due(connection)) == 1
            post(other, "octo/a")
            asked = pool.submit(queue.due, second)
            waiting = "select from pg_locks where locktype = 'advisory' and not granted"
            while not asked.done() and other.execute(waiting).fetchone() is None:
                pass
        assert asked.result() == []


def test_an_event_is_claimed_by_one_run_with_its_command(connection: Connection, other: Connection) -> None:
    posted = post(connection, "octo/a", "octo/b")
    claimed = queue.claim(connection, posted, "run-1")
    assert [event.command for event in claimed] == [Sync("octo/a"), Sync("octo/b")]
    assert [event.attempts for event in claimed] == [1, 1]
    assert queue.claim(other, posted, "run-2") == []
    assert queue.running(other) == {"run-1": posted}


def test_an_event_that_is_no_longer_understood_is_quarantined_when_it_is_claimed(
    connection: Connection,
) -> None:
    (event_id,) = post(connection, "octo/a")
    connection.execute("""update events.inbox set data = '{"repositoryId": 5}'""")
    assert queue.claim(connection, [event_id], "run-1") == []
    assert state(connection, event_id) == "quarantined"


def test_only_the_run_that_holds_an_event_ends_it(connection: Connection) -> None:
    (event_id,) = post(connection, "octo/a")
    queue.claim(connection, [event_id], "run-1")
    assert queue.finish(connection, [event_id], "run-2", "done") == []
    assert state(connection, event_id) == "running"
    assert queue.finish(connection, [event_id], "run-1", "skipped", "Fresh.") == [event_id]
    row = inbox.show(connection, event_id)
    assert (row["state"], row["reason"], row["run_id"]) == ("skipped", "Fresh.", "run-1")
    assert row["finished_at"] is not None


def test_after_three_retries_an_event_has_failed(connection: Connection) -> None:
    (event_id,) = post(connection, "octo/a")
    states = []
    for _ in range(4):
        queue.claim(connection, [event_id], "run-1")
        states.append(queue.give_back(connection, [event_id], "run-1", "GitHub said no.")[event_id])
    assert states == ["pending", "pending", "pending", "failed"]
    row = inbox.show(connection, event_id)
    assert (row["attempts"], row["reason"]) == (4, "GitHub said no.")


def test_the_pauses_between_retries_grow_as_inngests_do(connection: Connection) -> None:
    (event_id,) = post(connection, "octo/a")
    for base in (15, 30, 60):
        queue.claim(connection, [event_id], "run-1")
        before = datetime.now(UTC)
        queue.give_back(connection, [event_id], "run-1", "GitHub said no.")
        after = datetime.now(UTC)
        not_before = inbox.show(connection, event_id)["not_before"]
        assert before + timedelta(seconds=base) <= not_before <= after + timedelta(seconds=base + 30)


def test_deferred_work_is_not_counted_as_an_attempt(connection: Connection) -> None:
    (event_id,) = post(connection, "octo/a")
    until = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(6):
        queue.claim(connection, [event_id], "run-1")
        assert queue.put_back(connection, [event_id], "run-1", "No points left.", not_before=until) == [event_id]
    row = inbox.show(connection, event_id)
    assert (row["state"], row["attempts"], row["not_before"]) == ("pending", 0, until)


def test_a_dead_runs_events_are_given_back_and_done_by_another(connection: Connection) -> None:
    (event_id,) = post(connection, "octo/a")
    queue.claim(connection, [event_id], "dead")
    for run_id, held in queue.running(connection).items():
        queue.give_back(connection, held, run_id, "Its run died.", not_before=datetime.now(UTC))
    assert ids(queue.due(connection)) == [event_id]
    assert [event.attempts for event in queue.claim(connection, [event_id], "run-2")] == [2]
    assert queue.give_back(connection, [event_id], "dead", "Its run died.") == {}


def test_a_cancellation_reaches_pending_and_running_events_of_a_repository_only(
    connection: Connection,
) -> None:
    pending, elsewhere = post(connection, "octo/a", "octo/b")
    (held,) = post(connection, "octo/a")
    queue.claim(connection, [held], "run-1")
    reached = queue.cancel(connection, Cancel(repository="Octo/A"), reason="Because.")
    assert (set(reached.event_ids), reached.run_ids) == ({pending, held}, ("run-1",))
    assert [state(connection, each) for each in (pending, held, elsewhere)] == [
        "cancelled",
        "cancelled",
        "pending",
    ]
    assert queue.finish(connection, [held], "run-1", "done") == []


@pytest.mark.parametrize("by", ["id", "external_id", "run_id", "nothing"])
def test_a_cancellation_may_name_an_event_or_a_run_or_nothing(connection: Connection, by: str) -> None:
    (event_id,) = inbox.post(connection, [Event("capture/repository.sync", {"repository": "a/b"}, "mine")], "inngest")
    queue.claim(connection, [event_id], "run-1")
    what = {
        "id": Cancel(event_id=event_id),
        "external_id": Cancel(event_id="mine"),
        "run_id": Cancel(run_id="run-1"),
    }
    (untouched,) = post(connection, "octo/b")
    reached = queue.cancel(connection, what.get(by, Cancel()), reason="Because.")
    assert event_id in reached.event_ids
    assert reached.run_ids == ("run-1",)
    assert state(connection, untouched) == ("cancelled" if by == "nothing" else "pending")


def test_a_cancellation_event_is_carried_out_and_leaves_what_came_later(connection: Connection) -> None:
    (before,) = post(connection, "octo/a")
    queue.claim(connection, [before], "run-1")
    data = {"reason": "user_requested", "repository": {"owner": "octo", "name": "a"}}
    (cancellation,) = inbox.post(connection, [Event("cancel/function", data)], "inngest")
    (after,) = post(connection, "octo/a")
    assert queue.carry_out_cancellations(connection, [cancellation], "sensor") == ["run-1"]
    assert [state(connection, each) for each in (before, cancellation, after)] == [
        "cancelled",
        "done",
        "pending",
    ]


def test_a_wait_ends_when_an_event_comes_even_before_it_began(connection: Connection, other: Connection) -> None:
    queue.listen(connection)
    assert queue.due(connection) == []
    post(other, "octo/a")
    assert queue.wait(connection, 60) == Wake.EVENTS
    assert len(queue.due(connection)) == 1


def test_a_wait_ends_when_a_run_lets_go(connection: Connection, other: Connection) -> None:
    (event_id,) = post(other, "octo/a")
    queue.claim(other, [event_id], "run-1")
    queue.listen(connection)
    queue.finish(other, [event_id], "run-1", "done")
    assert queue.wait(connection, 60) == Wake.EVENTS


def test_a_wait_ends_when_an_event_becomes_due(connection: Connection) -> None:
    inbox.post(connection, [Event("cleanup/workspace-metrics", {})], "cli", delay=timedelta(milliseconds=200))
    queue.listen(connection)
    assert queue.wait(connection, 60) == Wake.EVENTS
    assert len(queue.due(connection)) == 1


def test_a_wait_ends_when_all_waits_are_told_to(connection: Connection, other: Connection) -> None:
    queue.listen(connection)
    queue.stop_waiting(other)
    post(other, "octo/a")
    assert queue.wait(connection, 60) == Wake.STOP


def test_a_wait_in_which_nothing_happens_ends_by_itself(connection: Connection) -> None:
    queue.listen(connection)
    assert queue.wait(connection, 0.05) == Wake.TIMEOUT
