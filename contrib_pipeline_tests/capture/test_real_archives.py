"""Real repositories, served by the sandbox and captured whole, are stored as the archives have them: every field."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.sandbox.archives import read_archives
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect

Archive = tuple[str, list[dict[str, Any]]]


@pytest.fixture
def files(real_data: Path) -> list[Path]:
    return sorted(f for f in (real_data / "github/archives").glob("*.jsonl.gz") if "discussions" not in f.name)


@pytest.fixture
def captures(files: list[Path], database_url: str, connection: Connection) -> Iterator[Captures]:
    with (
        running_sandbox(read_archives(files)) as base,
        connect(database_url) as points,
        GitHubClient(f"{base}/graphql", Token("a-token"), PostgresBudget(points, "a-token")) as client,
    ):
        yield Captures(lambda _: client, connection, host="localhost")


def archives(files: list[Path]) -> Iterator[Archive]:
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield file.name.removesuffix(".jsonl.gz").replace("+", "/"), [json.loads(line) for line in lines]


def test_every_pull_request_review_and_comment_is_stored_as_it_is(
    files: list[Path], captures: Captures, connection: Connection
) -> None:
    for name, archive in archives(files):
        outcome = captures.capture(CaptureRequest(name, depth="history"))
        assert outcome.is_complete, outcome.error
        assert stored_pull_requests(connection, name) == {node["number"]: expected(node) for node in archive}
        assert stored_children(connection, name) == {node["number"]: expected_children(node) for node in archive}
        again = captures.capture(CaptureRequest(name))
        assert again.counts.changed == 0


def expected(node: dict[str, Any]) -> dict[str, Any]:
    """What the archive says of a pull request, in the warehouse's words."""
    return {
        "node_id": node["id"],
        "title": node["title"],
        "body": node["body"],
        "state": node["state"].lower(),
        "author": login(node["author"]),
        "merged_by": login(node["mergedBy"]),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "closed_at": node["closedAt"],
        "merged_at": node["mergedAt"],
        "labels": sorted(node["labels"]),
        "base_ref": node["baseRefName"],
        "head_ref": node["headRefName"],
        # not known for a few; GitHub, and so the sandbox, never answers null there
        "additions": node["additions"] or 0,
        "deletions": node["deletions"] or 0,
        "changed_files": node["changedFiles"] or 0,
        "url": node["url"],
    }


def expected_children(node: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Its reviews, comments and inline comments, in no order."""
    reviews = [
        ("review", login(r["author"]), r["state"], r["body"], r["createdAt"], r["updatedAt"])
        for r in node["reviews"]
        if r["state"] != "PENDING"
    ]
    comments = [
        ("comment", login(c["author"]), "issue", c["body"], c["createdAt"], c["updatedAt"]) for c in node["comments"]
    ]
    inline = [
        ("comment", login(r["author"]), "review", c["body"], c["createdAt"], c["updatedAt"])
        for r in node["reviews"]
        for c in r["comments"]
    ]
    return sorted(reviews + comments + inline, key=repr)


def login(name: str | None) -> str | None:
    return name.removesuffix("[bot]") if name else None


INSTANT = "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as {}"


def stored_pull_requests(connection: Connection, name: str) -> dict[int, dict[str, Any]]:
    instants = ", ".join(INSTANT.format(f"p.{c}", c) for c in ("created_at", "updated_at", "closed_at", "merged_at"))
    rows = connection.execute(
        f"""
        select number, p.node_id, title, body, state, a.login as author, m.login as merged_by, {instants},
          labels, base_ref, head_ref, additions, deletions, changed_files, url
        from github.pull_requests p
        join github.repositories r on r.id = p.repository_id
        left join github.contributors a on a.id = p.author_id
        left join github.contributors m on m.id = p.merged_by_id
        where r.name_with_owner = %s and p.deleted_at is null
        """,  # type: ignore[arg-type]
        (name,),
    ).fetchall()
    return {row.pop("number"): row for row in rows}


def stored_children(connection: Connection, name: str) -> dict[int, list[tuple[Any, ...]]]:
    rows = connection.execute(
        f"""
        with child as (
          select pull_request_id, 'review' as what, author_id, state as kind, body,
            submitted_at as created_at, updated_at
          from github.reviews where deleted_at is null
          union all
          select pull_request_id, 'comment', author_id, kind, body, created_at, updated_at
          from github.comments where deleted_at is null
        )
        select number, what, login, child.kind, child.body,
          {INSTANT.format("child.created_at", "created_at")}, {INSTANT.format("child.updated_at", "updated_at")}
        from github.pull_requests p
        join github.repositories r on r.id = p.repository_id
        left join child on child.pull_request_id = p.id
        left join github.contributors a on a.id = child.author_id
        where r.name_with_owner = %s and p.deleted_at is null
        """,  # type: ignore[arg-type]
        (name,),
    ).fetchall()
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        number, *child = row.values()
        found.setdefault(number, []).extend([tuple(child)] if child[0] else [])
    return {number: sorted(children, key=repr) for number, children in found.items()}
