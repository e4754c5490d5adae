"""Answers asked for ahead: where a run captures several repositories, one request brings what the next ones need first.

Asked for when the first of them needs its part, which bears the cost. What GitHub does not answer whole, or not in
time, is left out: its capture asks for it alone, and meets GitHub's reasons there. Nothing is written here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contrib_pipeline.capture.pages import ITEMS, Page, page_of
from contrib_pipeline.capture.subjects import Subject
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import GitHubError, NotVisible, Partial, TooMuch
from contrib_pipeline.github.rows import Node
from contrib_pipeline.warehouse.budget import BudgetWait

_PLACES = 10
"""Places for numbers in one request."""
_REPOSITORIES, _NEWEST = 6, 5
"""Repositories in one request, and how many of each: as much as one point pays for."""


@dataclass(frozen=True)
class Need:
    """What a capture will ask for first of one connection: one number, or without it the first page by update."""

    node_id: str
    name: str = field(compare=False)
    """The repository's: it decides which credential sees it, and may change."""
    subject: Subject
    number: int | None = None


@dataclass(frozen=True)
class Found:
    """One that was asked for by number."""

    node: Node
    name_with_owner: str
    total: int
    read_at: datetime


@dataclass
class Ahead:
    """What several captures will need, and what was answered of it."""

    client_for: Callable[[str], GitHubClient]
    needs: list[Need] = field(default_factory=list)
    """Not asked for yet, in the order of the captures."""
    _asked: set[Need] = field(default_factory=set)
    """What was not answered then is not asked for among others again."""
    _found: dict[Need, Found] = field(default_factory=dict)
    _pages: dict[Need, Page] = field(default_factory=dict)

    def chosen(self, client: GitHubClient, wanted: Sequence[Need]) -> Iterator[Found | None]:
        """What GitHub answered for each of ``wanted``, which have numbers; None: ask for it alone."""
        for place, need in enumerate(wanted):
            if need not in self._asked:
                together = self._together(client, [*wanted[place:], *self.needs], _PLACES)
                if len(together) > 1:
                    self._ask_by_number(client, together)
            yield self._found.pop(need, None)

    def first_page(self, client: GitHubClient, need: Need) -> Page | None:
        """The first page of the connection by update, if it was to be asked for with others'."""
        if need in self.needs:
            together = self._together(client, [need, *self.needs], _REPOSITORIES)
            if len(together) > 1:
                self._ask_by_update(client, together)
        return self._pages.pop(need, None)

    def _together(self, client: GitHubClient, needs: Sequence[Need], most: int) -> list[Need]:
        """The first ``most`` that are alike and that this client sees; they are not asked for again."""
        alike = [
            need
            for need in dict.fromkeys(needs)
            if need.subject is needs[0].subject
            and (need.number is None) == (needs[0].number is None)
            and need not in self._asked
            and self._is_seen_by(client, need)
        ]
        together = alike[:most]
        self._asked.update(together)
        self.needs = [need for need in self.needs if need not in together]
        return together

    def _is_seen_by(self, client: GitHubClient, need: Need) -> bool:
        try:
            return self.client_for(need.name) is client
        except (GitHubError, BudgetWait):
            return False

    def _ask_by_number(self, client: GitHubClient, needs: Sequence[Need]) -> None:
        places = [*needs, *[needs[-1]] * (_PLACES - len(needs))]
        variables: dict[str, Any] = {f"id{i}": need.node_id for i, need in enumerate(places)}
        variables |= {f"n{i}": need.number for i, need in enumerate(places)}
        variables |= {f"has{i}": i < len(needs) for i in range(1, _PLACES)}
        try:
            answer = client.execute(needs[0].subject.numbers_operation, items=ITEMS, **variables)
        except (NotVisible, Partial, TooMuch):
            return
        for i, need in enumerate(needs):
            found = answer.data[f"r{i}"]
            if found and found["one"]:
                total = found["total"]["totalCount"]
                self._found[need] = Found(found["one"], found["nameWithOwner"], total, answer.read_at)
        # Their children in as few requests as those of one.
        needs[0].subject.bring_children(client, [self._found[need].node for need in needs if need in self._found])

    def _ask_by_update(self, client: GitHubClient, needs: Sequence[Need]) -> None:
        subject = needs[0].subject
        ids = [need.node_id for need in needs]
        try:
            answer = client.execute(subject.updated_operation, ids=ids, first=_NEWEST, items=ITEMS)
        except (NotVisible, Partial, TooMuch):
            return
        for need, node in zip(needs, answer.data["nodes"], strict=True):
            if node and node[subject.connection] and None not in node[subject.connection]["nodes"]:
                self._pages[need] = page_of(node, subject.connection, answer.read_at)
