"""A GitHub in memory: its repositories and accounts, and the ways in which they change.

Every change happens ``at`` an instant (left out: a second after the last one) and moves ``updated_at`` of what it
touches as GitHub does; deletions move nothing, which is what makes them hard to notice. All methods may be called while
the server answers from another thread. Where the first contents come from is ``generate``'s and ``archives``' business.
"""

from typing import Any

from contrib_pipeline.sandbox.records import (
    Account,
    Discussion,
    DiscussionComment,
    IssueComment,
    PullRequest,
    PullRequestReview,
    PullRequestReviewComment,
    Repository,
)
from contrib_pipeline.sandbox.world.discussions import DiscussionChanges
from contrib_pipeline.sandbox.world.pull_requests import PullRequestChanges

Written = PullRequest | PullRequestReview | PullRequestReviewComment | IssueComment | Discussion | DiscussionComment


class World(PullRequestChanges, DiscussionChanges):
    """Everything that the sandbox answers from."""

    def edit(self, record: Written, *, at: str | None = None, **changes: Any) -> None:
        """Set attributes, for instance its body or a pull request's labels, and move its ``updated_at``."""
        with self.lock:
            for name, value in changes.items():
                setattr(record, name, value)
            self._touch(record, self._moment(at))

    def delete(self, record: Written) -> None:
        """Take it away, with all below it. Nothing else changes, no ``updated_at`` moves."""
        with self.lock:
            match record:
                case PullRequest():
                    del record.repository.pull_requests[record.number]
                case Discussion():
                    del record.repository.discussions[record.number]
                case PullRequestReviewComment():
                    record.pull_request_review.comments.remove(record)
                case IssueComment() | PullRequestReview():
                    record.pull_request.timeline.remove(record)
                case DiscussionComment():
                    self._remove_discussion_comment(record)
            self._forget(record)

    def delete_repository(self, repository: Repository) -> None:
        """It is gone with all that was in it, its old names too. A repository made private looks the same."""
        with self.lock:
            contents: list[Written] = [*repository.pull_requests.values(), *repository.discussions.values()]
            for record in contents:
                self.delete(record)
            self._forget_repository(repository)

    def delete_account(self, account: Account) -> None:
        """The account becomes a ghost: its work stays, with a null author."""
        with self.lock:
            self._forget_account(account)
            for record in self.nodes.values():
                for role in ("author", "actor", "merged_by", "answer_chosen_by"):
                    if getattr(record, role, None) is account:
                        setattr(record, role, None)

    def _forget(self, record: Any) -> None:
        self.nodes.pop(record.id)
        for part in ("timeline", "comments", "replies"):
            # A pull request's comments are in its timeline too, so a part may be gone already.
            for child in getattr(record, part, ()):
                if child.id in self.nodes:
                    self._forget(child)
