"""The receiver over real HTTP, with real senders."""

import base64
import json
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import inngest
import pytest
import requests
from psycopg.conninfo import conninfo_to_dict

from contrib_pipeline.events import inbox
from contrib_pipeline.events.errors import EventError, UnsafeBind
from contrib_pipeline.events.receiver import create_app, is_loopback, serve
from contrib_pipeline.warehouse.connection import Connection, connect

# The body of the curl line that this pipeline's users know, as it stands.
SEED_BODY = (
    '{"name": "capture/repository.sync", "data": {"repository": '
    '{"owner": "continuedev", "name": "continue", "github_id": "123456"}}}'
)
SYNC = {"name": "capture/repository.sync", "data": {"repository": "octo/kit"}}


def post(receiver: Any, body: Any, *, key: str = "contributor-info", **headers: str) -> requests.Response:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return requests.post(f"{receiver.url}/e/{key}", data=data, headers=headers, timeout=30)


def assert_refused(answer: requests.Response, status: int, words: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status"] == status
    assert words in answer.json()["error"]


def test_the_line_that_users_know_works_as_it_stands(receiver: Any, connection: Connection) -> None:
    answer = post(receiver, SEED_BODY, **{"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json().keys() == {"ids", "status"}
    (event_id,) = answer.json()["ids"]
    row = inbox.show(connection, event_id)
    assert (row["state"], row["key"], row["source"]) == ("pending", "continuedev/continue", "inngest")
    assert row["data"] == json.loads(SEED_BODY)["data"]


def test_the_row_is_committed_before_the_answer(receiver: Any, connection: Connection, database_url: str) -> None:
    with connect(database_url) as lock, ThreadPoolExecutor(1) as pool:
        with lock.transaction():
            lock.execute("lock table events.inbox in access exclusive mode")
            answer = pool.submit(post, receiver, SYNC)
            waiting = "select count(*) as n from pg_locks where not granted and relation = 'events.inbox'::regclass"
            while lock.execute(waiting).fetchone() != {"n": 1}:
                assert not answer.done()
            assert not answer.done()
        ids = answer.result().json()["ids"]
    assert inbox.show(connection, ids[0])["state"] == "pending"


@contextmanager
def sdk(receiver: Any, key: str) -> Iterator[inngest.Inngest]:
    """The application's own client; it has no public way to close its connections."""
    client = inngest.Inngest(
        app_id="contributor-info",
        event_api_base_url=receiver.url,
        event_key=key,
        is_production=True,
        signing_key="signkey-test-00",
    )
    yield client
    client._http_client._http_client_sync.close()


def test_the_real_sdk_is_understood(receiver: Any, connection: Connection) -> None:
    events = [
        inngest.Event(name="capture/pr.details", data={"owner": "octo", "repo": "kit", "prNumber": "4"}, id="x"),
        inngest.Event(name="capture/repository.sync.graphql", data={"repository": {"owner": "octo", "name": "kit"}}),
        inngest.Event(name="cleanup/workspace-metrics"),
    ]
    with sdk(receiver, "k") as client:
        ids = client.send_sync(events)
        (again,) = client.send_sync(events[0])
    rows = [inbox.show(connection, event_id) for event_id in ids]
    assert [row["function"] for row in rows] == [
        "capture/pr.details",
        "capture/repository.sync",
        "cleanup/workspace-metrics",
    ]
    assert {row["state"] for row in rows} == {"pending"}
    assert inbox.show(connection, again)["state"] == "skipped"


def test_the_real_sdk_hears_of_a_refusal(start_receiver: Any) -> None:
    with (
        sdk(start_receiver(event_keys=["other"]), "wrong") as client,
        pytest.raises(Exception, match="Event key not found"),
    ):
        client.send_sync(inngest.Event(name="cleanup/workspace-metrics"))


def test_a_clients_retry_brings_the_ids_of_its_first_try(receiver: Any, connection: Connection) -> None:
    seed = {"x-inngest-event-id-seed": "1700000000000," + base64.b64encode(b"0123456789").decode()}
    first = post(receiver, [SYNC, {**SYNC, "id": "mine"}], **seed).json()["ids"]
    assert post(receiver, [SYNC, {**SYNC, "id": "mine"}], **seed).json()["ids"] == first
    assert [row["state"] for row in inbox.list_events(connection)] == ["pending", "pending"]


def test_posts_of_one_id_at_once_are_done_once(receiver: Any, connection: Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(receiver, {**SYNC, "id": "mine"}), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(inbox.list_events(connection, state="pending")) == 1
    assert len(inbox.list_events(connection, state="skipped")) == 15


def test_what_is_not_understood_is_accepted_and_kept(receiver: Any, connection: Connection) -> None:
    answer = post(receiver, [{"name": "capture/repository.snyc"}, {"name": "capture/repository.issues"}])
    assert answer.status_code == 200
    states = [inbox.show(connection, event_id)["state"] for event_id in answer.json()["ids"]]
    assert states == ["quarantined", "skipped"]


def test_events_before_a_bad_one_stay_accepted(receiver: Any, connection: Connection) -> None:
    answer = post(receiver, [SYNC, {"name": ""}, SYNC])
    assert_refused(answer, 400, "event name is empty")
    assert [row["id"] for row in inbox.list_events(connection)] == answer.json()["ids"]


def test_no_event_is_answered_as_inngest_does(receiver: Any) -> None:
    for answer in (post(receiver, ""), post(receiver, "[]")):
        assert (answer.status_code, answer.json()) == (200, {"ids": [""], "status": 200})


def test_every_refusal_is_json_with_error_and_status(receiver: Any) -> None:
    assert_refused(post(receiver, "{"), 400, "not valid JSON")
    assert_refused(post(receiver, "nonsense"), 400, "event object or an array")
    assert_refused(requests.post(f"{receiver.url}/e/", timeout=30), 401, "Event key not found")
    assert_refused(requests.post(f"{receiver.url}/e", timeout=30), 401, "Event key not found")
    assert_refused(requests.post(f"{receiver.url}/x/e/k", timeout=30), 404, "Not Found")
    assert_refused(requests.get(f"{receiver.url}/e/k", timeout=30), 405, "Method Not Allowed")
    assert_refused(requests.delete(f"{receiver.url}/webhooks/github", timeout=30), 405, "Method Not Allowed")
    assert_refused(post(receiver, {"name": "x", "data": {"a": "a" * 3 * 1024 * 1024}}), 413, "3 MiB")


def test_a_request_larger_than_all_limits_gets_an_answer(receiver: Any) -> None:
    assert_refused(post(receiver, b"[" + b" " * 64 * 1024 * 1024), 413, "64 MiB")


def test_only_the_keys_are_let_in_and_each_of_them(start_receiver: Any) -> None:
    receiver = start_receiver(event_keys=["old", "new/&?"])
    assert post(receiver, SYNC, key="old").status_code == 200
    assert post(receiver, SYNC, key="new%2F%26%3F").status_code in (200, 404)
    assert_refused(post(receiver, SYNC, key="wrong"), 401, "Event key not found")
    assert_refused(post(receiver, SYNC, key="%FF"), 401, "Event key not found")


def test_without_keys_pages_of_other_hosts_are_refused(receiver: Any, connection: Connection) -> None:
    for origin in ("https://evil.example", "null", "http://[", "http://localhost.evil.example"):
        assert_refused(post(receiver, SYNC, Origin=origin), 403, "EVENT_KEYS")
    assert inbox.list_events(connection) == []
    for origin in ("http://localhost:5173", "http://127.0.0.1:8888", "http://[::1]:3000"):
        assert post(receiver, SYNC, Origin=origin).status_code == 200


def test_with_keys_a_browser_on_any_page_may_send(start_receiver: Any) -> None:
    receiver = start_receiver(event_keys=["k"])
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type,x-inngest-sdk"
    preflight = requests.options(f"{receiver.url}/e/k", headers=asked, timeout=30)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "x-inngest-sdk" in preflight.headers["access-control-allow-headers"]
    answer = post(receiver, SYNC, key="k", Origin="https://app.example")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


def test_a_bind_that_others_can_reach_needs_keys(database_url: str) -> None:
    options: Any = {"database_url": database_url, "event_keys": [], "webhook_secrets": []}
    with pytest.raises(UnsafeBind, match="EVENT_KEYS"):
        create_app(**options, bound_to_loopback=False)
    with pytest.raises(UnsafeBind, match=r"127\.0\.0\.1"):
        serve(**options, host="0.0.0.0", port=0)


def test_a_port_in_use_is_told_in_one_line(receiver: Any, database_url: str) -> None:
    port = int(receiver.url.rpartition(":")[2])
    with pytest.raises(EventError, match=f"Port {port} .* can't be used"):
        serve(database_url=database_url, event_keys=[], webhook_secrets=[], port=port)


def test_a_served_receiver_logs_one_line_a_request_and_ends_when_it_is_told_to(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"database_url": database_url, "event_keys": ["my-secret-key"], "webhook_secrets": [], "port": port}
    program = f"from contrib_pipeline.events.receiver import serve; serve(**{options!r})"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [next(line for line in process.stderr if "Events are received at" in line)]
        assert requests.post(f"http://127.0.0.1:{port}/e/my-secret-key", json=SYNC, timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        lines += process.stderr
    assert process.returncode == 0
    assert len([line for line in lines if "level=INFO method=POST path=/e/… status=200 ms=" in line]) == 1
    assert not [line for line in lines if "my-secret-key" in line or "Traceback" in line]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
    ],
)
def test_only_loopback_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_event_is_not_acknowledged_while_the_database_is_away(start_receiver: Any) -> None:
    receiver = start_receiver(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    assert_refused(post(receiver, SYNC), 503, "nothing was accepted")
    health = requests.get(f"{receiver.url}/health", timeout=30)
    assert_refused(health, 503, "database")


def test_events_are_accepted_again_when_the_database_is_back(
    receiver: Any, connection: Connection, server_url: str, database_url: str
) -> None:
    assert post(receiver, SYNC).status_code == 200
    name = conninfo_to_dict(database_url)["dbname"]
    with connect(server_url) as admin:
        others = (
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and application_name like %s"
        )
        assert admin.execute(others, (name, "%events")).fetchall()
    assert post(receiver, SYNC).status_code == 200
    assert len(inbox.list_events(connection)) == 2


def test_the_key_is_in_no_log_line(receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    post(receiver, SYNC, key="my-secret-key")
    post(receiver, "{", key="my-secret-key")
    requests.post(f"{receiver.url}/prefix/e/my-secret-key", timeout=30)
    requests.get(f"{receiver.url}/e/my-secret-key", timeout=30)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    assert not [line for line in ours if "my-secret-key" in line]
    assert len([line for line in ours if line.startswith("method=POST path=/e/… status=200")]) == 1


def test_health_says_that_events_are_accepted(receiver: Any) -> None:
    assert requests.get(f"{receiver.url}/health", timeout=30).json() == {"status": 200, "message": "OK"}


def test_metrics_count_events_and_tell_how_long_they_wait(receiver: Any, connection: Connection) -> None:
    post(receiver, [SYNC, SYNC, {"name": 'odd "name"\n'}])
    connection.execute(
        "insert into github.captures (repository_id, kind, started_at, error) values (1, 'one', now(), 'x')"
    )
    connection.execute(
        "insert into github.budgets (credential, resource, points_limit, points_left, reset_at)"
        " values ('c', 'graphql', 5000, 4711, now() + interval '1 hour'), ('c', 'core', 60, 3, now())"
    )
    answer = requests.get(f"{receiver.url}/metrics", timeout=30)
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'contrib_events{name="capture/repository.sync",state="pending"} 2.0' in lines
    assert 'contrib_events{name="other",state="quarantined"} 1.0' in lines
    assert 'contrib_inbox_depth{when="due"} 2.0' in lines
    assert 'contrib_captures{kind="one",result="failed"} 1.0' in lines
    assert 'contrib_github_points_left{credential="c",resource="graphql"} 4711.0' in lines
    assert 'contrib_github_points_left{credential="c",resource="core"} 60.0' in lines, "its hour is over"
    assert 'contrib_github_points_limit{credential="c",resource="core"} 60.0' in lines
    assert 'contrib_github_requests_in_flight{credential="c",resource="graphql"} 0.0' in lines
    assert any(line.startswith('contrib_github_reset_timestamp_seconds{credential="c"') for line in lines)
    assert not any(line.startswith("contrib_github_paused_until_timestamp_seconds{") for line in lines)
    assert not any(line.startswith("contrib_inbox_through_seconds ") for line in lines), "nothing was measured yet"
    assert any(line.startswith("contrib_inbox_oldest_seconds ") for line in lines)


def test_metrics_count_dagsters_runs_where_it_has_some(receiver: Any, connection: Connection) -> None:
    connection.execute("create schema if not exists dagster")
    connection.execute("create table dagster.runs (status text)")
    connection.execute("insert into dagster.runs values ('SUCCESS'), ('SUCCESS'), ('FAILURE')")
    lines = requests.get(f"{receiver.url}/metrics", timeout=30).text.splitlines()
    assert 'contrib_runs{status="success"} 2.0' in lines
