"""Days that late facts touched: from the marks in ``metrics.reopened`` to days that are no longer final.

The marks are written by triggers in the transaction that changes a fact (migration 0004). Here they are taken, and
their days lose ``is_final``: from then on ``read.open_days`` names them. A mark that was taken is kept in
``metrics.reopening`` until its days are computed; if its taker ends before, it waits again. Nothing is computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("reopened", __package__)


@dataclass(frozen=True)
class Reopened:
    """What re-opening days did."""

    repositories: int
    """Repositories whose marks were taken."""
    from_day: date | None
    """The earliest day that lost its finality; None without marks."""
    taking: str
    """What the marks are known by until they are settled."""


@dataclass(frozen=True)
class Waiting:
    """Marks that nobody has taken, or whoever took them ended before their days were computed."""

    repositories: int
    since: datetime | None
    """When the oldest of them was written; None without marks."""
    from_day: date | None
    """The earliest day that they touch."""


def waiting(connection: Connection) -> Waiting:
    """How many repositories have changed facts, and since when: whoever re-opens days can let changes settle."""
    row = connection.execute(_SQL["waiting"]).fetchone()
    assert row is not None
    return Waiting(**row)


def reopen_days(connection: Connection) -> Reopened:
    """Take all marks and make the days from theirs on not final, of their repositories and workspaces.

    They are this connection's, to be settled by it. When it is closed, what it did not settle waits again.
    """
    with connection.transaction():
        connection.execute(_SQL["lock"])
        connection.execute(_SQL["take"])
        connection.execute(_SQL["hold"])
        row = connection.execute(_SQL["apply"]).fetchone()
    assert row is not None
    return Reopened(**row)


def touched_workspaces(connection: Connection, reopened: Reopened) -> list[UUID]:
    """Workspaces that have a repository whose mark was taken, and is not settled yet."""
    rows = connection.execute(_SQL["touched_workspaces"], {"taking": reopened.taking})
    return [row["workspace_id"] for row in rows]


def settle(connection: Connection, reopened: Reopened, workspace_ids: Sequence[UUID] | None = None) -> None:
    """All open days of all workspaces, or of ``workspace_ids``, are computed: marks that were about these are done."""
    ids = None if workspace_ids is None else list(workspace_ids)
    connection.execute(_SQL["settle"], {"taking": reopened.taking, "workspace_ids": ids})
