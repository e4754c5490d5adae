"""The ledger: one row of ``github.captures`` per capture of a repository, written as the capture goes.

A row without ``finished_at`` is a capture under way, or one whose process was killed. State that the next capture
goes on from is ``state``'s.
"""

from dataclasses import dataclass, field
from datetime import datetime

from contrib_pipeline.github.client import GitHubClient, Spent
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import Written

_SQL = load("capture")


@dataclass
class Counts:
    """What a capture read and changed, for people and metadata."""

    by_table: dict[str, Written] = field(default_factory=dict)

    def add(self, table: str, written: Written) -> None:
        self.by_table[table] = self.by_table.get(table, Written()) + written

    def captured(self, *names: str) -> int:
        """Rows read of these tables."""
        return sum(self.by_table[name].captured for name in names if name in self.by_table)

    @property
    def changed(self) -> int:
        return sum(written.changed for written in self.by_table.values())

    def merge(self, other: "Counts") -> None:
        for table, written in other.by_table.items():
            self.add(table, written)


@dataclass
class Entry:
    """An open row of the ledger."""

    connection: Connection
    client: GitHubClient
    id: int
    repository_id: int
    started_at: datetime
    counts: Counts = field(default_factory=Counts)
    noted: Spent = field(default_factory=Spent)
    spent: Spent = field(default_factory=Spent)

    def note(self, by_table: dict[str, Written]) -> None:
        """Add a page's rows and what it cost; called in the page's transaction."""
        since = self.client.spent - self.noted
        self.connection.execute(
            _SQL["add_to_entry"],
            {
                "id": self.id,
                "requests": since.requests,
                "points": since.points,
                "captured": sum(w.captured for w in by_table.values()),
                "changed": sum(w.changed for w in by_table.values()),
            },
        )

    def noted_until_now(self, by_table: dict[str, Written]) -> None:
        """The transaction of :meth:`note` is committed."""
        self.spent += self.client.spent - self.noted
        self.noted = self.client.spent.copy()
        for table, written in by_table.items():
            self.counts.add(table, written)

    def close(
        self, *, github_total: int | None, stored_total: int, unlisted: int | None, is_complete: bool, error: str | None
    ) -> None:
        """The last word of this capture; ``unlisted`` where it saw all that GitHub lists."""
        values = {"github_total": github_total, "stored_total": stored_total, "unlisted": unlisted}
        with self.connection.transaction():
            self.note({})
            self.connection.execute(
                _SQL["close_entry"], {"id": self.id, "is_complete": is_complete, "error": error, **values}
            )
        self.noted_until_now({})


def open_entry(
    connection: Connection, client: GitHubClient, repository_id: int, kind: str, run_id: str | None
) -> Entry:
    """A new row of the ledger."""
    values = {"repository_id": repository_id, "kind": kind, "run_id": run_id}
    row = connection.execute(_SQL["open_entry"], values).fetchone()
    assert row is not None
    return Entry(connection, client, row["id"], repository_id, row["started_at"], noted=client.spent.copy())
