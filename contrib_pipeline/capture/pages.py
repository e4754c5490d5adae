"""Pages of a connection, in a size that GitHub answers in time, and lists of objects by id.

A page that is too heavy is asked for again at half the size; after some good pages the size grows back. Objects that
GitHub withholds are told apart from those that it answered whole. What is in the pages is not this file's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import NotFound, Partial, TooMuch, TryAgain

ITEMS = 100
"""How many children come with each node of a page."""
_FEW_ITEMS = 10
_GROW_AFTER = 8
_SKIPPED_IN_A_ROW = 3
"""Where more are too heavy even alone, it is GitHub that has not the strength, and nothing about them."""
IDS_PER_FIELD = 100
_NOTHING: Mapping[int, str] = MappingProxyType({})
FULL_BATCH = 149
"""Ids with one connection each that cost one point: GitHub rounds 149 requests by 100 to 1."""


class CursorStuck(TryAgain):
    """GitHub says there is a next page, but its cursor is the one we came with."""


class Unread(Exception):
    """A part of one object could not be read; the message says why.

    ``shown`` is what GitHub did show where it left out some nodes of a list without a word, for good: asking again in
    another way does not help. Otherwise None: the object counts as not read.
    """

    def __init__(self, message: str, shown: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.shown = shown


@dataclass
class PageSize:
    """How many nodes to ask for next."""

    largest: int
    current: int = 0
    """0: the largest."""
    good_pages: int = 0
    items: int | None = ITEMS
    """Children of each node, fewer only while a single node is too heavy; None where nodes come without any."""

    def __post_init__(self) -> None:
        self.current = min(self.current or self.largest, self.largest)

    def shrink(self) -> bool:
        """Half as many; False if it can't be less."""
        self.good_pages = 0
        if self.current > 1:
            self.current //= 2
            return True
        if self.items in (None, _FEW_ITEMS):
            return False
        self.items = _FEW_ITEMS
        return True

    def answered(self) -> None:
        """A page came in time; after some of them, twice as many."""
        self.items = self.items and ITEMS
        self.good_pages += 1
        if self.good_pages >= _GROW_AFTER and self.current < self.largest:
            self.current = min(self.current * 2, self.largest)
            self.good_pages = 0


@dataclass(frozen=True)
class Page:
    """One page of a repository's connection."""

    nodes: list[dict[str, Any]]
    """Those that GitHub answered whole."""
    total: int
    """GitHub's totalCount."""
    cursor: str | None
    has_next: bool
    read_at: datetime
    name_with_owner: str
    has_discussions: bool
    newest: datetime | None
    """The latest updatedAt in the whole connection; None where the document does not ask, or nothing is there."""
    unread: dict[int, str]
    """Numbers of those that GitHub withheld a part of, with its words."""
    withheld: list[str]
    """GitHub's words for those of which not even the number is known."""


def pages(
    client: GitHubClient,
    operation: str,
    connection: str,
    size: PageSize,
    *,
    after: str | None,
    limit: int | None = None,
    heads: str | None = None,
    **variables: Any,
) -> Iterator[Page]:
    """Every page of the repository's ``connection`` after the cursor ``after``, up to ``limit`` nodes.

    ``heads`` lists the same without contents: it tells which one is too heavy even alone, and where to go on.

    Raises :class:`TooMuch` when even the smallest page is too heavy, :class:`NotFound` when the repository is gone.
    """
    left, skipped = limit, 0
    while True:
        most, usual = size.largest if left is None else left, size.current
        try:
            page, skipped = _page(client, operation, connection, size, most, after=after, **variables), 0
        except TooMuch as error:
            if heads is None or skipped == _SKIPPED_IN_A_ROW:
                raise
            alone = _asked(client, heads, connection, first=1, after=after, **variables)
            page = replace(alone, nodes=[], unread={head["number"]: str(error) for head in alone.nodes} | alone.unread)
            size.current, skipped = usual, skipped + 1
        yield page
        left = None if left is None else left - len(page.nodes) - len(page.unread) - len(page.withheld)
        if not page.has_next or left == 0:
            return
        if page.cursor in (None, after):
            raise CursorStuck(f"{operation}: there is a page after {after!r}, but its cursor did not move.")
        after = page.cursor


def _page(client: GitHubClient, operation: str, connection: str, size: PageSize, most: int, **variables: Any) -> Page:
    while True:
        try:
            items = {} if size.items is None else {"items": size.items}
            page = _asked(client, operation, connection, first=min(size.current, most), **items, **variables)
        except TooMuch:
            if not size.shrink():
                raise
            continue
        size.answered()
        return page


def _asked(client: GitHubClient, operation: str, connection: str, **variables: Any) -> Page:
    """One page as GitHub answers it, whole or in part.

    Raises :class:`TooMuch` where it left out nodes unsaid, unless it was asked for one only.
    """
    spoilt: dict[int, str] = {}
    try:
        answer = client.execute(operation, **variables)
        data, read_at = answer.data, answer.read_at
    except Partial as part:
        data, read_at, spoilt = part.data, part.read_at, _spoilt_nodes(part, connection)
    node = data["node"]
    if node is None:
        raise NotFound(f"{operation}: GitHub no longer knows the repository.")
    found = node[connection]
    left_out = {place for place, n in enumerate(found["nodes"]) if n is None and place not in spoilt}
    if left_out and variables["first"] > 1:
        raise TooMuch(f"{operation}: GitHub left out nodes of the page.")
    spoilt |= dict.fromkeys(
        left_out, f"{operation}: GitHub counts one in {node['nameWithOwner']} that it does not show."
    )
    return page_of(node, connection, read_at, spoilt)


