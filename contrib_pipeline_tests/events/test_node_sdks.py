"""The real Inngest SDKs of Node as clients, versions 3 and 4.

Skipped unless node is there and CONTRIB_TEST_NODE_MODULES names a ``node_modules`` folder with both, made so::

    npm install --ignore-scripts --prefix FOLDER inngest3@npm:inngest@3 inngest4@npm:inngest@4
    CONTRIB_TEST_NODE_MODULES=FOLDER/node_modules make test ARGS="-k node_sdks"
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from contrib_pipeline.events import inbox
from contrib_pipeline.warehouse.connection import Connection

# Read here: tests see no setting of the person who runs them.
NODE_MODULES = os.environ.get("CONTRIB_TEST_NODE_MODULES")
NODE = shutil.which("node")

EVENTS = [
    {"name": "capture/pr.details", "data": {"owner": "octo", "repo": "kit", "prNumber": "4"}, "id": "mine"},
    {"name": "capture/repository.sync.graphql", "data": {"repository": {"owner": "octo", "name": "kit"}}},
    {"name": "cleanup/workspace-metrics"},
]
PROGRAM = """
import { Inngest } from %s;
const client = new Inngest({ id: "contributor-info", isDev: false });
try {
  const { ids } = await client.send(%s);
  console.log(JSON.stringify({ ids }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
"""


@pytest.fixture(params=["inngest3", "inngest4"])
def sdk(request: pytest.FixtureRequest) -> str:
    """The package's name in the folder."""
    if NODE is None:
        pytest.skip("node is not installed")
    if NODE_MODULES is None:
        pytest.skip("CONTRIB_TEST_NODE_MODULES names no folder with the SDKs")
    if not (Path(NODE_MODULES) / str(request.param)).is_dir():
        pytest.skip(f"{NODE_MODULES} has no {request.param}")
    return str(request.param)


def send(sdk: str, url: str, key: str = "a-key", events: Any = EVENTS) -> dict[str, Any]:
    """What the SDK says that it sent, or why not; pointed here by the variables that its users have."""
    assert NODE
    assert NODE_MODULES
    done = subprocess.run(
        [NODE, "--input-type=module"],
        input=PROGRAM % (json.dumps(sdk), json.dumps(events)),
        env={"PATH": os.environ["PATH"], "INNGEST_EVENT_API_BASE_URL": url, "INNGEST_EVENT_KEY": key},
        cwd=Path(NODE_MODULES).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def forgetful(url: str) -> Iterator[str]:
    """A proxy that passes the first request on and then loses its answer."""

    class Handler(BaseHTTPRequestHandler):
        lost = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = requests.post(url + self.path, data=body, headers=dict(self.headers), timeout=30)
            status, content = answer.status_code, answer.content
            if not Handler.lost:
                Handler.lost, status, content = True, 500, b'{"status": 500, "error": "lost"}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
        assert Handler.lost


def test_the_sdk_sends_and_gets_the_ids_in_order(sdk: str, receiver: Any, connection: Connection) -> None:
    ids = send(sdk, receiver.url)["ids"]
    rows = [inbox.show(connection, event_id) for event_id in ids]
    assert [(row["name"], row["state"], row["external_id"]) for row in rows] == [
        ("capture/pr.details", "pending", "mine"),
        ("capture/repository.sync.graphql", "pending", None),
        ("cleanup/workspace-metrics", "pending", None),
    ]
    assert rows[0]["data"] == EVENTS[0]["data"]


def test_an_id_sent_again_is_accepted_and_skipped(sdk: str, receiver: Any, connection: Connection) -> None:
    (first,) = send(sdk, receiver.url, events=EVENTS[0])["ids"]
    (second,) = send(sdk, receiver.url, events=EVENTS[0])["ids"]
    assert inbox.show(connection, first)["state"] == "pending"
    row = inbox.list_events(connection, state="skipped")[0]
    assert (row["id"], first in row["reason"]) == (second, True)


def test_the_sdks_own_retry_writes_no_second_row(sdk: str, receiver: Any, connection: Connection) -> None:
    events = EVENTS[1:]
    with forgetful(receiver.url) as url:
        ids = send(sdk, url, events=events)["ids"]
    assert sorted(row["id"] for row in inbox.list_events(connection)) == sorted(ids)
    assert len(ids) == len(events)


def test_the_sdk_hears_that_its_key_is_wrong(sdk: str, start_receiver: Any, connection: Connection) -> None:
    receiver = start_receiver(event_keys=["another-key"])
    assert "Event key not found" in send(sdk, receiver.url)["error"]
    assert inbox.list_events(connection) == []


def test_the_sdk_hears_that_an_event_is_refused(sdk: str, receiver: Any) -> None:
    answer = send(sdk, receiver.url, events=[EVENTS[1], {"name": "inngest/function.finished", "data": {}}])
    assert "reserved" in answer["error"]
