"""Discussions with their comments, replies and chosen answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from contrib_pipeline.sandbox.records.repositories import Account, DiscussionCategory, Linked, Repository


@dataclass(slots=True, eq=False)
class Discussion(Linked):
    """A discussion. ``comments`` are the top-level ones; each holds its replies."""

    typename: ClassVar[str] = "Discussion"
    id: str
    database_id: int
    number: int
    repository: Repository
    category: DiscussionCategory
    author: Account | None
    title: str
    body: str
    created_at: str
    updated_at: str
    upvote_count: int = 1
    closed_at: str | None = None
    answer: DiscussionComment | None = None
    answer_chosen_at: str | None = None
    answer_chosen_by: Account | None = None
    author_association: str = "NONE"
    comments: list[DiscussionComment] = field(default_factory=list)

    @property
    def is_answered(self) -> bool | None:
        return self.answer is not None if self.category.is_answerable else None

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    @property
    def state(self) -> str:
        return "CLOSED" if self.closed else "OPEN"

    @property
    def resource_path(self) -> str:
        return f"{self.repository.resource_path}/discussions/{self.number}"


@dataclass(slots=True, eq=False)
class DiscussionComment(Linked):
    """A comment in a discussion, or (``reply_to``) a reply to one."""

    typename: ClassVar[str] = "DiscussionComment"
    id: str
    database_id: int
    discussion: Discussion
    author: Account | None
    body: str
    created_at: str
    updated_at: str
    reply_to: DiscussionComment | None = None
    upvote_count: int = 1
    author_association: str = "NONE"
    replies: list[DiscussionComment] = field(default_factory=list)

    @property
    def is_answer(self) -> bool:
        return self.discussion.answer is self

    @property
    def repository(self) -> Repository:
        return self.discussion.repository

    @property
    def resource_path(self) -> str:
        return f"{self.discussion.resource_path}#discussioncomment-{self.database_id}"
