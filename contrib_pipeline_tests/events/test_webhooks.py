"""GitHub's webhooks: genuine ones become rows, whatever they are about."""

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.commands import Classify, Discover, PullRequestDetails, SyncDiscussions
from contrib_pipeline.events.webhooks import LARGEST_DELIVERY, read_delivery, sign, verify
from contrib_pipeline.events.wire import WireError
from contrib_pipeline.warehouse.connection import Connection

REPOSITORY = {"id": 5, "full_name": "octo/kit", "name": "kit", "owner": {"login": "octo"}, "private": False}
OPENED = {
    "action": "opened",
    "number": 3,
    "pull_request": {"number": 3, "title": "x"},
    "repository": REPOSITORY,
}


@pytest.fixture
def webhook_receiver(start_receiver: Any) -> Any:
    return start_receiver(webhook_secrets=["old", "new"], settle=timedelta(0))


def deliver(
    receiver: Any,
    payload: Any,
    *,
    event: str = "pull_request",
    delivery: str = "d-1",
    secret: str = "new",
    **headers: str,
) -> requests.Response:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(body, secret),
        "Content-Type": "application/json",
        **headers,
    }
    return requests.post(f"{receiver.url}/webhooks/github", data=body, headers=sent, timeout=30)


def work(event: str, payload: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    events = read_delivery(json.dumps(payload).encode(), "application/json", event, "d-1")
    return [(each.function, dict(each.data)) for each in events]


def test_githubs_own_example_of_a_signature_is_verified() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify(b"Hello, World!", signature, ["It's a Secret to Everybody"])
    with pytest.raises(WireError, match="Signature"):
        verify(b"Hello, World?", signature, ["It's a Secret to Everybody"])


def test_a_delivery_becomes_a_row_with_its_work(webhook_receiver: Any, connection: Connection) -> None:
    answer = deliver(webhook_receiver, OPENED)
    assert answer.status_code == 202
    row = inbox.show(connection, answer.json()["id"])
    assert (row["name"], row["function"], row["key"]) == (
        "github/pull_request.opened",
        "capture/pr.details",
        "octo/kit",
    )
    assert (row["state"], row["source"], row["external_id"]) == ("pending", "webhook", "d-1")
    assert "pull_request" not in row["data"]
    (claimed,) = queue.claim(connection, [row["id"]], "run-1")
    assert claimed.command == PullRequestDetails("octo/kit", (3,))


def test_each_secret_is_accepted_and_no_other(webhook_receiver: Any, connection: Connection) -> None:
    assert deliver(webhook_receiver, OPENED, secret="old").status_code == 202
    for headers in ({"secret": "wrong"}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": "sha256=é"}):
        answer = deliver(webhook_receiver, OPENED, delivery="d-2", **headers)
        assert answer.status_code == 401
        assert answer.json()["status"] == 401
    assert len(inbox.list_events(connection)) == 1


def test_without_a_secret_no_webhook_is_accepted(receiver: Any, connection: Connection) -> None:
    answer = deliver(receiver, OPENED)
    assert answer.status_code == 503
    assert "GITHUB_WEBHOOK_SECRET" in answer.json()["error"]
    assert inbox.list_events(connection) == []


def test_a_delivery_larger_than_githubs_largest_is_refused(webhook_receiver: Any) -> None:
    answer = deliver(webhook_receiver, b" " * (LARGEST_DELIVERY + 1))
    assert answer.status_code == 413
    assert "25 MiB" in answer.json()["error"]


def test_a_genuine_delivery_that_is_no_payload_is_refused(webhook_receiver: Any) -> None:
    for body in (b"{", b"[]", b"", b'"x"'):
        answer = deliver(webhook_receiver, body)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_delivery_without_its_headers_is_refused(webhook_receiver: Any) -> None:
    assert deliver(webhook_receiver, OPENED, delivery="").status_code == 400
    assert deliver(webhook_receiver, OPENED, event="").status_code == 400


def test_a_form_delivery_is_read_and_its_signature_is_over_the_form(
    webhook_receiver: Any, connection: Connection
) -> None:
    body = urlencode({"payload": json.dumps(OPENED)}).encode()
    answer = deliver(webhook_receiver, body, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 202
    assert inbox.show(connection, answer.json()["id"])["key"] == "octo/kit"


def test_a_repeated_delivery_is_acknowledged_and_not_repeated(webhook_receiver: Any, connection: Connection) -> None:
    first, again = deliver(webhook_receiver, OPENED), deliver(webhook_receiver, OPENED)
    assert first.json() == again.json()
    assert again.status_code == 202
    assert len(inbox.list_events(connection)) == 1


def test_a_redelivery_after_a_failure_starts_the_row_again(webhook_receiver: Any, connection: Connection) -> None:
    event_id = deliver(webhook_receiver, OPENED).json()["id"]
    queue.claim(connection, [event_id], "run-1")
    queue.finish(connection, [event_id], "run-1", "failed", "GitHub said no.")
    assert deliver(webhook_receiver, OPENED).json()["id"] == event_id
    assert inbox.show(connection, event_id)["state"] == "pending"


def test_a_webhooks_work_waits_for_githubs_api_to_catch_up(start_receiver: Any, connection: Connection) -> None:
    receiver = start_receiver(webhook_secrets=["new"], settle=timedelta(hours=1))
    row = inbox.show(connection, deliver(receiver, OPENED).json()["id"])
    assert row["not_before"] - row["received_at"] == timedelta(hours=1)
    assert queue.due(connection) == []


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("pull_request_review", {"pull_request": {"number": 4}}, ("capture/pr.details", {"pr_number": 4})),
        (
            "pull_request_review_comment",
            {"pull_request": {"number": 4}},
            ("capture/pr.details", {"pr_number": 4}),
        ),
        (
            "pull_request_review_thread",
            {"pull_request": {"number": 4}},
            ("capture/pr.details", {"pr_number": 4}),
        ),
        (
            "issue_comment",
            {"issue": {"number": 4, "pull_request": {"url": "x"}}},
            ("capture/pr.details", {"pr_number": 4}),
        ),
        ("discussion", {"discussion": {"number": 4}}, ("sync/discussions", {"discussion_number": 4})),
        ("discussion_comment", {"discussion": {"number": 4}}, ("sync/discussions", {"discussion_number": 4})),
        ("repository", {"action": "renamed"}, ("classify/single-repository", {})),
        ("repository", {"action": "deleted"}, ("classify/single-repository", {})),
        ("repository", {"action": "privatized"}, ("classify/single-repository", {})),
        ("public", {}, ("classify/single-repository", {})),
    ],
)
def test_every_webhook_with_work_asks_for_it(
    event: str, payload: dict[str, Any], expected: tuple[str, dict[str, Any]]
) -> None:
    (found,) = work(event, {"repository": REPOSITORY, **payload})
    assert found == (expected[0], {"repository": {"full_name": "octo/kit", "github_id": 5}, **expected[1]})


@pytest.mark.parametrize(
    ("event", "payload", "words"),
    [
        ("ping", {"zen": "x"}, "set up"),
        ("issue_comment", {"action": "created", "issue": {"number": 4}}, "plain issues"),
        ("issues", {"action": "opened"}, "Issues are not captured"),
        ("star", {"action": "created"}, "Stars"),
        ("repository", {"action": "created"}, "track OWNER/NAME"),
        ("push", {}, "asks for nothing"),
        ("never_heard_of", {"action": "x"}, "asks for nothing"),
        (
            "installation",
            {"action": "new_permissions_accepted", "repositories": [REPOSITORY]},
            "asks for nothing",
        ),
    ],
)
def test_a_webhook_without_work_is_ignored_with_the_reason(event: str, payload: dict[str, Any], words: str) -> None:
    body = json.dumps({"repository": REPOSITORY, **payload}).encode()
    (found,) = read_delivery(body, "application/json", event, "d-1")
    assert found.function is None
    assert words in (found.ignored or "")


def test_a_webhook_without_work_is_acknowledged_and_skipped(webhook_receiver: Any, connection: Connection) -> None:
    answer = deliver(webhook_receiver, {"zen": "x"}, event="ping")
    assert answer.status_code == 202
    row = inbox.show(connection, answer.json()["id"])
    assert (row["name"], row["state"]) == ("github/ping", "skipped")
    assert inbox.replay(connection, [row["id"]])[0]["state"] == "skipped"


def test_an_installation_discovers_its_repositories_and_a_redelivery_repeats_none(
    webhook_receiver: Any, connection: Connection
) -> None:
    added = [{"id": n, "full_name": f"octo/kit{n}"} for n in (11, 12)]
    payload = {
        "action": "added",
        "repositories_added": added,
        "repositories_removed": [{"id": 13, "full_name": "octo/kit13"}],
    }
    for _ in range(2):
        assert deliver(webhook_receiver, payload, event="installation_repositories").status_code == 202
    ids = [row["id"] for row in inbox.list_events(connection)]
    commands = [event.command for event in queue.claim(connection, ids, "run-1")]
    assert commands == [Discover("octo/kit11"), Discover("octo/kit12"), Classify("octo/kit13")]


def test_a_renamed_repository_is_found_by_its_number(webhook_receiver: Any, connection: Connection) -> None:
    connection.execute(
        "insert into github.repositories (id, node_id, owner, name, name_with_owner, is_tracked, read_at)"
        " values (5, 'n', 'octo', 'old', 'octo/old', true, now())"
    )
    changes = {"repository": {"name": {"from": "old"}}}
    payload = {"action": "renamed", "changes": changes, "repository": REPOSITORY}
    row = inbox.show(connection, deliver(webhook_receiver, payload, event="repository").json()["id"])
    assert (row["key"], row["data"]["changes"]) == ("octo/old", changes)


def test_a_discussions_number_reaches_the_command(webhook_receiver: Any, connection: Connection) -> None:
    payload = {"action": "deleted", "discussion": {"number": 9}, "repository": REPOSITORY}
    event_id = deliver(webhook_receiver, payload, event="discussion").json()["id"]
    assert [event.command for event in queue.claim(connection, [event_id], "run-1")] == [
        SyncDiscussions("octo/kit", (9,))
    ]


def test_a_payload_with_holes_is_quarantined_and_not_refused(webhook_receiver: Any, connection: Connection) -> None:
    answer = deliver(webhook_receiver, {"action": "opened", "pull_request": None, "repository": None})
    assert answer.status_code == 202
    assert inbox.show(connection, answer.json()["id"])["state"] == "quarantined"


def test_no_real_webhook_is_quarantined(webhook_receiver: Any, connection: Connection, real_data: Path) -> None:
    with gzip.open(real_data / "github/webhooks/examples.json.gz") as file:
        examples = json.load(file)
    number = 0
    for event in examples:
        for payload in event["examples"]:
            number += 1
            answer = deliver(webhook_receiver, payload, event=event["event"], delivery=f"d-{number}")
            assert answer.status_code == 202, payload
    assert number > 50
    rows = inbox.list_events(connection, limit=1000)
    assert {row["state"] for row in rows} == {"pending", "skipped"}
    acted_on = {row["name"].partition(".")[0] for row in rows if row["state"] == "pending"}
    assert acted_on == {
        f"github/{event}"
        for event in (
            "discussion",
            "discussion_comment",
            "installation",
            "installation_repositories",
            "public",
            "pull_request",
            "pull_request_review",
            "pull_request_review_comment",
            "pull_request_review_thread",
            "repository",
        )
    }
