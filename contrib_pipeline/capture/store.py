"""One page, one transaction: rows, vanished rows, first reviews, cursor or watermark, the ledger.

Contributors go first, in a short transaction of their own: they are shared by all repositories, and holding their
locks through a page is what makes two writers deadlock. Re-opened days are noted by triggers (``0004_metrics.sql``).
"""

from collections.abc import Callable
from datetime import datetime

from contrib_pipeline.capture.ledger import Entry
from contrib_pipeline.capture.subjects import PageRows
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import Written, in_transaction, write

_SQL = load("capture")
_FIRST_REVIEW = load("first_review")


def store_page(entry: Entry, page: PageRows, read_at: datetime, also: Callable[[], None]) -> None:
    """Write ``page``; ``also`` runs in its transaction (where the next page goes on from)."""
    connection = entry.connection
    people = in_transaction(connection, lambda: write(connection, tables.CONTRIBUTORS, page.contributors))

    def work() -> dict[str, Written]:
        connection.execute(_SQL["take_turns"], {"repository_id": entry.repository_id})
        written = {tables.CONTRIBUTORS.name: people}
        for table in tables.WRITE_ORDER:
            if rows := page.of(table):
                written[table.name] = write(connection, table, rows)
        for name, gone in _delete_vanished(connection, page, read_at).items():
            written[name] = written.get(name, Written()) + gone
        _refresh_first_reviews(connection, page)
        also()
        entry.note(written)
        return written

    entry.noted_until_now(in_transaction(connection, work))


def delete_pull_request(entry: Entry, number: int, read_at: datetime) -> None:
    """Mark a stored pull request that GitHub no longer has."""

    def work() -> dict[str, Written]:
        values = {"repository_id": entry.repository_id, "number": number, "read_at": read_at}
        count = entry.connection.execute(_SQL["delete_pull_request"], values).rowcount
        written = {tables.PULL_REQUESTS.name: Written(updated=count)}
        entry.note(written)
        return written

    entry.noted_until_now(in_transaction(entry.connection, work))


def _delete_vanished(connection: Connection, page: PageRows, read_at: datetime) -> dict[str, Written]:
    """Mark stored children that a whole reading of their parent no longer has."""
    gone: dict[str, Written] = {}
    for statement, table, kind in _CHILDREN:
        if not page.of(_PARENT[table.name]):
            continue
        found = [row["id"] for row in page.of(table) if kind is None or row["kind"] == kind]
        values = {"parents": page.whole, "found": found, "kind": kind, "read_at": read_at}
        count = connection.execute(_SQL[statement], values).rowcount
        gone[table.name] = gone.get(table.name, Written()) + Written(updated=count)
    return gone


def _refresh_first_reviews(connection: Connection, page: PageRows) -> None:
    if page.of(tables.PULL_REQUESTS):
        connection.execute(_FIRST_REVIEW["refresh"], {"pull_request_ids": page.whole})


_CHILDREN = (
    ("delete_vanished_reviews", tables.REVIEWS, None),
    ("delete_vanished_comments", tables.COMMENTS, "issue"),
    ("delete_vanished_comments", tables.COMMENTS, "review"),
    ("delete_vanished_discussion_comments", tables.DISCUSSION_COMMENTS, None),
)
_PARENT = {
    tables.REVIEWS.name: tables.PULL_REQUESTS,
    tables.COMMENTS.name: tables.PULL_REQUESTS,
    tables.DISCUSSION_COMMENTS.name: tables.DISCUSSIONS,
}
