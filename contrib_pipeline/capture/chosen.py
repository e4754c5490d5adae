"""Chosen pull requests or discussions of one repository, each with everything, by number or by node id.

What GitHub does not answer whole among several is asked for alone: only an answer about one proves that it is gone.
Walking over a whole connection is ``walks``' business.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contrib_pipeline.capture.ahead import Need
from contrib_pipeline.capture.pages import ITEMS, by_ids
from contrib_pipeline.capture.store import delete_parents
from contrib_pipeline.capture.walks import Walk
from contrib_pipeline.github.errors import NotFound, Partial, TooMuch
from contrib_pipeline.github.rows import Node

_NODES_BY_ID = 25
"""Pull requests by id that cost one point."""


def by_numbers(walk: Walk, numbers: Sequence[int]) -> list[int]:
    """Those with these ``numbers``, many a request; the numbers that GitHub does not have (ours are marked deleted)."""
    repository, missing = walk.repository, []
    together: dict[datetime, list[Node]] = {}
    needs = [Need(repository.node_id, repository.name_with_owner, walk.subject, number) for number in numbers]
    for number, found in zip(numbers, walk.ahead.chosen(walk.client, needs), strict=True):
        if found:
            walk.name_seen, walk.total = found.name_with_owner, found.total
            together.setdefault(found.read_at, []).append(found.node)
        elif not one(walk, number):
            missing.append(number)
    for read_at, nodes in together.items():
        walk.store(nodes, read_at)
    return missing


def one(walk: Walk, number: int) -> bool:
    """The one with this ``number``, with everything; False where GitHub has none (ours is marked deleted then)."""
    try:
        found, read_at = _asked_alone(walk, number)
    except NotFound:
        # The repository itself may be gone: only one that answers proves that this is not there.
        probe = walk.client.execute("Probe", ids=[walk.repository.node_id])
        if not probe.data["nodes"][0]:
            raise
        delete_parents(walk.entry, walk.subject, [number], probe.read_at)
        walk.unread.pop(number, None)
        return False
    except (Partial, TooMuch) as error:
        walk.unread[number] = str(error)
        return True
    walk.unread.pop(number, None)
    walk.store([found], read_at)
    return True


def _asked_alone(walk: Walk, number: int) -> tuple[dict[str, Any], datetime]:
    operation = walk.subject.one_operation
    try:
        node, read_at = _asked(walk, operation, number=number, items=ITEMS)
    except TooMuch:
        node, read_at = _asked(walk, operation, number=number, items=1)
    if node["one"] is None:
        raise NotFound(f"{operation}: there is no number {number}.")
    return node["one"], read_at


def _asked(walk: Walk, operation: str, **variables: Any) -> tuple[dict[str, Any], datetime]:
    """The repository with what was asked for, and when GitHub gave it."""
    answer = walk.client.execute(operation, id=walk.repository.node_id, **variables)
    node = answer.data["node"]
    if node is None:
        raise NotFound(f"{operation}: GitHub no longer knows the repository.")
    walk.name_seen, walk.total = node["nameWithOwner"], node["total"]["totalCount"]
    return node, answer.read_at


def some(walk: Walk, numbers_by_id: dict[str, int]) -> None:
    """Those with these node ids, with everything, many a request."""
    ids: Sequence[str] = list(numbers_by_id)
    for start in range(0, len(ids), _NODES_BY_ID):
        found = by_ids(
            walk.client, walk.subject.nodes_operation, ids[start : start + _NODES_BY_ID], _NODES_BY_ID, items=ITEMS
        )
        walk.unread |= {numbers_by_id[node_id]: reason for node_id, reason in found.unread.items()}
        if found.read_at:
            walk.store(list(found.nodes.values()), found.read_at)


def read_the_unread(walk: Walk) -> list[str]:
    """Ask again, one by one, for what a walk could not read whole; what still can't be read, a sentence each."""
    for number in sorted(walk.unread):
        one(walk, number)
    name, kind = walk.repository.name_with_owner, walk.subject.singular
    return [f"{name}, {kind} {number}: {reason}" for number, reason in walk.unread.items()] + walk.withheld
