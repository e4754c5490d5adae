"""What a GitHub holds, as plain records. Attributes are named as in GitHub's schema, in snake case.

``id`` is the node id, ``database_id`` the number, instants are text (see ``instants``). Records know their parents and
children; adding, changing and deleting them is ``world``'s business.
"""

from contrib_pipeline.sandbox.records.discussions import Discussion, DiscussionComment
from contrib_pipeline.sandbox.records.pull_requests import (
    IssueComment,
    PullRequest,
    PullRequestReview,
    PullRequestReviewComment,
    PullRequestReviewThread,
    ReadyForReviewEvent,
    TimelineItem,
)
from contrib_pipeline.sandbox.records.repositories import Account, DiscussionCategory, Label, Language, Repository

__all__ = [
    "Account",
    "Discussion",
    "DiscussionCategory",
    "DiscussionComment",
    "IssueComment",
    "Label",
    "Language",
    "PullRequest",
    "PullRequestReview",
    "PullRequestReviewComment",
    "PullRequestReviewThread",
    "ReadyForReviewEvent",
    "Repository",
    "TimelineItem",
]
