"""Pages of a connection, in a size that GitHub answers in time.

A page that is too heavy is asked for again at half the size; after some good pages the size grows back. What is in
the pages is not this file's business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import NotFound, TooMuch, TryAgain

LARGEST_PAGE = 50
SMALLEST_PAGE = 1
_GROW_AFTER = 8
IDS_PER_REQUEST = 100


class CursorStuck(TryAgain):
    """GitHub says there is a next page, but its cursor is the one we came with."""


@dataclass
class PageSize:
    """How many nodes to ask for next."""

    current: int = LARGEST_PAGE
    good_pages: int = 0

    def shrink(self) -> bool:
        """Half as many; False if it was the smallest already."""
        self.good_pages = 0
        if self.current == SMALLEST_PAGE:
            return False
        self.current = max(self.current // 2, SMALLEST_PAGE)
        return True

    def answered(self) -> None:
        """A page came in time; after some of them, twice as many."""
        self.good_pages += 1
        if self.good_pages >= _GROW_AFTER and self.current < LARGEST_PAGE:
            self.current = min(self.current * 2, LARGEST_PAGE)
            self.good_pages = 0


@dataclass(frozen=True)
class Page:
    """One page of a repository's connection."""

    nodes: list[dict[str, Any]]
    total: int
    """GitHub's totalCount."""
    cursor: str | None
    has_next: bool
    read_at: datetime
    name_with_owner: str


def pages(
    client: GitHubClient, operation: str, connection: str, size: PageSize, *, after: str | None, **variables: Any
) -> Iterator[Page]:
    """Every page of the repository's ``connection`` after the cursor ``after``.

    Raises :class:`TooMuch` when even the smallest page is too heavy, :class:`NotFound` when the repository is gone.
    """
    while True:
        page = _page(client, operation, connection, size, after=after, **variables)
        yield page
        if not page.has_next:
            return
        if page.cursor == after:
            raise CursorStuck(f"{operation}: there is a page after {after!r}, but its cursor did not move.")
        after = page.cursor


def _page(client: GitHubClient, operation: str, connection: str, size: PageSize, **variables: Any) -> Page:
    while True:
        try:
            answer = client.execute(operation, first=size.current, **variables)
            node, found = _whole(operation, connection, answer.data["node"])
        except TooMuch:
            if not size.shrink():
                raise
            continue
        size.answered()
        info = found["pageInfo"]
        return Page(
            nodes=found["nodes"],
            total=found["totalCount"],
            cursor=info["endCursor"],
            has_next=info["hasNextPage"],
            read_at=answer.read_at,
            name_with_owner=node["nameWithOwner"],
        )


def _whole(operation: str, connection: str, node: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The repository's node and its connection, with no node missing."""
    if node is None:
        raise NotFound(f"{operation}: GitHub no longer knows the repository.")
    if any(n is None for n in node[connection]["nodes"]):
        raise TooMuch(f"{operation}: GitHub left out nodes of the page.")
    return node, node[connection]


def rest_of(
    client: GitHubClient, operation: str, connection: str, node_id: str, first_page: dict[str, Any]
) -> list[dict[str, Any]]:
    """All nodes of a nested connection: those of ``first_page``, and those that its pages after it have."""
    nodes, info = list(first_page["nodes"]), first_page["pageInfo"]
    while info["hasNextPage"]:
        after = info["endCursor"]
        node = client.execute(operation, id=node_id, after=after).data["node"]
        if node is None:
            raise NotFound(f"{operation}: the object went away while it was read.")
        nodes += node[connection]["nodes"]
        info = node[connection]["pageInfo"]
        if info["hasNextPage"] and info["endCursor"] == after:
            raise CursorStuck(f"{operation}: there is a page after {after!r}, but its cursor did not move.")
    return nodes


def by_ids(client: GitHubClient, operation: str, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The nodes with these ids, up to a hundred a request, fewer where that is too heavy; missing ones are left out."""
    for start in range(0, len(ids), IDS_PER_REQUEST):
        yield from _nodes(client, operation, list(ids[start : start + IDS_PER_REQUEST]))


def _nodes(client: GitHubClient, operation: str, ids: list[str]) -> list[dict[str, Any]]:
    try:
        return [node for node in client.execute(operation, ids=ids).data["nodes"] if node]
    except TooMuch:
        if len(ids) == 1:
            raise
        half = len(ids) // 2
        return _nodes(client, operation, ids[:half]) + _nodes(client, operation, ids[half:])
