"""Where the next capture of a repository goes on: cursor, watermark, page size (``github.capture_state``)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contrib_pipeline.capture.pages import PageSize
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")

# GitHub's instants have whole seconds, and its replicas lag: read again what was updated just before the watermark.
OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True)
class State:
    """One row of ``github.capture_state``, or what stands for it before the first capture."""

    cursor: str | None = None
    watermark: datetime | None = None
    verified_at: datetime | None = None
    page_size: int | None = None

    def size(self, largest: int) -> PageSize:
        """The page size that GitHub last answered in time."""
        return PageSize(largest, self.page_size or largest)

    def is_behind(self, newest: datetime | None) -> bool:
        """Whether GitHub's ``newest`` update is past what is stored, or so near the last look that it may be missed."""
        if self.watermark is None:
            return True
        if newest is None:
            return False
        return newest > self.watermark or newest > (self.verified_at or self.watermark) - OVERLAP


def read_state(connection: Connection, repository_id: int, kind: str) -> State:
    """The state of ``kind`` for this repository."""
    row = connection.execute(_SQL["state"], {"repository_id": repository_id, "kind": kind}).fetchone()
    return State(**{name: row[name] for name in State.__annotations__}) if row else State()


def save_cursor(connection: Connection, repository_id: int, kind: str, cursor: str | None, size: int | None) -> None:
    """The walk ``kind`` goes on after ``cursor``; None: it has reached its end."""
    values = {"repository_id": repository_id, "kind": kind, "cursor": cursor, "page_size": size}
    connection.execute(_SQL["save_cursor"], values)


def save_watermark(
    connection: Connection,
    repository_id: int,
    kind: str,
    *,
    watermark: datetime | None,
    verified_at: datetime | None,
    size: int | None = None,
) -> None:
    """Everything that GitHub updated up to ``watermark`` is stored, as seen at ``verified_at``; neither goes back."""
    values = {
        "repository_id": repository_id,
        "kind": kind,
        "watermark": watermark,
        "verified_at": verified_at,
        "page_size": size,
    }
    connection.execute(_SQL["save_watermark"], values)
