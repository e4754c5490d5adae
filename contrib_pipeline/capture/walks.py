"""The walks over one repository's pull requests or discussions: newest, changed, recent, history.

Each walk writes a few pages at a time, with the place where to go on in the same transaction, and can be killed
anywhere. Reading some by number is ``chosen``'s business; which walk is due, and what happens when GitHub refuses,
``captures``'.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contrib_pipeline.capture.ahead import Ahead, Need
from contrib_pipeline.capture.ledger import Entry
from contrib_pipeline.capture.pages import Page, PageSize, pages
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.state import OVERLAP, State, read_state, save_cursor, save_watermark
from contrib_pipeline.capture.store import store_page
from contrib_pipeline.capture.subjects import PULL_REQUESTS, Subject
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import BadCursor
from contrib_pipeline.github.rows import Contributors
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")

NEWEST = 100
RECENT = timedelta(days=14)
"""What bumps GitHub's updatedAt is not documented: what was updated within this time is read again every night."""
# A transaction holds at most so many pages, so many requests by id: enough to fill those requests.
_PAGES, _REQUESTS = 4, 3
_BEFORE_EVERYTHING = datetime(2008, 1, 1, tzinfo=UTC)  # GitHub's first year
Progress = Callable[[int, int], None]
"""Called after each transaction with the nodes read so far and GitHub's total."""
Cut = Callable[[Page], tuple[list[dict[str, Any]], bool]]
"""What a walk wants of a page, and whether it ends there."""


@dataclass
class Unit:
    """Pages that are completed and written together."""

    nodes: list[dict[str, Any]]
    first: Page
    last: Page
    is_last: bool
    pages: int = 1

    def add(self, page: Page, nodes: list[dict[str, Any]], is_last: bool) -> None:
        self.nodes += nodes
        self.last, self.is_last = page, is_last
        self.pages += 1


