"""Pages of a connection, cut as GitHub cuts them.

A cursor holds the sort key and the id of a node, not a position, and ``after`` means "sorted behind this": a node that
moves to the front while somebody walks the pages is not met again, and shifts no page.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from contrib_pipeline.sandbox.errors import InvalidCursor

Key = tuple[Any, str]
"""What a node is sorted by, and its id."""

_MARK = b"cursor:v2:"


@dataclass(slots=True)
class PageInfo:
    has_next_page: bool = False
    has_previous_page: bool = False
    start_cursor: str | None = None
    end_cursor: str | None = None


@dataclass(slots=True)
class Edge:
    node: Any
    cursor: str


@dataclass(slots=True)
class Connection:
    """One page, and the number of all nodes. Without a page size it has no nodes."""

    nodes: list[Any]
    page_info: PageInfo
    total_count: int
    key: Callable[[Any], Key]

    @property
    def edges(self) -> list[Edge]:
        return [Edge(node, to_cursor(self.key(node))) for node in self.nodes]


@dataclass(slots=True)
class Count:
    """A connection of which only the number of nodes is held."""

    total_count: int


def connect(
    nodes: Iterable[Any],
    key: Callable[[Any], Key],
    *,
    descending: bool = False,
    after: str | None = None,
    before: str | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Connection:
    """The page of ``nodes``, ordered by ``key``, that the arguments ask for."""
    ordered = sorted(nodes, key=key, reverse=descending)
    total = len(ordered)
    if first is None and last is None:
        return Connection([], PageInfo(), total, key)
    start = _behind(ordered, key, from_cursor(after), descending) if after else 0
    end = _ahead(ordered, key, from_cursor(before), descending) if before else total
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    page = ordered[start:end]
    info = PageInfo(end < total, start > 0)
    if page:
        info.start_cursor, info.end_cursor = to_cursor(key(page[0])), to_cursor(key(page[-1]))
    return Connection(page, info, total, key)


def to_cursor(key: Key) -> str:
    """The cursor of the node with that key."""
    return urlsafe_b64encode(_MARK + orjson.dumps(key)).decode()


def from_cursor(cursor: str) -> Key:
    """The key in a cursor. Raises :class:`InvalidCursor`."""
    try:
        decoded = urlsafe_b64decode(cursor)
        value, identity = orjson.loads(decoded.removeprefix(_MARK))
    except ValueError as error:
        raise InvalidCursor(cursor) from error
    return value, identity


def _behind(ordered: list[Any], key: Callable[[Any], Key], cursor: Key, descending: bool) -> int:
    """The place of the first node that is sorted behind the cursor."""
    is_behind: Callable[[Any], bool] = (lambda n: key(n) < cursor) if descending else (lambda n: key(n) > cursor)
    return bisect_left(ordered, True, key=is_behind)


def _ahead(ordered: list[Any], key: Callable[[Any], Key], cursor: Key, descending: bool) -> int:
    """The place behind the last node that is sorted ahead of the cursor."""
    is_not_ahead: Callable[[Any], bool] = (lambda n: key(n) <= cursor) if descending else (lambda n: key(n) >= cursor)
    return bisect_left(ordered, True, key=is_not_ahead)
