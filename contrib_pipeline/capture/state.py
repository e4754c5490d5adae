"""Where the next capture of a repository goes on: cursor, watermark, page size (``github.capture_state``)."""

from dataclasses import dataclass
from datetime import datetime

from contrib_pipeline.capture.pages import LARGEST_PAGE, PageSize
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")


@dataclass(frozen=True)
class State:
    """One row of ``github.capture_state``, or what stands for it before the first capture."""

    cursor: str | None = None
    watermark: datetime | None = None
    verified_at: datetime | None = None
    page_size: int | None = None

    def size(self) -> PageSize:
        """The page size that GitHub last answered in time."""
        return PageSize(self.page_size or LARGEST_PAGE)


def read_state(connection: Connection, repository_id: int, kind: str) -> State:
    """The state of ``kind`` for this repository."""
    row = connection.execute(_SQL["state"], {"repository_id": repository_id, "kind": kind}).fetchone()
    return State(**{name: row[name] for name in State.__annotations__}) if row else State()


def save_cursor(connection: Connection, repository_id: int, kind: str, cursor: str | None, size: PageSize) -> None:
    """The walk ``kind`` goes on after ``cursor``; None: it has reached its end."""
    values = {"repository_id": repository_id, "kind": kind, "cursor": cursor, "page_size": size.current}
    connection.execute(_SQL["save_cursor"], values)


def save_watermark(
    connection: Connection,
    repository_id: int,
    kind: str,
    *,
    watermark: datetime | None,
    verified_at: datetime | None,
    size: PageSize,
) -> None:
    """Everything that GitHub updated up to ``watermark`` is stored, as seen at ``verified_at``; neither goes back."""
    values = {
        "repository_id": repository_id,
        "kind": kind,
        "watermark": watermark,
        "verified_at": verified_at,
        "page_size": size.current,
    }
    connection.execute(_SQL["save_watermark"], values)
