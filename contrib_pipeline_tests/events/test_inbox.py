"""Events on their way in: nothing is lost, nothing is done twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.errors import EventError
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.repositories import alias, known
from contrib_pipeline.warehouse.connection import Connection, connect

UUID_1 = "4e419934-36e5-4681-946c-87a932ed9268"
OCTO = {"repository": {"owner": "octo", "name": "kit"}}


def sync(external_id: str | None = None, **data: Any) -> Event:
    return Event("capture/repository.sync", data or OCTO, external_id)


def post_one(connection: Connection, event: Event, source: inbox.Source = "inngest") -> inbox.Row:
    (event_id,) = inbox.post(connection, [event], source)
    return inbox.show(connection, event_id)


def hold_repository(connection: Connection, name: str, repository_id: int, *, tracked: bool = True) -> None:
    owner, _, bare = name.partition("/")
    connection.execute(
        "insert into github.repositories (id, node_id, owner, name, name_with_owner, is_tracked, size, read_at)"
        " values (%s, 'n', %s, %s, %s, %s, 'small', now())",
        (repository_id, owner, bare, name, tracked),
    )


def rename(connection: Connection, repository_id: int, name: str) -> None:
    owner, _, bare = name.partition("/")
    connection.execute(
        "update github.repositories set owner = %s, name = %s, name_with_owner = %s where id = %s",
        (owner, bare, name, repository_id),
    )


def test_an_understood_event_is_pending_with_its_function_key_and_priority(connection: Connection) -> None:
    row = post_one(connection, Event("capture/repository.sync-graphql", {"repository": "Octo/Kit"}))
    assert (row["state"], row["function"], row["key"]) == ("pending", "capture/repository.sync", "octo/kit")
    assert row["priority"] > 0
    assert row["source"] == "inngest"


def test_events_keep_their_order_and_get_ids_in_that_order(connection: Connection) -> None:
    ids = inbox.post(connection, [sync(repository=f"octo/kit{n}") for n in range(20)], "inngest")
    assert ids == sorted(ids)
    assert [inbox.show(connection, id_)["key"] for id_ in ids] == [f"octo/kit{n}" for n in range(20)]


def test_an_event_that_is_not_understood_is_quarantined_whole(connection: Connection) -> None:
    row = post_one(connection, Event("capture/repository.sync", {"repo": "kit", "x": [1, {"y": None}]}))
    assert row["state"] == "quarantined"
    assert "repository.owner is missing" in row["reason"]
    assert row["data"] == {"repo": "kit", "x": [1, {"y": None}]}


def test_an_event_of_the_application_without_work_is_skipped_with_the_reason(connection: Connection) -> None:
    row = post_one(connection, Event("capture/repository.issues", {"repositoryId": UUID_1}))
    assert row["state"] == "skipped"
    assert "issues are not captured" in row["reason"]


def test_secrets_and_characters_that_postgres_cannot_hold_are_not_stored(connection: Connection) -> None:
    event = Event("a\x00b", {"github_token": "ghp_x", "text": "a\x00b\ud800", "big": 10**30}, "id\x00")
    row = post_one(connection, event)
    assert row["data"] == {"text": "a\ufffdb\ufffd", "big": 10**30}
    assert row["name"] == "a\ufffdb"
    assert row["external_id"] == "id\ufffd"


def test_a_senders_id_that_came_before_is_skipped_and_names_the_first(connection: Connection) -> None:
    first = post_one(connection, sync("id-1"))
    second = post_one(connection, Event("cleanup/workspace-metrics", {}, "id-1"))
    assert second["state"] == "skipped"
    assert first["id"] in second["reason"]
    assert post_one(connection, sync("id-2"))["state"] == "pending"


def test_the_same_senders_id_twice_in_one_request_is_done_once(connection: Connection) -> None:
    ids = inbox.post(connection, [sync("id-1"), sync("id-1")], "inngest")
    assert [inbox.show(connection, id_)["state"] for id_ in ids] == ["pending", "skipped"]


def test_a_senders_id_is_free_again_after_a_day(connection: Connection) -> None:
    post_one(connection, sync("id-1"))
    connection.execute("update events.external_ids set seen_at = now() - interval '24 hours 1 second'")
    again = post_one(connection, sync("id-1"))
    assert again["state"] == "pending"
    assert again["id"] in post_one(connection, sync("id-1"))["reason"]


def test_a_quarantined_event_may_be_sent_again_corrected_under_its_id(connection: Connection) -> None:
    assert post_one(connection, sync("id-1", repo="kit"))["state"] == "quarantined"
    assert post_one(connection, sync("id-1", repo="octo/kit"))["state"] == "pending"


def test_an_endless_senders_id_is_remembered_too(connection: Connection) -> None:
    assert post_one(connection, sync("x" * 100_000))["state"] == "pending"
    assert post_one(connection, sync("x" * 100_000))["state"] == "skipped"
    assert post_one(connection, sync("x" * 100_001))["state"] == "pending"


def test_of_many_posts_of_one_id_at_once_exactly_one_is_done(database_url: str) -> None:
    def post(_: int) -> str:
        with connect(database_url) as connection:
            return str(post_one(connection, sync("id-1"))["state"])

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(post, range(16)))
    assert sorted(states) == ["pending"] + ["skipped"] * 15


def test_posts_with_the_same_ids_in_other_orders_do_not_deadlock(database_url: str) -> None:
    def post(turn: int) -> None:
        ids = [f"id-{n}" for n in range(50)][:: -1 if turn % 2 else 1]
        with connect(database_url) as connection:
            inbox.post(connection, [sync(id_) for id_ in ids], "inngest")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, range(8)))
    with connect(database_url) as connection:
        assert len(inbox.list_events(connection, state="pending", limit=1000)) == 50


def test_the_same_event_with_the_same_ulid_is_one_row(connection: Connection) -> None:
    event = Event("capture/repository.sync", OCTO, "id-1", id="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert inbox.post(connection, [event], "inngest") == inbox.post(connection, [event], "inngest")
    assert [row["state"] for row in inbox.list_events(connection)] == ["pending"]


def test_another_event_with_a_ulid_that_is_taken_gets_an_id_of_its_own(connection: Connection) -> None:
    taken = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    inbox.post(connection, [Event("cleanup/workspace-metrics", {}, id=taken)], "inngest")
    (other,) = inbox.post(connection, [Event("capture/repository.sync", OCTO, id=taken)], "inngest")
    assert other != taken
    assert inbox.show(connection, other)["key"] == "octo/kit"


def test_a_batch_is_written_whole_or_not_at_all(connection: Connection) -> None:
    with pytest.raises(ValueError, match="JSON"):
        inbox.post(connection, [sync(), Event("capture/repository.sync", {"x": float("nan")})], "inngest")
    assert inbox.list_events(connection) == []


def test_a_uuid_is_learned_from_an_event_that_carries_it_with_a_name(connection: Connection) -> None:
    unknown = post_one(connection, sync(repositoryId=UUID_1))
    assert unknown["state"] == "quarantined"
    assert "contrib-pipeline alias" in unknown["reason"]
    post_one(connection, Event("some/other.event", {"repositoryId": UUID_1, "owner": "octo", "repo": "kit"}))
    assert post_one(connection, sync(repositoryId=UUID_1))["key"] == "octo/kit"


def test_a_uuid_is_learned_from_any_event_of_the_same_request(connection: Connection) -> None:
    later = sync(repositoryId=UUID_1, owner="octo", repo="kit")
    ids = inbox.post(connection, [sync(repositoryId=UUID_1), later], "inngest")
    assert [inbox.show(connection, id_)["key"] for id_ in ids] == ["octo/kit", "octo/kit"]


def test_a_quarantined_event_is_understood_after_the_alias_is_told_and_it_is_replayed(
    connection: Connection,
) -> None:
    event_id = post_one(connection, sync(repositoryId=UUID_1))["id"]
    alias(connection, UUID(UUID_1), "octo/kit")
    (row,) = inbox.replay(connection, [event_id])
    assert (row["state"], row["key"], row["reason"]) == ("pending", "octo/kit", None)


def test_an_alias_goes_with_its_repository_through_a_rename(connection: Connection) -> None:
    post_one(connection, sync(repositoryId=UUID_1, owner="octo", repo="kit"))
    hold_repository(connection, "Octo/Kit", 5)
    assert post_one(connection, sync(repositoryId=UUID_1))["key"] == "octo/kit"
    rename(connection, 5, "octo/toolkit")
    assert post_one(connection, sync(repositoryId=UUID_1))["key"] == "octo/toolkit"


def test_githubs_number_finds_the_repository_that_we_hold(connection: Connection) -> None:
    hold_repository(connection, "Octo/Kit", 5)
    assert post_one(connection, sync(repositoryId=5))["key"] == "octo/kit"
    assert post_one(connection, sync(repositoryId=6))["state"] == "quarantined"


@pytest.mark.parametrize("number", [0, -5, 2**63, 10**30, True, "9" * 19, "9" * 400])
def test_a_number_that_is_no_id_is_quarantined(connection: Connection, number: Any) -> None:
    assert post_one(connection, sync(repositoryId=number))["state"] == "quarantined"


def test_a_placeholder_number_gives_way_to_the_name_and_a_living_number_wins(connection: Connection) -> None:
    hold_repository(connection, "octo/kit", 5)
    placeholder = sync(repository={"owner": "Octo", "name": "Kit", "github_id": "123456"})
    assert post_one(connection, placeholder)["key"] == "octo/kit"
    renamed = sync(repository={"owner": "octo", "name": "old-name", "github_id": "5"})
    assert post_one(connection, renamed)["key"] == "octo/kit"


def test_the_command_has_our_spelling_of_the_repository(connection: Connection) -> None:
    hold_repository(connection, "Octo/Kit", 5)
    ids = inbox.post(connection, [sync(repository="OCTO/kit")], "inngest")
    (claimed,) = queue.claim(connection, ids, "run-1")
    assert claimed.command.repository == "Octo/Kit"  # type: ignore[union-attr]


def test_what_is_known_of_repositories_is_found_by_key(connection: Connection) -> None:
    hold_repository(connection, "Octo/Kit", 5)
    found = known(connection, ["octo/kit", "octo/none"])
    assert {key: (each.name, each.size, each.is_tracked) for key, each in found.items()} == {
        "octo/kit": ("Octo/Kit", "small", True)
    }


def test_a_replay_with_other_data_understands_it_anew(connection: Connection) -> None:
    event_id = post_one(connection, sync(repo="kit"))["id"]
    (row,) = inbox.replay(connection, [event_id], {"repo": "octo/kit", "token": "x"})
    assert (row["state"], row["key"], row["data"]) == ("pending", "octo/kit", {"repo": "octo/kit"})
    (row,) = inbox.replay(connection, [event_id], {"repo": "kit"})
    assert row["state"] == "quarantined"


def test_a_replayed_failure_starts_again_from_its_first_attempt(connection: Connection) -> None:
    event_id = post_one(connection, sync())["id"]
    queue.claim(connection, [event_id], "run-1")
    queue.finish(connection, [event_id], "run-1", "failed", "GitHub said no.")
    (row,) = inbox.replay(connection, [event_id])
    assert (row["state"], row["attempts"], row["run_id"], row["finished_at"]) == ("pending", 0, None, None)


def test_what_runs_or_is_unknown_is_not_replayed(connection: Connection) -> None:
    event_id = post_one(connection, sync())["id"]
    queue.claim(connection, [event_id], "run-1")
    with pytest.raises(EventError, match="running"):
        inbox.replay(connection, [event_id])
    with pytest.raises(EventError, match="No event has the id"):
        inbox.replay(connection, ["nothing"])


def test_recorded_work_runs_at_once_and_holds_its_key(connection: Connection) -> None:
    (event_id,) = inbox.record(connection, [sync()], "ui", "run-1")
    row = inbox.show(connection, event_id)
    assert (row["state"], row["run_id"], row["attempts"], row["source"]) == ("running", "run-1", 1, "ui")
    inbox.post(connection, [sync()], "inngest")
    assert queue.due(connection) == []


def test_work_that_is_not_understood_is_not_recorded(connection: Connection) -> None:
    with pytest.raises(EventError, match="repository is missing"):
        inbox.record(connection, [Event("capture/repository.sync", {})], "ui", "run-1")
    assert inbox.list_events(connection) == []


def test_an_event_is_shown_by_the_senders_id_too(connection: Connection) -> None:
    first = post_one(connection, sync("id-1"))
    post_one(connection, sync("id-1"))
    assert inbox.show(connection, "id-1")["id"] == first["id"]
    with pytest.raises(EventError, match="contrib-pipeline events"):
        inbox.show(connection, "nothing")


def test_events_are_listed_newest_first_and_by_what_is_asked(connection: Connection) -> None:
    ids = [post_one(connection, sync(repository=f"octo/kit{n}"))["id"] for n in range(3)]
    post_one(connection, Event("nonsense", {}))
    assert [row["id"] for row in inbox.list_events(connection, state="pending")] == ids[::-1]
    assert [row["id"] for row in inbox.list_events(connection, repository="Octo/Kit1")] == [ids[1]]
    assert [row["name"] for row in inbox.list_events(connection, name="nonsense")] == ["nonsense"]
    assert len(inbox.list_events(connection, limit=2)) == 2


def test_counts_fold_unknown_names_and_depth_tells_due_from_later(connection: Connection) -> None:
    inbox.post(connection, [sync(), Event("nonsense", {}), Event("more nonsense", {})], "inngest")
    inbox.post(connection, [sync()], "inngest", delay=timedelta(hours=1))
    counted = {(row["name"], row["state"]): row["events"] for row in inbox.counts(connection)}
    assert counted == {("capture/repository.sync", "pending"): 2, ("other", "quarantined"): 2}
    depth = inbox.depth(connection)
    assert (depth["due"], depth["later"]) == (1, 1)
    assert depth["oldest_seconds"] >= 0


def test_pruning_keeps_what_is_open_and_what_needs_a_look(connection: Connection) -> None:
    def end(state: str, days: int) -> str:
        event_id = str(post_one(connection, sync())["id"])
        connection.execute(
            "update events.inbox set state = %s, finished_at = now() - make_interval(days => %s) where id = %s",
            (state, days, event_id),
        )
        return event_id

    gone = [
        end("done", 31),
        end("skipped", 31),
        end("cancelled", 31),
        end("failed", 361),
        end("quarantined", 361),
    ]
    kept = [
        end("done", 29),
        end("failed", 31),
        end("quarantined", 31),
        str(post_one(connection, sync())["id"]),
    ]
    connection.execute("update events.inbox set received_at = now() - interval '400 days' where state = 'pending'")
    assert inbox.prune(connection, days=30) == len(gone)
    assert {row["id"] for row in inbox.list_events(connection)} == set(kept)


def test_posting_nothing_writes_nothing(connection: Connection) -> None:
    assert inbox.post(connection, [], "inngest") == []


@pytest.fixture
def webhook(connection: Connection) -> Callable[..., str]:
    def post(delivery: str, **options: Any) -> str:
        event = Event("github/pull_request.opened", {**OCTO, "pr_number": 1}, delivery, function="capture/pr.details")
        (event_id,) = inbox.post(connection, [event], "webhook", **options)
        return event_id

    return post


def test_a_repeated_delivery_is_the_same_row(connection: Connection, webhook: Callable[..., str]) -> None:
    assert webhook("d-1") == webhook("d-1")
    assert len(inbox.list_events(connection)) == 1


def test_a_delivery_id_and_a_senders_id_are_not_confused(connection: Connection, webhook: Callable[..., str]) -> None:
    webhook("d-1")
    assert post_one(connection, sync("d-1"))["state"] == "pending"


def test_a_redelivery_starts_a_failed_event_again_and_no_other(
    connection: Connection, webhook: Callable[..., str]
) -> None:
    event_id = webhook("d-1")
    queue.claim(connection, [event_id], "run-1")
    webhook("d-1")
    assert inbox.show(connection, event_id)["state"] == "running"
    queue.finish(connection, [event_id], "run-1", "failed", "GitHub said no.")
    assert webhook("d-1", delay=timedelta(hours=1)) == event_id
    row = inbox.show(connection, event_id)
    assert (row["state"], row["attempts"], row["reason"]) == ("pending", 0, None)
    assert queue.due(connection) == []


def test_a_webhook_of_a_repository_that_is_not_tracked_is_skipped(
    connection: Connection, webhook: Callable[..., str]
) -> None:
    hold_repository(connection, "octo/kit", 5, tracked=False)
    event_id = webhook("d-1")
    row = inbox.show(connection, event_id)
    assert row["state"] == "skipped"
    assert "contrib-pipeline track octo/kit" in row["reason"]
    connection.execute("update github.repositories set is_tracked = true")
    assert inbox.replay(connection, [event_id])[0]["state"] == "pending"
