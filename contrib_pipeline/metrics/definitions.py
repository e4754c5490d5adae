"""Every number of ``metrics.workspace_daily`` once: its name, unit, meaning, window, and what null means.

Column comments, documentation and the UI's descriptions are these sentences. How a number is computed is in the
``.sql`` files beside this one.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One number of a workspace or a repository, and what it means."""

    name: str
    unit: Literal["pull requests", "reviews", "comments", "discussions", "people", "hours", "lines"]
    sentence: str
    window: Literal["day", "end of day", "7, 30 and 90 days"] = "day"
    """``day``: what happened from 00:00 to 24:00 UTC; ``end of day``: how things stood at 24:00 UTC."""
    null: str | None = None
    """What null means; None where the number is never null."""

    @property
    def comment(self) -> str:
        """The sentence, and the meaning of null: the column's comment in the warehouse."""
        return self.sentence if self.null is None else f"{self.sentence} Null: {self.null}."


_PARTIAL = "the history of a repository is not complete yet"

FIRST_DAY = date(2008, 1, 1)
"""GitHub's first year: there are no numbers of days before."""

DAILY = (
    Metric("pull_requests_opened", "pull requests", "Pull requests opened."),
    Metric("pull_requests_opened_by_bots", "pull requests", "Pull requests opened by bots."),
    Metric("pull_requests_merged", "pull requests", "Pull requests merged."),
    Metric("pull_requests_closed", "pull requests", "Pull requests closed without a merge."),
    Metric("pull_requests_open", "pull requests", "Pull requests open at the day's end.", "end of day", _PARTIAL),
    Metric(
        "pull_requests_total",
        "pull requests",
        "Pull requests opened up to the day's end.",
        "end of day",
        _PARTIAL,
    ),
    Metric("reviews", "reviews", "Reviews submitted."),
    Metric("reviews_by_bots", "reviews", "Reviews submitted by bots."),
    Metric("reviews_approved", "reviews", "Reviews submitted that approve, as they stand now."),
    Metric("reviews_changes_requested", "reviews", "Reviews submitted that request changes, as they stand now."),
    Metric("reviews_commented", "reviews", "Reviews submitted that only comment."),
    Metric("reviews_dismissed", "reviews", "Reviews submitted that have been dismissed since."),
    Metric(
        "pull_requests_reviewed",
        "pull requests",
        "Distinct pull requests reviewed by a person other than the author.",
    ),
    Metric("reviewers", "people", "Distinct persons who reviewed somebody else's pull request."),
    Metric("comments", "comments", "Comments written in the conversation of pull requests."),
    Metric("review_comments", "comments", "Comments written on lines or files of pull requests."),
    Metric("comments_by_bots", "comments", "Comments of both kinds written by bots."),
    Metric("discussions_opened", "discussions", "Discussions opened."),
    Metric("discussions_answered", "discussions", "Discussions whose answer was chosen."),
    Metric("discussion_comments", "comments", "Comments and replies written in discussions."),
    Metric(
        "active_contributors",
        "people",
        "Distinct persons who opened a pull request, submitted a review, wrote a comment on a pull request, "
        "opened a discussion or commented in one.",
    ),
    Metric("new_contributors", "people", "Active contributors who had never been active before.", null=_PARTIAL),
    Metric(
        "first_review_hours_p50",
        "hours",
        "Median hours to the first review by a person other than the author, over persons' pull requests that got "
        "it: from ready for review if that came before the review, else from opening.",
        null="no such pull request",
    ),
    Metric(
        "first_review_hours_p90",
        "hours",
        "The same hours to the first review: nine in ten pull requests took at most as long.",
        null="no such pull request",
    ),
    Metric(
        "merge_hours_p50",
        "hours",
        "Median hours from opening to merge, over persons' pull requests that were merged.",
        null="no such pull request",
    ),
    Metric(
        "merge_hours_p90",
        "hours",
        "The same hours to merge: nine in ten pull requests took at most as long.",
        null="no such pull request",
    ),
    Metric(
        "lines_merged",
        "lines",
        "Lines added and deleted by the pull requests that were merged.",
        null="the lines of one of them are not known",
    ),
)
"""The columns of ``metrics.workspace_daily`` and ``metrics.repository_daily``, in order, before ``is_final``."""

BY_NAME = {metric.name: metric for metric in DAILY}

ABSENCE_FACTOR = Metric(
    "contributor_absence_factor",
    "people",
    "The fewest persons who together opened at least half of the merged pull requests that persons opened.",
    "7, 30 and 90 days",
    f"no such pull request, or {_PARTIAL}",
)
"""CHAOSS's contributor absence factor, over a window of ``metrics.workspace_trends``."""

TRENDS = (
    *(
        BY_NAME[name]
        for name in (
            "pull_requests_opened",
            "pull_requests_merged",
            "reviews",
            "comments",
            "active_contributors",
            "new_contributors",
            "merge_hours_p50",
            "first_review_hours_p50",
        )
    ),
    ABSENCE_FACTOR,
)
"""The metrics of ``metrics.workspace_trends``."""

WINDOWS = (7, 30, 90)
"""Days in the windows of ``metrics.workspace_trends``."""