def page_of(node: dict[str, Any], connection: str, read_at: datetime, spoilt: Mapping[int, str] = _NOTHING) -> Page:
    """The page in a repository's answer; ``spoilt``: places that can't be used, with GitHub's words."""
    found, info = node[connection], node[connection]["pageInfo"]
    in_part = {place: found["nodes"][place] or {} for place in spoilt}
    return Page(
        nodes=[n for place, n in enumerate(found["nodes"]) if place not in spoilt],
        total=found["totalCount"],
        cursor=info["endCursor"],
        has_next=info["hasNextPage"],
        read_at=read_at,
        name_with_owner=node["nameWithOwner"],
        has_discussions=node["hasDiscussionsEnabled"],
        newest=_newest(node),
        unread={n["number"]: spoilt[place] for place, n in in_part.items() if n.get("number")},
        withheld=[spoilt[place] for place, n in in_part.items() if not n.get("number")],
    )


def _spoilt_nodes(part: Partial, connection: str) -> dict[int, str]:
    """The places in the page that errors lie under; another place spoils the page itself."""
    spoilt = {}
    for path in part.paths:
        if list(path[:3]) != ["node", connection, "nodes"] or len(path) == 3 or not isinstance(path[3], int):  # noqa: PLR2004
            raise TryAgain(str(part)) from part
        spoilt[path[3]] = str(part)
    return spoilt


def _newest(node: dict[str, Any]) -> datetime | None:
    nodes = (node.get("newest") or {}).get("nodes")
    return datetime.fromisoformat(nodes[0]["updatedAt"]) if nodes and nodes[0] else None


def rest_of(
    client: GitHubClient, operation: str, connection: str, node_id: str, first_page: dict[str, Any]
) -> list[dict[str, Any]]:
    """All nodes of a nested connection: those of ``first_page``, and those that its pages after it have.

    Raises :class:`Unread` where the object went away meanwhile, or can't be read whole.
    """
    nodes, info, size = list(first_page["nodes"]), first_page["pageInfo"], PageSize(ITEMS)
    while True:
        if not info["hasNextPage"]:
            break
        after = info["endCursor"]
        try:
            node = client.execute(operation, id=node_id, first=size.current, after=after).data["node"]
        except TooMuch as error:
            if size.current == 1:
                raise Unread(str(error)) from error
            size.shrink()
            continue
        except (NotFound, Partial) as error:
            raise Unread(str(error)) from error
        if not node:
            raise Unread(f"{operation}: the object went away while it was read.")
        nodes += node[connection]["nodes"]
        info = node[connection]["pageInfo"]
        if info["hasNextPage"] and info["endCursor"] in (None, after):
            raise CursorStuck(f"{operation}: there is a page after {after!r}, but its cursor did not move.")
    if None in nodes:
        raise Unread(f"{operation}: GitHub counts some that it does not show.", [node for node in nodes if node])
    return nodes


@dataclass
class ById:
    """Objects asked for by id. Those that are neither here nor in ``unread`` are not there any more."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the id that was asked for: GitHub has ids in two forms, and may answer with the other one."""
    unread: dict[str, str] = field(default_factory=dict)
    """Ids of those that could not be read whole, with the reason."""
    hidden: set[str] = field(default_factory=set)
    """Ids of those among ``unread`` of which GitHub showed nothing at all."""
    gone: set[str] = field(default_factory=set)
    """Ids that GitHub says it has nothing for."""
    read_at: datetime | None = None
    """When GitHub gave the first of them."""


def by_ids(client: GitHubClient, operation: str, ids: Sequence[str], batch: int = FULL_BATCH, **variables: Any) -> ById:
    """The objects with these ids, up to ``batch`` a request, fewer where that is too heavy."""
    found = ById()
    _ask_for(ids, found, client, operation, batch, variables)
    # Null without a word is what GitHub was too busy to give, or has nothing for: then it is null twice.
    known = found.nodes.keys() | found.unread.keys() | found.gone
    _ask_for([node_id for node_id in ids if node_id not in known], found, client, operation, batch, variables)
    return found


def _ask_for(
    ids: Sequence[str], found: ById, client: GitHubClient, operation: str, batch: int, variables: dict[str, Any]
) -> None:
    for start in range(0, len(ids), batch):
        _add(found, client, operation, list(ids[start : start + batch]), batch > IDS_PER_FIELD, variables)


def _add(
    found: ById, client: GitHubClient, operation: str, ids: list[str], two_fields: bool, variables: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"ids": ids[:IDS_PER_FIELD], **variables}
    if two_fields:
        asked |= {"more": ids[IDS_PER_FIELD:], "isMore": len(ids) > IDS_PER_FIELD}
    spoilt: dict[int, str] = {}
    try:
        answer = client.execute(operation, **asked)
        data, read_at = answer.data, answer.read_at
        found.gone |= {ids[_place(path)] for path in answer.missing}
    except Partial as part:
        data, read_at = part.data, part.read_at
        spoilt = {_place(path): str(part) for path in part.paths}
    except TooMuch as error:
        if len(ids) == 1:
            found.unread[ids[0]] = str(error)
            return
        half = len(ids) // 2
        for some in (ids[:half], ids[half:]):
            _add(found, client, operation, some, two_fields, variables)
        return
    nodes = [*data["nodes"], *(data.get("more") or [])]
    found.read_at = found.read_at or read_at
    found.nodes |= {ids[place]: node for place, node in enumerate(nodes) if node and place not in spoilt}
    found.unread |= {ids[place]: reason for place, reason in spoilt.items()}
    found.hidden |= {ids[place] for place in spoilt if nodes[place] is None}


def _place(path: Sequence[str | int]) -> int:
    return int(path[1]) + (IDS_PER_FIELD if path[0] == "more" else 0)
