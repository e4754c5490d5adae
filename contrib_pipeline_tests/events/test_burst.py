"""A thousand events at once: every one is claimed exactly once and ends, whoever claims."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.dispatch import Batch, dispatch
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.queue import Claimed
from contrib_pipeline.events.repositories import known
from contrib_pipeline.warehouse.connection import Connection, connect

REPOSITORIES, EACH = 100, 10
POSTERS, LISTENERS, CLAIMERS = 4, 3, 4
FUNCTIONS = ("capture/repository.sync", "capture/pr.details", "sync/discussions", "classify/single-repository")


def event(number: int) -> Event:
    repository = {"owner": "octo", "name": f"kit-{number % REPOSITORIES}"}
    return Event(FUNCTIONS[number % len(FUNCTIONS)], {"repository": repository, "prNumber": number + 1})


def post(database_url: str, numbers: range) -> list[str]:
    with connect(database_url) as connection:
        return [event_id for number in numbers for event_id in inbox.post(connection, [event(number)], "inngest")]


def listen(database_url: str, batches: "SimpleQueue[Batch]", is_over: threading.Event) -> None:
    """A sensor: asks for runs of what is due; each is launched twice, as it is when a first launch seems lost."""
    with connect(database_url) as connection:
        queue.listen(connection)
        while not is_over.is_set():
            pending = queue.due(connection, limit=150)
            for batch in dispatch(pending, known(connection, [e.key for e in pending if e.key])):
                batches.put(batch)
                batches.put(batch)
            if not pending:
                queue.wait(connection, 1.0)


def claim(
    database_url: str, batches: "SimpleQueue[Batch]", claims: "SimpleQueue[str]", is_over: threading.Event
) -> int:
    """Runs one after the other; every third gives its events back at first. How many found nothing left to do."""
    number = in_vain = 0
    with connect(database_url) as connection:
        while not is_over.is_set():
            try:
                batch = batches.get(timeout=0.2)
            except Empty:
                continue
            number += 1
            run_id = f"{threading.get_ident()}-{number}"
            events = queue.claim(connection, batch.event_ids, run_id)
            in_vain += not events
            for event in events:
                claims.put(event.id)
            end(connection, events, run_id, fails=number % 3 == 0)
    return in_vain


def end(connection: Connection, events: list[Claimed], run_id: str, *, fails: bool) -> None:
    ids = [event.id for event in events]
    if fails and all(event.attempts == 1 for event in events):
        queue.give_back(connection, ids, run_id, "killed")
        connection.execute("update events.inbox set not_before = now() where id = any(%s)", (ids,))
        connection.execute("select pg_notify('contrib_inbox', '')")
    else:
        queue.finish(connection, ids, run_id, "done")


def test_a_thousand_events_over_a_hundred_repositories_all_end_and_none_is_lost_or_done_twice(
    database_url: str, connection: Connection
) -> None:
    total = REPOSITORIES * EACH
    batches: SimpleQueue[Batch] = SimpleQueue()
    claims: SimpleQueue[str] = SimpleQueue()
    is_over = threading.Event()
    open_events = "select count(*) as n from events.inbox where state in ('pending', 'running')"
    with ThreadPoolExecutor(POSTERS + LISTENERS + CLAIMERS) as pool:
        listeners = [pool.submit(listen, database_url, batches, is_over) for _ in range(LISTENERS)]
        claimers = [pool.submit(claim, database_url, batches, claims, is_over) for _ in range(CLAIMERS)]
        posted = [pool.submit(post, database_url, range(start, total, POSTERS)) for start in range(POSTERS)]
        ids = [event_id for post_ in posted for event_id in post_.result()]
        try:
            while connection.execute(open_events).fetchone() != {"n": 0}:
                assert not any(worker.done() for worker in (*listeners, *claimers)), "a worker fell"
                is_over.wait(0.1)
        finally:
            is_over.set()
        for listener in listeners:
            listener.result()
        in_vain = sum(claimer.result() for claimer in claimers)
    assert len(set(ids)) == total
    rows = connection.execute("select id, state, attempts from events.inbox").fetchall()
    assert {row["id"] for row in rows} == set(ids)
    assert {row["state"] for row in rows} == {"done"}
    claimed = Counter(claims.get() for _ in range(claims.qsize()))
    assert claimed == {row["id"]: row["attempts"] for row in rows}, "each attempt claimed it once"
    assert {row["attempts"] for row in rows} == {1, 2}, "some were given back"
    assert in_vain > 0, "a second launch of a batch finds nothing to claim"