@dataclass
class Walk:
    """What every walk over one repository needs."""

    client: GitHubClient
    connection: Connection
    repository: Repository
    subject: Subject
    entry: Entry
    is_bot_login: Callable[[str], bool]
    on_page: Progress
    ahead: Ahead
    name_seen: str | None = None
    """The repository's name in GitHub's last answer: differs from ours after a rename."""
    has_discussions_seen: bool | None = None
    """Whether discussions were switched on in GitHub's last answer; None where it did not say."""
    total: int | None = None
    """GitHub's totalCount in the last answer."""
    unlisted: int | None = None
    """How many GitHub counts and lists nowhere; None where this walk did not see all that it lists."""
    unread: dict[int, str] = field(default_factory=dict)
    """Numbers of what could not be read whole, with GitHub's words."""
    withheld: list[str] = field(default_factory=list)
    """GitHub's words for what could not be read, and whose number is not known."""

    @property
    def repository_changed(self) -> bool:
        """Whether GitHub's answers say otherwise of the repository than our records."""
        known = self.repository
        return self.name_seen not in (None, known.name_with_owner) or (
            self.has_discussions_seen not in (None, known.has_discussions)
        )

    @property
    def history_kind(self) -> str:
        return f"{self.subject.kind}_history"

    def state(self, kind: str) -> State:
        return read_state(self.connection, self.repository.id, kind)

    def size(self, kind: str) -> PageSize:
        return self.state(kind).size(self.subject.largest_page)

    def units(
        self, order: str, size: PageSize, cut: Cut, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[Unit]:
        """What ``cut`` wants of the pages, newest first by ``order``, some pages together."""
        unit: Unit | None = None
        for page in self._pages(order, size, after, limit):
            nodes, is_last = cut(page)
            if unit is None:
                unit = Unit(list(nodes), page, page, is_last)
            else:
                unit.add(page, nodes, is_last)
            if is_last or unit.pages == _PAGES or self.subject.requests_after(unit.nodes) >= _REQUESTS:
                yield unit
                unit = None
            if is_last:
                return

    def _pages(self, order: str, size: PageSize, after: str | None, limit: int | None) -> Iterator[Page]:
        for page in self._answers(order, size, after, limit):
            self.note(page)
            yield page

    def note(self, page: Page) -> None:
        """Remember what a page tells of the repository, and what it withholds."""
        self.name_seen, self.has_discussions_seen = page.name_with_owner, page.has_discussions
        self.total = page.total
        self.unread |= page.unread
        self.withheld += page.withheld

    def _answers(self, order: str, size: PageSize, after: str | None, limit: int | None) -> Iterator[Page]:
        subject, repository = self.subject, self.repository
        if order == "UPDATED_AT" and after is None and limit is None:
            need = Need(repository.node_id, repository.name_with_owner, subject)
            if first := self.ahead.first_page(self.client, need):
                yield first
                if not first.has_next:
                    return
                after = first.cursor
        ours = {"id": repository.node_id, "field": order}
        yield from pages(
            self.client,
            subject.page_operation,
            subject.connection,
            size,
            after=after,
            limit=limit,
            heads=subject.heads_operation,
            **ours,
        )

    def store(self, nodes: list[dict[str, Any]], read_at: datetime, also: Callable[[], None] = lambda: None) -> None:
        """Complete ``nodes``, read at ``read_at``, write them, and do ``also`` in the same transaction."""
        people = Contributors(self.is_bot_login, read_at)
        page = self.subject.complete(self.client, nodes, self.repository.id, people, read_at)
        self.unread |= page.unread
        store_page(self.entry, self.subject, page, read_at, also)

    def stored(self) -> int:
        """How many living ones are stored."""
        statement = _SQL[f"stored_{self.subject.kind}"]
        row = self.connection.execute(statement, {"repository_id": self.repository.id}).fetchone()
        assert row is not None
        return int(row["total"])

    def save_watermark(self, watermark: datetime | None, verified_at: datetime | None, size: int | None = None) -> None:
        save_watermark(
            self.connection,
            self.repository.id,
            self.subject.kind,
            watermark=watermark,
            verified_at=verified_at,
            size=size,
        )

    def finish_history(self) -> None:
        """No cursor is left; for pull requests the repository is no longer partial."""
        save_cursor(self.connection, self.repository.id, self.history_kind, None, None)
        if self.subject is PULL_REQUESTS:
            self.connection.execute(_SQL["complete_history"], {"id": self.repository.id})


def newest(walk: Walk, limit: int = NEWEST) -> None:
    """The ``limit`` newest; the watermark then stands where GitHub's updates stood at the first page.

    Where these are all there are, the history is complete as well.
    """
    size, read, first = walk.size(walk.subject.kind), 0, None

    def cut(page: Page) -> tuple[list[dict[str, Any]], bool]:
        nonlocal read
        read += len(page.nodes) + len(page.unread) + len(page.withheld)
        return page.nodes, read >= limit or not page.has_next

    for unit in walk.units("CREATED_AT", size, cut, limit=limit):
        first = first or unit.first

        def also(unit: Unit = unit, first: Page = first) -> None:
            if unit.is_last:
                walk.save_watermark(_stand(first), first.read_at, size.current)
            if not unit.last.has_next:
                walk.finish_history()

        walk.store(unit.nodes, unit.first.read_at, also)
        walk.on_page(read, min(unit.last.total, limit))


def changed(walk: Walk) -> None:
    """What GitHub updated since the watermark, newest update first; without a watermark, the newest."""
    state = walk.state(walk.subject.kind)
    if state.watermark is None:
        newest(walk)
    else:
        _updated_since(walk, state.watermark - OVERLAP)


def recent(walk: Walk) -> None:
    """What was updated within :data:`RECENT`, read again whether or not anything says that it changed."""
    state = walk.state(walk.subject.kind)
    if state.watermark is None:
        newest(walk)
    else:
        _updated_since(walk, min(state.watermark - OVERLAP, walk.entry.started_at - RECENT))


def _updated_since(walk: Walk, since: datetime) -> None:
    """The next watermark is the newest update of the *first* page, and is saved with the last.

    What is touched while we walk jumps to the front of GitHub's list, and is found by the next walk.
    """
    size, read, first = walk.size(walk.subject.kind), 0, None

    def cut(page: Page) -> tuple[list[dict[str, Any]], bool]:
        nodes = [node for node in page.nodes if _updated_at(node) >= since]
        return nodes, len(nodes) < len(page.nodes) or not page.has_next

    for unit in walk.units("UPDATED_AT", size, cut):
        first = first or unit.first
        read += len(unit.nodes)

        def also(unit: Unit = unit, first: Page = first) -> None:
            if unit.is_last:
                watermark = max((_updated_at(node) for node in first.nodes), default=None)
                walk.save_watermark(watermark, first.read_at, size.current)

        walk.store(unit.nodes, unit.first.read_at, also)
        walk.on_page(read, read if unit.is_last else unit.last.total)


def history(walk: Walk) -> None:
    """Everything, newest first by creation (which never changes), from where an earlier walk was stopped.

    Then what changed meanwhile, where anything did, so that what is stored can be compared with GitHub's total.
    """
    state = walk.state(walk.history_kind)
    try:
        first, last = _everything(walk, state, state.cursor)
    except BadCursor:
        if state.cursor is None:
            raise
        first, last = _everything(walk, state, None)
    reached = walk.state(walk.subject.kind)
    if state.cursor is None and reached.verified_at is None:
        reached = replace(reached, verified_at=first.read_at)
    if reached.is_behind(last.newest):
        changed(walk)
    else:
        walk.save_watermark(None, last.read_at)


def _everything(walk: Walk, state: State, after: str | None) -> tuple[Page, Page]:
    """All pages after that cursor; the first and the last, with which all is read, also what an earlier walk read."""
    kept, size = walk.state(walk.subject.kind), state.size(walk.subject.largest_page)
    read, first, last = 0, None, None

    def cut(page: Page) -> tuple[list[dict[str, Any]], bool]:
        return page.nodes, not page.has_next

    for unit in walk.units("CREATED_AT", size, cut, after=after):
        is_first, first, last = first is None, first or unit.first, unit.last
        read += len(unit.nodes)

        def also(unit: Unit = unit, is_first: bool = is_first) -> None:
            if is_first and kept.watermark is None:
                walk.save_watermark(_stand(unit.first), None)
            if unit.last.has_next:
                save_cursor(walk.connection, walk.repository.id, walk.history_kind, unit.last.cursor, size.current)
            else:
                walk.finish_history()

        walk.store(unit.nodes, unit.first.read_at, also)
        walk.on_page(read if unit.last.has_next else unit.last.total, unit.last.total)
    assert first is not None
    assert last is not None
    return first, last


def _stand(page: Page) -> datetime:
    """Where GitHub's updates stand at this page, by GitHub's own dates: they need not keep up with any clock."""
    if not page.total:
        return _BEFORE_EVERYTHING
    return page.newest or page.read_at


def _updated_at(node: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(node["updatedAt"])
