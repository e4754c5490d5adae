"""How pull requests come about and move on."""

from typing import Any

from contrib_pipeline.sandbox.records import (
    Account,
    IssueComment,
    PullRequest,
    PullRequestReview,
    PullRequestReviewComment,
    ReadyForReviewEvent,
    Repository,
)
from contrib_pipeline.sandbox.world.registry import Registry


class PullRequestChanges(Registry):
    """Changes of pull requests. ``fields`` are further attributes of the new record, its ids among them."""

    def add_pull_request(
        self,
        repository: Repository,
        author: Account | None,
        title: str,
        body: str = "",
        *,
        at: str | None = None,
        labels: list[str] | None = None,
        **fields: Any,
    ) -> PullRequest:
        """A new pull request; ``labels`` are names."""
        with self.lock:
            at = self._moment(at)
            number = self._number(repository, fields)
            pull_request = PullRequest(
                **self._identity("PR", repository, fields),
                number=number,
                repository=repository,
                author=author,
                title=title,
                body=body,
                created_at=at,
                labels=[self.label(repository, name) for name in labels or ()],
                **{"updated_at": at, **fields},
            )
            repository.pull_requests[number] = pull_request
            return self._register(pull_request)

    def add_comment(
        self, pull_request: PullRequest, author: Account | None, body: str, *, at: str | None = None, **fields: Any
    ) -> IssueComment:
        """A new comment in the conversation."""
        with self.lock:
            at = self._moment(at)
            comment = IssueComment(
                **self._identity("IC", pull_request.repository, fields),
                pull_request=pull_request,
                author=author,
                body=body,
                created_at=at,
                **{"updated_at": at, **fields},
            )
            pull_request.timeline.append(comment)
            self._touch(pull_request, at)
            return self._register(comment)

    def add_review(
        self,
        pull_request: PullRequest,
        author: Account | None,
        state: str,
        body: str = "",
        *,
        at: str | None = None,
        **fields: Any,
    ) -> PullRequestReview:
        """A new review. A PENDING one is not submitted yet, and nobody but its writer notices."""
        with self.lock:
            at = self._moment(at)
            submitted_at = None if state == "PENDING" else at
            review = PullRequestReview(
                **self._identity("PRR", pull_request.repository, fields),
                pull_request=pull_request,
                author=author,
                state=state,
                body=body,
                created_at=at,
                **{"submitted_at": submitted_at, "updated_at": at, **fields},
            )
            pull_request.timeline.append(review)
            if review.is_visible:
                self._touch(pull_request, at)
            return self._register(review)

    def add_review_comment(
        self, review: PullRequestReview, body: str, path: str = "README.md", *, at: str | None = None, **fields: Any
    ) -> PullRequestReviewComment:
        """A new comment on a line of code, by the review's author."""
        with self.lock:
            at = self._moment(at)
            comment = PullRequestReviewComment(
                **self._identity("PRRC", review.repository, fields),
                pull_request_review=review,
                body=body,
                path=path,
                created_at=at,
                **{"author": review.author, "updated_at": at, **fields},
            )
            review.comments.append(comment)
            if review.is_visible:
                self._touch(review.pull_request, at)
            return self._register(comment)

    def submit_review(self, review: PullRequestReview, state: str, *, at: str | None = None) -> None:
        """A pending review is submitted, or a submitted one dismissed."""
        with self.lock:
            at = self._moment(at)
            review.state, review.submitted_at = state, review.submitted_at or at
            self._touch(review, at)
            self._touch(review.pull_request, at)

    def mark_ready(self, pull_request: PullRequest, *, at: str | None = None) -> ReadyForReviewEvent:
        """The draft becomes ready for review."""
        with self.lock:
            at = self._moment(at)
            event = ReadyForReviewEvent(
                **self._identity("RFRE", pull_request.repository, {}),
                pull_request=pull_request,
                actor=pull_request.author,
                created_at=at,
            )
            pull_request.is_draft = False
            pull_request.timeline.append(event)
            self._touch(pull_request, at)
            return self._register(event)

    def merge(self, pull_request: PullRequest, by: Account | None, *, at: str | None = None) -> None:
        """It is merged, and the repository has a new push."""
        with self.lock:
            at = self._moment(at)
            pull_request.state, pull_request.merged_by = "MERGED", by
            pull_request.merged_at = pull_request.closed_at = at
            pull_request.repository.pushed_at = max(pull_request.repository.pushed_at, at)
            self._touch(pull_request, at)

    def close(self, pull_request: PullRequest, *, at: str | None = None) -> None:
        """It is closed without a merge."""
        with self.lock:
            at = self._moment(at)
            pull_request.state, pull_request.closed_at = "CLOSED", at
            self._touch(pull_request, at)

    def reopen(self, pull_request: PullRequest, *, at: str | None = None) -> None:
        """It is open again, as if it had never been closed."""
        with self.lock:
            pull_request.state, pull_request.closed_at = "OPEN", None
            self._touch(pull_request, self._moment(at))
