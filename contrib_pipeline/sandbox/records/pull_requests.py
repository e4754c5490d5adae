"""Pull requests with their reviews, comments and events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from contrib_pipeline.sandbox.records.repositories import Account, Label, Linked, Repository


class Numbered(Linked):
    """A record whose number may need 64 bits, so that GitHub gives it as text."""

    __slots__ = ()
    database_id: int

    @property
    def full_database_id(self) -> str:
        return str(self.database_id)


@dataclass(slots=True, eq=False)
class PullRequest(Numbered):
    """A pull request. Its timeline holds comments, reviews (pending ones too) and ready-for-review events."""

    typename: ClassVar[str] = "PullRequest"
    id: str
    database_id: int
    number: int
    repository: Repository
    author: Account | None
    title: str
    body: str
    created_at: str
    updated_at: str
    state: str = "OPEN"
    is_draft: bool = False
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: Account | None = None
    base_ref_name: str = "main"
    head_ref_name: str = "change"
    additions: int = 1
    deletions: int = 0
    changed_files: int = 1
    commit_count: int = 1
    author_association: str = "NONE"
    labels: list[Label] = field(default_factory=list)
    timeline: list[TimelineItem] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return self.state != "OPEN"

    @property
    def merged(self) -> bool:
        return self.state == "MERGED"

    @property
    def resource_path(self) -> str:
        return f"{self.repository.resource_path}/pull/{self.number}"

    @property
    def permalink(self) -> str:
        return self.url

    @property
    def comments(self) -> list[IssueComment]:
        return [item for item in self.timeline if isinstance(item, IssueComment)]

    @property
    def reviews(self) -> list[PullRequestReview]:
        """The reviews that everybody may see: a pending one is shown to its writer only."""
        return [item for item in self.timeline if isinstance(item, PullRequestReview) and item.is_visible]

    @property
    def threads(self) -> Iterator[PullRequestReviewThread]:
        """The conversations on lines of code, each begun by an inline comment that answers none."""
        inline = [comment for review in self.reviews for comment in review.comments]
        for root in inline:
            if root.reply_to is None:
                yield PullRequestReviewThread(root, [c for c in inline if c is root or c.reply_to is root])

    @property
    def review_decision(self) -> str | None:
        """The sum of everybody's last approval or request; None where the repository asks for no review."""
        if not self.repository.requires_review:
            return None
        last: dict[Account | None, str] = {}
        for review in sorted(self.reviews, key=lambda r: r.happened_at):
            if review.state != "COMMENTED":
                last[review.author] = review.state
        states = set(last.values())
        return next((state for state in ("CHANGES_REQUESTED", "APPROVED") if state in states), "REVIEW_REQUIRED")


@dataclass(slots=True, eq=False)
class IssueComment(Numbered):
    """A comment in a pull request's conversation."""

    typename: ClassVar[str] = "IssueComment"
    is_visible: ClassVar[bool] = True
    id: str
    database_id: int
    pull_request: PullRequest
    author: Account | None
    body: str
    created_at: str
    updated_at: str
    author_association: str = "NONE"

    @property
    def happened_at(self) -> str:
        return self.created_at

    @property
    def repository(self) -> Repository:
        return self.pull_request.repository

    @property
    def resource_path(self) -> str:
        return f"{self.pull_request.resource_path}#issuecomment-{self.database_id}"


@dataclass(slots=True, eq=False)
class PullRequestReview(Numbered):
    """A review with its inline comments. ``submitted_at`` is None while it is PENDING."""

    typename: ClassVar[str] = "PullRequestReview"
    id: str
    database_id: int
    pull_request: PullRequest
    author: Account | None
    state: str
    body: str
    created_at: str
    submitted_at: str | None
    updated_at: str
    author_association: str = "NONE"
    comments: list[PullRequestReviewComment] = field(default_factory=list)

    @property
    def happened_at(self) -> str:
        return self.submitted_at or self.created_at

    @property
    def is_visible(self) -> bool:
        return self.state != "PENDING"

    @property
    def repository(self) -> Repository:
        return self.pull_request.repository

    @property
    def resource_path(self) -> str:
        return f"{self.pull_request.resource_path}#pullrequestreview-{self.database_id}"


@dataclass(slots=True, eq=False)
class PullRequestReviewComment(Numbered):
    """A comment on a line of code, part of one review."""

    typename: ClassVar[str] = "PullRequestReviewComment"
    id: str
    database_id: int
    pull_request_review: PullRequestReview
    author: Account | None
    body: str
    path: str
    created_at: str
    updated_at: str
    original_position: int = 1
    reply_to: PullRequestReviewComment | None = None
    author_association: str = "NONE"

    @property
    def pull_request(self) -> PullRequest:
        return self.pull_request_review.pull_request

    @property
    def repository(self) -> Repository:
        return self.pull_request.repository

    @property
    def resource_path(self) -> str:
        return f"{self.pull_request.resource_path}#discussion_r{self.database_id}"


@dataclass(slots=True, eq=False)
class ReadyForReviewEvent(Linked):
    """A draft became ready for review."""

    typename: ClassVar[str] = "ReadyForReviewEvent"
    is_visible: ClassVar[bool] = True
    id: str
    database_id: int
    pull_request: PullRequest
    actor: Account | None
    created_at: str

    @property
    def happened_at(self) -> str:
        return self.created_at

    @property
    def repository(self) -> Repository:
        return self.pull_request.repository

    @property
    def resource_path(self) -> str:
        return f"{self.pull_request.resource_path}#event-{self.database_id}"


TimelineItem: TypeAlias = IssueComment | PullRequestReview | ReadyForReviewEvent


@dataclass(slots=True, eq=False)
class PullRequestReviewThread:
    """A conversation on one line of code; made anew whenever it is asked for."""

    typename: ClassVar[str] = "PullRequestReviewThread"
    is_resolved: ClassVar[bool] = False
    root: PullRequestReviewComment
    comments: list[PullRequestReviewComment]

    @property
    def id(self) -> str:
        return self.root.id.replace("PRRC_", "PRRT_")

    @property
    def created_at(self) -> str:
        return self.root.created_at

    @property
    def path(self) -> str:
        return self.root.path

    @property
    def pull_request(self) -> PullRequest:
        return self.root.pull_request

    @property
    def repository(self) -> Repository:
        return self.root.repository
