"""One transaction of a walk: rows, vanished rows, first reviews, cursor or watermark, the ledger.

Contributors go first, in a short transaction of their own: they are shared by all repositories, and holding their
locks through a page is what makes two writers deadlock. Re-opened days are noted by triggers (``0004_metrics.sql``).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from contrib_pipeline.capture.ledger import Entry
from contrib_pipeline.capture.subjects import PULL_REQUESTS, PageRows, Subject
from contrib_pipeline.github.rows import Row
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import Written, in_transaction, write

_SQL = load("capture")
_FIRST_REVIEW = load("first_review")

Result = TypeVar("Result")


def store_page(entry: Entry, subject: Subject, page: PageRows, read_at: datetime, also: Callable[[], None]) -> None:
    """Write ``page``, read at ``read_at``; ``also`` runs in its transaction (where the next page goes on from)."""
    connection = entry.connection
    people = in_transaction(connection, lambda: write(connection, tables.CONTRIBUTORS, page.contributors))

    def work() -> dict[str, Written]:
        page.leave_out(_overtaken(connection, subject, page, read_at), subject.parent_key)
        written = {tables.CONTRIBUTORS.name: people}
        for table in tables.WRITE_ORDER:
            for rows in _alike(page.of(table)):
                written[table.name] = written.get(table.name, Written()) + write(connection, table, rows)
        _delete_vanished(connection, subject, page, read_at, written)
        if subject is PULL_REQUESTS:
            ids = [row["id"] for row in page.of(subject.table)]
            connection.execute(_FIRST_REVIEW["refresh"], {"pull_request_ids": ids})
        also()
        entry.note(written)
        return written

    entry.noted_until_now(in_turn(connection, entry.repository_id, work))


def delete_parents(entry: Entry, subject: Subject, numbers: Sequence[int], read_at: datetime) -> int:
    """Mark those that GitHub no longer has, with all that hangs on them; how many there were.

    What was created or read again after ``read_at`` is left alone.
    """

    def work() -> dict[str, Written]:
        values = {"repository_id": entry.repository_id, "numbers": list(numbers), "read_at": read_at}
        count = entry.connection.execute(_SQL[f"delete_{subject.kind}"], values).rowcount
        written = {subject.table.name: Written(updated=count)}
        entry.note(written)
        return written

    written = in_turn(entry.connection, entry.repository_id, work)
    entry.noted_until_now(written)
    return written[subject.table.name].updated


def in_turn(connection: Connection, repository_id: int, work: Callable[[], Result]) -> Result:
    """The result of ``work`` in a transaction during which nobody else writes into this repository.

    What was overtaken when it began stays so, and writers of many of its rows don't wait for each other crosswise.
    """

    def in_our_turn() -> Result:
        connection.execute(_SQL["take_turns"], {"repository_id": repository_id})
        return work()

    return in_transaction(connection, in_our_turn)


def _alike(rows: Sequence[Row]) -> Iterable[list[Row]]:
    """The rows by the columns that they have: a reading says nothing of those that it lacks."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups.values()


def _overtaken(connection: Connection, subject: Subject, page: PageRows, read_at: datetime) -> set[int]:
    """Parents that a later reading has changed: this one says nothing about them any more.

    One that GitHub has updated since is no later reading, whatever the clocks of GitHub's servers say.
    """
    rows = page.of(subject.table)
    values = {
        "ids": [row["id"] for row in rows],
        "updates": [row["updated_at"] for row in rows],
        "read_at": read_at,
    }
    return {row["id"] for row in connection.execute(_SQL[f"overtaken_{subject.kind}"], values)}


def _delete_vanished(
    connection: Connection, subject: Subject, page: PageRows, read_at: datetime, written: dict[str, Written]
) -> None:
    """Mark stored children that a whole reading of their parent no longer has; add them to ``written``."""
    parents: set[int] = set()
    for statement, table, kind in _CHILDREN[subject.kind]:
        found = [row["id"] for row in page.of(table) if kind is None or row["kind"] == kind]
        values = {"parents": page.whole, "found": found, "kind": kind, "read_at": read_at}
        gone = [row["parent_id"] for row in connection.execute(_SQL[statement], values)]
        parents.update(gone)
        written[table.name] = written.get(table.name, Written()) + Written(updated=len(gone))
    if parents:
        # Nothing else tells a reading made before that it must not bring them back.
        values = {"ids": sorted(parents), "read_at": read_at}
        connection.execute(_SQL[f"note_reading_{subject.kind}"], values)


_CHILDREN = {
    "pull_requests": (
        ("delete_vanished_reviews", tables.REVIEWS, None),
        ("delete_vanished_comments", tables.COMMENTS, "issue"),
        ("delete_vanished_comments", tables.COMMENTS, "review"),
    ),
    "discussions": (("delete_vanished_discussion_comments", tables.DISCUSSION_COMMENTS, None),),
}
