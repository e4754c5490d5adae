"""Accounts, and repositories with what belongs to a repository as a whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from contrib_pipeline.sandbox.records.discussions import Discussion
    from contrib_pipeline.sandbox.records.pull_requests import PullRequest


class Linked(ABC):
    """A record with a page of its own."""

    __slots__ = ()

    @property
    @abstractmethod
    def resource_path(self) -> str:
        """The path of the page."""

    @property
    def url(self) -> str:
        return f"https://github.com{self.resource_path}"


@dataclass(slots=True, eq=False)
class Account(Linked):
    """Somebody who does things. ``kind``: User, Bot, Mannequin, Organization or EnterpriseUserAccount."""

    id: str
    database_id: int
    login: str
    kind: str
    name: str | None
    created_at: str
    user: Account | None = None
    """The user behind an EnterpriseUserAccount."""

    @property
    def typename(self) -> str:
        return self.kind

    @property
    def updated_at(self) -> str:
        return self.created_at

    @property
    def resource_path(self) -> str:
        return f"/apps/{self.login}" if self.kind == "Bot" else f"/{self.login}"


@dataclass(slots=True, eq=False)
class Label:
    typename: ClassVar[str] = "Label"
    id: str
    name: str
    color: str
    description: str | None = None


@dataclass(slots=True, eq=False)
class Language:
    typename: ClassVar[str] = "Language"
    id: str
    name: str
    color: str


@dataclass(slots=True, eq=False)
class DiscussionCategory:
    typename: ClassVar[str] = "DiscussionCategory"
    id: str
    name: str
    emoji: str
    is_answerable: bool

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(slots=True, eq=False)
class Repository(Linked):
    """A repository with everything in it; pull requests and discussions by their numbers, which they share."""

    typename: ClassVar[str] = "Repository"
    id: str
    database_id: int
    owner: Account
    name: str
    created_at: str
    updated_at: str
    pushed_at: str
    description: str | None = None
    primary_language: Language | None = None
    stargazer_count: int = 0
    fork_count: int = 0
    is_private: bool = False
    is_archived: bool = False
    is_fork: bool = False
    has_discussions_enabled: bool = True
    is_hidden: bool = False
    """Whether the token may not see it, so that it looks as if it did not exist."""
    requires_review: bool = True
    """Whether pull requests have a review decision."""
    labels: dict[str, Label] = field(default_factory=dict)
    categories: dict[str, DiscussionCategory] = field(default_factory=dict)
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    discussions: dict[int, Discussion] = field(default_factory=dict)
    last_number: int = 0

    @property
    def name_with_owner(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def resource_path(self) -> str:
        return f"/{self.owner.login}/{self.name}"
