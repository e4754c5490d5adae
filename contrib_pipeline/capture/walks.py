"""The walks over one repository's pull requests or discussions: newest, changed, history, one.

Each walk is page-atomic and can be killed anywhere. What a walk proves goes to the ledger; which walk is due, and
what happens when GitHub refuses, is ``captures``' business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contrib_pipeline.capture.ledger import Entry
from contrib_pipeline.capture.pages import Page, PageSize, pages
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.state import State, read_state, save_cursor, save_watermark
from contrib_pipeline.capture.store import delete_pull_request, store_page
from contrib_pipeline.capture.subjects import PULL_REQUESTS, Subject
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import NotFound
from contrib_pipeline.github.rows import Contributors
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")

NEWEST = 100
# GitHub's instants have whole seconds, and its replicas lag: read again what was updated just before the watermark.
OVERLAP = timedelta(minutes=5)

Progress = Callable[[int, int], None]
"""Called after each page with the nodes read so far and GitHub's total."""


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
    name_seen: str | None = None
    """The repository's name in GitHub's last answer: differs from ours after a rename."""
    total: int | None = None
    """GitHub's totalCount in the last answer."""

    @property
    def history_kind(self) -> str:
        return f"{self.subject.kind}_history"

    def state(self, kind: str) -> State:
        return read_state(self.connection, self.repository.id, kind)

    def pages(self, field: str, size: PageSize, after: str | None = None) -> Any:
        """The pages of the subject's connection, newest first by ``field``."""
        for page in pages(
            self.client,
            self.subject.operation,
            self.subject.connection,
            size,
            after=after,
            id=self.repository.node_id,
            field=field,
        ):
            self.name_seen, self.total = page.name_with_owner, page.total
            yield page

    def store(self, nodes: list[dict[str, Any]], read_at: datetime, also: Callable[[], None]) -> None:
        """Complete ``nodes``, write them, and do ``also`` in the same transaction."""
        page = self.subject.complete(self.client, nodes, self.repository.id, Contributors(self.is_bot_login))
        store_page(self.entry, page, read_at, also)

    def save_watermark(self, watermark: datetime | None, verified_at: datetime | None, size: PageSize) -> None:
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
        save_cursor(self.connection, self.repository.id, self.history_kind, None, PageSize())
        if self.subject is PULL_REQUESTS:
            self.connection.execute(_SQL["complete_history"], {"id": self.repository.id})


def newest(walk: Walk, limit: int = NEWEST) -> None:
    """The ``limit`` newest; the watermark then stands at the moment of the first page.

    Where these are all there are, the history is complete as well.
    """
    size = walk.state(walk.subject.kind).size()
    read, started = 0, None
    for page in walk.pages("CREATED_AT", size):
        started = started or page.read_at
        nodes = page.nodes[: limit - read]
        read += len(nodes)
        is_last = read >= limit or not page.has_next
        is_all = not page.has_next and len(nodes) == len(page.nodes)

        def also(
            page: Page = page, started: datetime = started, is_last: bool = is_last, is_all: bool = is_all
        ) -> None:
            if is_last:
                walk.save_watermark(started, page.read_at, size)
            if is_all:
                walk.finish_history()

        walk.store(nodes, page.read_at, also)
        walk.on_page(read, min(page.total, limit))
        if is_last:
            return


def changed(walk: Walk) -> None:
    """What GitHub updated since the watermark, newest update first; without a watermark, the newest.

    The next watermark is the newest update of the *first* page, and is saved with the last: what is touched while
    we walk jumps to the front of GitHub's list, and is found by the next walk.
    """
    state = walk.state(walk.subject.kind)
    if state.watermark is None:
        newest(walk)
        return
    size, read, first = state.size(), 0, None
    for page in walk.pages("UPDATED_AT", size):
        first = first or page
        nodes = [n for n in page.nodes if _updated_at(n) >= state.watermark - OVERLAP]
        read += len(nodes)
        is_last = len(nodes) < len(page.nodes) or not page.has_next

        def also(first: Page = first, is_last: bool = is_last) -> None:
            if is_last:
                watermark = max((_updated_at(n) for n in first.nodes), default=None)
                walk.save_watermark(watermark, first.read_at, size)

        walk.store(nodes, page.read_at, also)
        walk.on_page(read, read if is_last else page.total)
        if is_last:
            return


def history(walk: Walk) -> None:
    """Everything, newest first by creation (which never changes), from where an earlier walk was stopped.

    Then what changed meanwhile, so that what is stored can be compared with GitHub's total.
    """
    state, kept = walk.state(walk.history_kind), walk.state(walk.subject.kind)
    size, read = state.size(), 0
    for page in walk.pages("CREATED_AT", size, after=state.cursor):
        read += len(page.nodes)

        def also(page: Page = page, is_first: bool = read == len(page.nodes)) -> None:
            if is_first and kept.watermark is None:
                walk.save_watermark(page.read_at, None, size)
            if page.has_next:
                save_cursor(walk.connection, walk.repository.id, walk.history_kind, page.cursor, size)
            else:
                walk.finish_history()

        walk.store(page.nodes, page.read_at, also)
        walk.on_page(read, page.total)
    changed(walk)


def one(walk: Walk, number: int) -> bool:
    """The pull request ``number`` with everything; False where GitHub has none (ours is marked deleted then)."""
    try:
        answer = walk.client.execute("PullRequest", id=walk.repository.node_id, number=number)
    except NotFound:
        # The repository itself may be gone: only one that answers proves that the pull request is not there.
        probe = walk.client.execute("Probe", ids=[walk.repository.node_id])
        if probe.data["nodes"] == [None]:
            raise
        delete_pull_request(walk.entry, number, probe.read_at)
        return False
    node = answer.data["node"]
    walk.name_seen, walk.total = node["nameWithOwner"], node["pullRequests"]["totalCount"]
    walk.store([node["pullRequest"]], answer.read_at, lambda: None)
    return True


def _updated_at(node: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(node["updatedAt"])
