"""Ten thousand odd requests: whatever comes, what was accepted is in the inbox, and nothing else is."""

import json
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contrib_pipeline.events.catalogue import BY_NAME
from contrib_pipeline.warehouse.connection import Connection

REQUESTS = 10_000
KINDS = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "?",
]
SEEDS = ["1,AAAAAAAAAAAAAA==", "1700000000000,AAAAAAAAAAAAAA==", "x", "9" * 40 + ",AAAA", ",,,", "-1,AAAAAAAAAAAAAA=="]

texts = st.text(max_size=12) | st.sampled_from(
    ["", "\0", "\ud800", "octo/hello", "inngest/x", "a" * 3000, "../..", "💥"]
)
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, float("nan")])
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4), max_leaves=8)
fields = st.sampled_from(
    ["repository", "owner", "repo", "pr_number", "repositoryId", "workspace_id", "action", "day", "reason"]
)
payloads = st.dictionaries(fields | texts, values, max_size=5)
events = st.fixed_dictionaries(
    {"name": st.sampled_from(sorted(BY_NAME)) | texts | values},
    optional={"data": payloads | values, "id": texts | values, "ts": numbers | values, "user": values, "v": values},
)
documents = (events | st.lists(events | values, max_size=4) | values).map(
    lambda v: json.dumps(v).encode("utf-8", "replace")
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Events, and what is left of them when they are cut, repeated, or not JSON at all."""
    body: bytes = draw(documents)
    match draw(st.integers(0, 9)):
        case 0:
            return body[: draw(st.integers(0, len(body)))]
        case 1:
            return draw(st.binary(max_size=60))
        case 2:
            return b"\xef\xbb\xbf" + body
        case 3:
            return b"[" * draw(st.sampled_from([5, 2000, 200_000]))
        case 4:
            return b'{"name": "a", "name": ' + body + b"}"
        case _:
            return body


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    path = draw(
        st.sampled_from(
            ["/e/key"] * 12 + ["/e/", "/e", "/e/a/b", "/e/%00", "/e/%F0%9F%92%A5", "/webhooks/github", "/x"]
        )
    )
    headers = {"Content-Type": draw(st.sampled_from(KINDS))}
    if draw(st.integers(0, 4)) == 0:
        headers["x-inngest-event-id-seed"] = draw(st.sampled_from(SEEDS))
    if draw(st.integers(0, 9)) == 0:
        headers["Origin"] = draw(st.sampled_from(["http://localhost:3000", "https://evil.example", "null", "http://["]))
    method = draw(st.sampled_from(["POST"] * 9 + ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"]))
    return {"method": method, "path": path, "headers": headers, "data": draw(bodies())}


def test_what_was_accepted_is_in_the_inbox_and_nothing_else(start_receiver: Any, connection: Connection) -> None:
    receiver = start_receiver(webhook_secrets=["secret"])
    known: set[str] = set()

    def stored() -> int:
        row = connection.execute("select count(*) as n from events.inbox").fetchone()
        assert row is not None
        return int(row["n"])

    with requests.Session() as session:

        @settings(
            max_examples=REQUESTS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(calls())
        def ask(call: dict[str, Any]) -> None:
            answer = session.request(
                call["method"], receiver.url + call["path"], data=call["data"], headers=call["headers"], timeout=30
            )
            assert answer.status_code < 500
            ids: set[str] = set()
            if call["method"] == "POST" and call["path"].startswith("/e"):
                said = answer.json()
                assert said["status"] == answer.status_code
                assert answer.ok != ("error" in said)
                ids = {event_id for event_id in said.get("ids", []) if event_id}
            known.update(ids)
            found = connection.execute(
                "select count(*) as n from events.inbox where id = any(%s)", [list(ids)]
            ).fetchone()
            assert found == {"n": len(ids)}, "an acknowledged event is not there"
            assert stored() == len(known), "something is there that nobody was told of"

        ask()
    states = {row["state"] for row in connection.execute("select distinct state from events.inbox")}
    assert states >= {"pending", "quarantined"}, "odd requests are of all kinds"
