"""Real deliveries on their whole way: signed, over HTTP into the inbox, by a run from the sandbox into the tables."""

import gzip
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.dispatch import dispatch
from contrib_pipeline.events.repositories import known
from contrib_pipeline.events.webhooks import sign
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline_tests.defs.conftest import Bench
from contrib_pipeline_tests.events.conftest import Receiver, running_receiver

SECRET = "It's a Secret to Everybody"
OPS = {"capture": "capture_repositories"}


@pytest.fixture(scope="module")
def examples(real_data: Path) -> list[tuple[str, dict[str, Any]]]:
    """Event and payload of each recorded delivery."""
    with gzip.open(real_data / "github/webhooks/examples.json.gz") as file:
        return [(event["event"], payload) for event in json.load(file) for payload in event["examples"]]


@pytest.fixture
def receiver(bench: Bench, database_url: str) -> Iterator[Receiver]:
    with running_receiver(
        database_url=database_url, event_keys=[], webhook_secrets=[SECRET], settle=timedelta(0)
    ) as running:
        yield running


@pytest.fixture
def hello_world(bench: Bench) -> Repository:
    """The repository that the recorded deliveries are about: an issue's number, then a pull request."""
    world = bench.world
    repository = world.add_repository("Codertocat/Hello-World", created_at="2026-01-01T00:00:00Z")
    world.add_pull_request(repository, world.account("Codertocat"), "Update the README", number=2)
    return repository


def example(examples: list[tuple[str, dict[str, Any]]], event: str, action: str) -> dict[str, Any]:
    return deepcopy(next(payload for name, payload in examples if (name, payload.get("action")) == (event, action)))


def deliver(receiver: Receiver, event: str, payload: dict[str, Any], delivery: str = "a-delivery") -> str:
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": sign(body, SECRET)}
    headers["Content-Type"] = "application/json"
    answer = requests.post(f"{receiver.url}/webhooks/github", data=body, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    event_id: str = answer.json()["id"]
    return event_id


def carry_out(bench: Bench) -> int:
    """Do all that is due, as the sensor and the launcher would; how many runs it took."""
    runs = 0
    while pending := queue.due(bench.connection):
        for batch in dispatch(pending, known(bench.connection, [event.key for event in pending if event.key])):
            assert batch.job
            bench.run(batch.job, OPS[batch.job], events=list(batch.event_ids))
            runs += 1
    return runs


def test_a_merge_that_github_tells_of_is_a_merged_row(
    bench: Bench, receiver: Receiver, hello_world: Repository, examples: Any
) -> None:
    bench.world.merge(hello_world.pull_requests[2], bench.world.account("octocat"), at="2026-06-01T11:00:00Z")
    payload = example(examples, "pull_request", "closed")
    payload["pull_request"] |= {"merged": True, "merged_at": "2026-06-01T11:00:00Z"}
    event_id = deliver(receiver, "pull_request", payload)
    assert carry_out(bench) == 1
    assert inbox.show(bench.connection, event_id)["state"] == "done"
    assert bench.rows(
        "select number, state, merged_at::text as merged_at, name_with_owner, login from github.pull_requests p"
        " join github.repositories r on r.id = p.repository_id join github.contributors c on c.id = p.merged_by_id"
    ) == [
        {
            "number": 2,
            "state": "merged",
            "merged_at": "2026-06-01 11:00:00+00",
            "name_with_owner": "Codertocat/Hello-World",
            "login": "octocat",
        }
    ]


def test_a_payload_is_a_hint_and_what_github_says_now_is_stored(
    bench: Bench, receiver: Receiver, hello_world: Repository, examples: Any
) -> None:
    payload = example(examples, "pull_request", "closed")
    deliver(receiver, "pull_request", payload)
    carry_out(bench)
    assert payload["pull_request"]["state"] == "closed"
    assert bench.rows("select state, title from github.pull_requests") == [
        {"state": "open", "title": "Update the README"}
    ]


def test_reviews_comments_and_discussions_reach_their_tables(
    bench: Bench, receiver: Receiver, hello_world: Repository, examples: Any
) -> None:
    world, pull_request = bench.world, hello_world.pull_requests[2]
    ben = world.account("ben")
    review = world.add_review(pull_request, ben, "CHANGES_REQUESTED")
    world.add_review_comment(review, "Here.")
    world.add_comment(pull_request, ben, "There.")
    discussion = world.add_discussion(hello_world, ben, "Why?", number=4)
    world.add_discussion_comment(discussion, ben, "Because.")
    comment = example(examples, "issue_comment", "created")
    comment["issue"] |= {"number": 2, "pull_request": {"url": "https://api.github.com/repos/o/n/pulls/2"}}
    deliveries = {
        "pull_request_review": example(examples, "pull_request_review", "submitted"),
        "pull_request_review_comment": example(examples, "pull_request_review_comment", "created"),
        "issue_comment": comment,
        "discussion": next(p for n, p in examples if n == "discussion" and p["discussion"]["number"] == 4),
    }
    ids = [deliver(receiver, event, payload, f"d-{event}") for event, payload in deliveries.items()]
    assert carry_out(bench) == 1, "all that is about one repository is one run's work"
    assert {inbox.show(bench.connection, event_id)["state"] for event_id in ids} == {"done"}
    assert bench.rows("select state from github.reviews") == [{"state": "CHANGES_REQUESTED"}]
    assert bench.rows("select kind, body from github.comments order by kind") == [
        {"kind": "issue", "body": "There."},
        {"kind": "review", "body": "Here."},
    ]
    assert bench.rows("select number from github.discussions") == [{"number": 4}]
    assert bench.rows("select body from github.discussion_comments") == [{"body": "Because."}]


def test_a_rename_keeps_the_row_and_a_deletion_marks_it(
    bench: Bench, receiver: Receiver, hello_world: Repository, examples: Any
) -> None:
    bench.capture(repositories=["Codertocat/Hello-World"])
    bench.world.rename_repository(hello_world, "Octocoders/Hello-World")
    renamed = example(examples, "repository", "renamed")
    renamed["repository"]["id"] = hello_world.database_id
    deliver(receiver, "repository", renamed, "d-1")
    carry_out(bench)
    assert bench.rows("select id, name_with_owner, deleted_at from github.repositories") == [
        {"id": hello_world.database_id, "name_with_owner": "Octocoders/Hello-World", "deleted_at": None}
    ]
    bench.world.delete_repository(hello_world)
    deliver(receiver, "repository", {**renamed, "action": "deleted"}, "d-2")
    carry_out(bench)
    assert bench.rows("select id from github.repositories where deleted_at is not null") == [
        {"id": hello_world.database_id}
    ]


def test_every_real_delivery_comes_to_an_end_with_a_reason_where_it_is_not_done(
    bench: Bench, receiver: Receiver, hello_world: Repository, examples: Any
) -> None:
    for position, (event, payload) in enumerate(examples):
        deliver(receiver, event, payload, f"d-{position}")
    runs = carry_out(bench)
    assert runs < 15, "coalesced"
    assert bench.rows("select state, name, reason from events.inbox where state in ('pending', 'running')") == []
    ended = bench.rows("select state, count(*) as n, bool_and(reason is not null) as told from events.inbox group by 1")
    assert {row["state"] for row in ended} == {"done", "skipped", "failed"}
    assert all(row["told"] for row in ended if row["state"] != "done")
    gone = bench.rows("select distinct key from events.inbox where state = 'failed'")
    assert "codertocat/hello-world" not in {row["key"] for row in gone}, "only repositories that are not there fail"
