"""The receiver's log: it has the events' ids, in either format, and nothing that is secret."""

import json
import logging
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest
import requests

from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.logs import Fields, JsonLines
from contrib_pipeline.events.webhooks import sign
from contrib_pipeline.warehouse.connection import Connection

SYNC = {"name": "capture/repository.sync", "data": {"repository": "Octo/Kit", "github_token": "ghp_secret"}}


def served(database_url: str, log_format: str) -> tuple[list[str], list[str]]:
    """What a receiver logs that gets one event, one it does not know and one webhook; and the ids it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"database_url": database_url, "event_keys": ["my-key"], "webhook_secrets": ["my-secret"], "port": port}
    program = f"from contrib_pipeline.events.receiver import serve; serve(**{options!r}, log_format={log_format!r})"
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [next(line for line in process.stderr if "Events are received at" in line)]
        ids = requests.post(f"{url}/e/my-key", json=[SYNC, {"name": "what\nis=this"}], timeout=30).json()["ids"]
        headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d", "X-Hub-Signature-256": sign(b"{}", "my-secret")}
        ids.append(requests.post(f"{url}/webhooks/github", data="{}", headers=headers, timeout=30).json()["id"])
        process.send_signal(signal.SIGINT)
        lines += process.stderr
    assert process.returncode == 0
    assert not [line for line in lines for secret in ("my-key", "my-secret", "ghp_secret", "sha256=") if secret in line]
    return lines, ids


def test_json_lines_carry_an_events_id_name_source_key_and_state(database_url: str) -> None:
    lines, ids = served(database_url, "json")
    logged = [json.loads(line) for line in lines]
    assert [
        {k: line[k] for k in ("event", "name", "source", "key", "state")} for line in logged if "event" in line
    ] == [
        {
            "event": ids[0],
            "name": "capture/repository.sync",
            "source": "inngest",
            "key": "octo/kit",
            "state": "pending",
        },
        {"event": ids[1], "name": "what\nis=this", "source": "inngest", "key": None, "state": "quarantined"},
        {"event": ids[2], "name": "github/ping", "source": "webhook", "key": None, "state": "skipped"},
    ]
    requested = [(line["method"], line["path"], line["status"]) for line in logged if "path" in line]
    assert requested == [("POST", "/e/…", 200), ("POST", "/webhooks/github", 202)]
    assert {line["level"] for line in logged} == {"info"}
    assert all(line["time"].endswith("+00:00") and line["logger"] for line in logged)


def test_text_is_one_readable_line_whatever_an_event_is_called(database_url: str) -> None:
    lines, ids = served(database_url, "text")
    sync = f"event={ids[0]} name=capture/repository.sync source=inngest key=octo/kit state=pending"
    assert len([line for line in lines if line.endswith(f"level=INFO {sync}\n")]) == 1
    odd = f'event={ids[1]} name="what\\nis=this" source=inngest key=- state=quarantined'
    assert len([line for line in lines if line.endswith(f"level=INFO {odd}\n")]) == 1


def test_a_repeated_event_is_logged_as_what_it_became(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "contrib_pipeline.events.inbox")
    sync = Event("capture/repository.sync", {"repository": "octo/kit"}, external_id="mine")
    inbox.post(connection, [sync], "webhook")
    (first,) = inbox.post(connection, [sync], "webhook")
    inbox.post(connection, [sync], "inngest")
    inbox.post(connection, [sync], "inngest")
    states = [
        (record.msg["source"], record.msg["state"]) for record in caplog.records if isinstance(record.msg, Fields)
    ]
    assert states == [("webhook", "pending"), ("webhook", "repeated"), ("inngest", "pending"), ("inngest", "skipped")]
    repeated = caplog.records[1].msg
    assert isinstance(repeated, Fields)
    assert repeated["event"] == first


def test_the_name_of_an_event_is_logged_no_longer_than_names_are(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "contrib_pipeline.events.inbox")
    inbox.post(connection, [Event("x" * 100_000, {})], "inngest")
    assert len(caplog.text) < 1_000


def test_an_error_is_one_json_line_with_its_traceback() -> None:
    def fail() -> None:
        raise ValueError("it\nbroke")

    try:
        fail()
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "%s went wrong", ("This",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    assert (parsed["level"], parsed["message"]) == ("error", "This went wrong")
    assert "in fail" in parsed["error"]
