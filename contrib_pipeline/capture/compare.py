"""GitHub's list of what there is against what is stored, and the repair of exactly what differs.

A hundred pull requests are compared for two points (four, if GitHub counts totals as connections). Inline comments are
counted nowhere on GitHub but in their reviews: that they are all there, only reading them again can tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contrib_pipeline.capture.chosen import read_the_unread, some
from contrib_pipeline.capture.pages import Page, PageSize, pages
from contrib_pipeline.capture.store import in_turn
from contrib_pipeline.capture.subjects import PULL_REQUESTS
from contrib_pipeline.capture.walks import Walk
from contrib_pipeline.warehouse.statements import load

_SQL = load("verify")
_HEADS_PER_PAGE = 100
# What GitHub updated just now may be on its way to us.
_SETTLED = timedelta(minutes=5)


@dataclass
class Compared:
    """GitHub's pull requests or discussions of one repository against ours."""

    github_total: int
    stored_total: int
    unlisted: int = 0
    """How many GitHub counts and lists nowhere, as those of accounts that it hides."""
    missing: list[int] = field(default_factory=list)
    """Numbers that GitHub has and we do not."""
    surplus: list[int] = field(default_factory=list)
    """Numbers that we have and GitHub does not."""
    different: list[int] = field(default_factory=list)
    """Numbers that GitHub updated since, or whose reviews or comments are not as many."""
    heads: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    """What GitHub's list says of what is missing or different, by number."""

    @property
    def is_equal(self) -> bool:
        return not (self.missing or self.surplus or self.different)


def compare(walk: Walk) -> Compared:
    """All of GitHub's against all of ours; GitHub's counts are kept for the checks."""
    heads: dict[int, dict[str, Any]] = {}
    began: datetime | None = None
    counted = listed = 0
    for page in _pages(walk):
        began, counted = began or page.read_at, counted or page.total
        listed += len(page.nodes) + len(page.unread) + len(page.withheld)
        heads |= {head["number"]: head for head in page.nodes}
    walk.unlisted = max(0, counted - listed)
    ours = _stored(walk)
    compared = Compared(walk.total or 0, len(ours), walk.unlisted)
    for number, head in heads.items():
        if number not in ours:
            compared.missing.append(number)
        elif _differs(head, ours[number], began):
            compared.different.append(number)
        else:
            continue
        compared.heads[number] = head
    if not walk.withheld:  # what GitHub lists without its number may be any of ours
        compared.surplus = _surplus(walk, heads, ours, began)
    if walk.subject is PULL_REQUESTS and heads:
        _keep(walk, "keep_totals", heads, read_at=began)
    return compared


def repair(walk: Walk, compared: Compared) -> None:
    """Read what is missing or different; what is too much is asked for alone: only that proves it gone.

    All being stored then, the history is complete. What could not be read stays in the walk's ``unread``.
    """
    some(walk, {head["id"]: number for number, head in compared.heads.items()})
    walk.unread |= dict.fromkeys(compared.surplus, "GitHub's list does not have it.")
    problems = read_the_unread(walk)
    whole = {number: head for number, head in compared.heads.items() if number not in walk.unread}
    _keep(walk, f"keep_unlisted_{walk.subject.kind}", whole)
    # Without a watermark nothing would tell what changed since the list was read.
    if not problems and walk.state(walk.subject.kind).watermark:
        walk.finish_history()


def compare_and_repair(walk: Walk) -> None:
    """Both."""
    repair(walk, compare(walk))


def _pages(walk: Walk) -> Iterator[Page]:
    """What GitHub lists, without its contents."""
    subject, size = walk.subject, PageSize(_HEADS_PER_PAGE, items=None)
    ours: dict[str, Any] = {"id": walk.repository.node_id, "field": "CREATED_AT"}
    for page in pages(walk.client, subject.heads_operation, subject.connection, size, after=None, **ours):
        walk.note(page)
        yield page


def _stored(walk: Walk) -> dict[int, dict[str, Any]]:
    rows = walk.connection.execute(_SQL[f"stored_{walk.subject.kind}"], {"repository_id": walk.repository.id})
    return {row["number"]: row for row in rows}


def _differs(head: dict[str, Any], row: dict[str, Any], read_at: datetime | None) -> bool:
    updated_at = datetime.fromisoformat(head["updatedAt"])
    if row["updated_at"] < updated_at:
        return read_at is None or updated_at < read_at - _SETTLED
    if "reviews" in head and head["reviews"]["totalCount"] != row["reviews"]:
        return True
    return bool(head["comments"]["totalCount"] != row["comments"])


def _surplus(
    walk: Walk, heads: dict[int, dict[str, Any]], ours: dict[int, dict[str, Any]], began: datetime | None
) -> list[int]:
    """Numbers that only we have. What was opened after the first page was read is not in the list, and not too much."""
    return [
        number
        for number, row in ours.items()
        if number not in heads and number not in walk.unread and (began is None or row["created_at"] < began)
    ]


def _keep(walk: Walk, statement: str, heads: dict[int, dict[str, Any]], **more: Any) -> None:
    """Keep GitHub's numbers of reviews and comments, as ``statement`` does."""
    values = {
        "repository_id": walk.repository.id,
        "numbers": list(heads),
        "reviews": [head["reviews"]["totalCount"] for head in heads.values() if "reviews" in head],
        "comments": [head["comments"]["totalCount"] for head in heads.values()],
        **more,
    }
    in_turn(walk.connection, walk.repository.id, lambda: walk.connection.execute(_SQL[statement], values))
