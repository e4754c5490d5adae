"""The daily numbers again, slowly, in pandas, written from the contract's sentences alone.

Reads ``github.*`` and ``workspaces.*`` and nothing else; shares no code with the SQL that it checks. First reviews
are found from the reviews, not from ``first_review_at``.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from contrib_pipeline.warehouse.connection import Connection

Numbers = dict[str, Any]

_TABLES = {
    "pull_requests": "github.pull_requests",
    "reviews": "github.reviews",
    "comments": "github.comments",
    "discussions": "github.discussions",
    "discussion_comments": "github.discussion_comments",
    "contributors": "github.contributors",
    "repositories": "github.repositories",
    "state": "github.capture_state",
    "workspaces": "workspaces.workspaces",
    "members": "workspaces.repositories",
}


@dataclass(frozen=True)
class History:
    """All tables as frames, with the rows that are out taken out."""

    pull_requests: pd.DataFrame
    reviews: pd.DataFrame
    comments: pd.DataFrame
    discussions: pd.DataFrame
    discussion_comments: pd.DataFrame
    contributors: pd.DataFrame
    repositories: pd.DataFrame
    state: pd.DataFrame
    workspaces: pd.DataFrame
    members: pd.DataFrame

    @property
    def persons(self) -> set[int]:
        people = self.contributors.itertuples()
        return {row.id for row in people if row.kind in ("user", "mannequin") and not row.is_bot}

    @property
    def bots(self) -> set[int]:
        return {row.id for row in self.contributors.itertuples() if row.is_bot}

    def of(self, repositories: set[int]) -> "History":
        """Only the facts of these repositories."""
        kept = {
            name: getattr(self, name)[getattr(self, name).repository_id.isin(repositories)]
            for name in ("pull_requests", "reviews", "comments", "discussions", "discussion_comments")
        }
        return History(**(self.__dict__ | kept))


def read(connection: Connection) -> History:
    """Everything, as it stands now."""
    frames = {}
    for name, table in _TABLES.items():
        rows = connection.execute(f"select * from {table}")
        columns = [column.name for column in rows.description or ()]
        frame = pd.DataFrame(rows.fetchall(), columns=columns, dtype=object)
        if "deleted_at" in columns and name != "repositories":
            frame = frame[frame.deleted_at.isna()]
        frames[name] = frame
    return History(**frames)


def workspace_day(history: History, workspace_id: Any, day: date) -> Numbers:
    """The row that ``metrics.workspace_daily`` should have."""
    members = set(history.members[history.members.workspace_id == workspace_id].repository_id)
    return numbers(history, members, day)


def numbers(history: History, repositories: set[int], day: date, length: timedelta = timedelta(days=1)) -> Numbers:
    """The numbers of a day, or of a longer time that begins with it, over these repositories."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + length
    facts = history.of(repositories)
    partial = not _states(history, repositories).history_complete.all()
    return (
        _pull_requests(facts, start, end, partial)
        | _reviews(facts, start, end)
        | _comments(facts, start, end)
        | _people(facts, start, end, partial)
        | {"is_final": is_final(history, repositories, end)}
    )


def _between(frame: pd.DataFrame, column: str, start: datetime, end: datetime) -> pd.DataFrame:
    chosen = [value is not None and not pd.isna(value) and start <= value < end for value in frame[column]]
    return frame[_mask(frame, chosen)]


def _mask(frame: pd.DataFrame, chosen: list[bool]) -> "pd.Series[bool]":
    return pd.Series(chosen, index=frame.index, dtype=bool)


def _percentile(values: list[float], q: float) -> float | None:
    return float(pd.Series(values, dtype=float).quantile(q, interpolation="linear")) if values else None


def _hours(earlier: datetime, later: datetime) -> float:
    return (later - earlier) / timedelta(hours=1)


def _pull_requests(facts: History, start: datetime, end: datetime, partial: bool) -> Numbers:
    prs = facts.pull_requests
    opened = _between(prs, "created_at", start, end)
    merged = _between(prs, "merged_at", start, end)
    closed = _between(prs, "closed_at", start, end)
    existing = [pr for pr in prs.itertuples() if pr.created_at < end]
    still_open = [pr for pr in existing if pd.isna(pr.closed_at) or pr.closed_at >= end]
    by_persons = merged[merged.author_id.isin(facts.persons)]
    merge_hours = [_hours(pr.created_at, pr.merged_at) for pr in by_persons.itertuples()]
    lines = [pr.additions + pr.deletions for pr in merged.dropna(subset=["additions", "deletions"]).itertuples()]
    return {
        "pull_requests_opened": len(opened),
        "pull_requests_opened_by_bots": int(opened.author_id.isin(facts.bots).sum()),
        "pull_requests_merged": len(merged),
        "pull_requests_closed": int(closed.merged_at.isna().sum()),
        "pull_requests_open": None if partial else len(still_open),
        "pull_requests_total": None if partial else len(existing),
        "merge_hours_p50": _percentile(merge_hours, 0.5),
        "merge_hours_p90": _percentile(merge_hours, 0.9),
        "lines_merged": sum(lines) if len(lines) == len(merged) else None,
    }


def _reviews(facts: History, start: datetime, end: datetime) -> Numbers:
    reviews = _between(facts.reviews, "submitted_at", start, end)
    authors = {pr.id: None if pd.isna(pr.author_id) else pr.author_id for pr in facts.pull_requests.itertuples()}
    of_others = [
        review.author_id in facts.persons
        and review.pull_request_id in authors
        and authors[review.pull_request_id] != review.author_id
        for review in facts.reviews.itertuples()
    ]
    others = facts.reviews[_mask(facts.reviews, of_others)]
    of_day = _between(others, "submitted_at", start, end)
    waited = []
    for pr in facts.pull_requests.itertuples():
        received = [review.submitted_at for review in others.itertuples() if review.pull_request_id == pr.id]
        if not received or not start <= min(received) < end or pr.author_id not in facts.persons:
            continue
        ready = pr.ready_at if not pd.isna(pr.ready_at) and pr.ready_at < min(received) else pr.created_at
        waited.append(_hours(ready, min(received)))
    return {
        "reviews": len(reviews),
        "reviews_by_bots": int(reviews.author_id.isin(facts.bots).sum()),
        "reviews_approved": int((reviews.state == "APPROVED").sum()),
        "reviews_changes_requested": int((reviews.state == "CHANGES_REQUESTED").sum()),
        "reviews_commented": int((reviews.state == "COMMENTED").sum()),
        "reviews_dismissed": int((reviews.state == "DISMISSED").sum()),
        "pull_requests_reviewed": of_day.pull_request_id.nunique(),
        "reviewers": of_day.author_id.nunique(),
        "first_review_hours_p50": _percentile(waited, 0.5),
        "first_review_hours_p90": _percentile(waited, 0.9),
    }


def _comments(facts: History, start: datetime, end: datetime) -> Numbers:
    comments = _between(facts.comments, "created_at", start, end)
    return {
        "comments": int((comments.kind == "issue").sum()),
        "review_comments": int((comments.kind == "review").sum()),
        "comments_by_bots": int(comments.author_id.isin(facts.bots).sum()),
        "discussions_opened": len(_between(facts.discussions, "created_at", start, end)),
        "discussions_answered": len(_between(facts.discussions, "answer_chosen_at", start, end)),
        "discussion_comments": len(_between(facts.discussion_comments, "created_at", start, end)),
    }


def _people(facts: History, start: datetime, end: datetime, partial: bool) -> Numbers:
    acts = [
        (row.author_id, getattr(row, instant))
        for frame, instant in (
            (facts.pull_requests, "created_at"),
            (facts.reviews, "submitted_at"),
            (facts.comments, "created_at"),
            (facts.discussions, "created_at"),
            (facts.discussion_comments, "created_at"),
        )
        for row in frame.itertuples()
        if row.author_id in facts.persons
    ]
    active = {who for who, when in acts if start <= when < end}
    before = {who for who, when in acts if when < start}
    return {"active_contributors": len(active), "new_contributors": None if partial else len(active - before)}


def _states(history: History, repositories: set[int]) -> pd.DataFrame:
    return history.repositories[history.repositories.id.isin(repositories)]


def is_final(history: History, repositories: set[int], end: datetime) -> bool:
    """The day is over, every member verified after its end or terminal, none partial."""
    verified = {(row.repository_id, row.kind): row.verified_at for row in history.state.itertuples()}

    def is_current(repository: Any) -> bool:
        if repository.terminal_reason or not pd.isna(repository.deleted_at) or not repository.is_tracked:
            return True
        kinds = ["pull_requests", "discussions"] if repository.has_discussions else ["pull_requests"]
        instants = [verified.get((repository.id, kind)) for kind in kinds]
        return all(instant is not None and not pd.isna(instant) and instant > end for instant in instants)

    members = list(_states(history, repositories).itertuples())
    return datetime.now(UTC) >= end and all(row.history_complete and is_current(row) for row in members)


def trends(history: History, workspace_id: Any, day: date) -> dict[tuple[int, str], tuple[Any, Any, Any]]:
    """Current, previous and change in percent, by window and metric."""
    members = set(history.members[history.members.workspace_id == workspace_id].repository_id)
    partial = not _states(history, members).history_complete.all()
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    found = {}
    for days in (7, 30, 90):
        length = timedelta(days=days)
        current = _window(history.of(members), end - length, end, partial)
        previous = _window(history.of(members), end - 2 * length, end - length, partial)
        for metric, now in current.items():
            before = None if partial else previous[metric]
            change = 100 * (now - before) / before if now is not None and before else None
            found[days, metric] = (now, before, change)
    return found


def _window(facts: History, start: datetime, end: datetime, partial: bool) -> Numbers:
    numbers = (
        _pull_requests(facts, start, end, partial)
        | _reviews(facts, start, end)
        | _comments(facts, start, end)
        | _people(facts, start, end, partial)
    )
    wanted = (
        "pull_requests_opened", "pull_requests_merged", "reviews", "comments", "active_contributors",
        "new_contributors", "merge_hours_p50", "first_review_hours_p50",
    )  # fmt: skip
    factor = None if partial else _absence_factor(facts, start, end)
    return {name: numbers[name] for name in wanted} | {"contributor_absence_factor": factor}


def _absence_factor(facts: History, start: datetime, end: datetime) -> int | None:
    merged = _between(facts.pull_requests, "merged_at", start, end)
    counts = sorted((int((merged.author_id == person).sum()) for person in facts.persons), reverse=True)
    if not sum(counts):
        return None
    return next(n for n in range(1, len(counts) + 1) if 2 * sum(counts[:n]) >= sum(counts))


def contributors(history: History, workspace_id: Any, day: date) -> list[tuple[int, ...]]:
    """Contributor, pull requests, reviews, comments, discussions and rank over 30 days, best first."""
    members = set(history.members[history.members.workspace_id == workspace_id].repository_id)
    facts = history.of(members)
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    start = end - timedelta(days=30)
    frames = (
        _between(facts.pull_requests, "created_at", start, end),
        _between(facts.reviews, "submitted_at", start, end),
        _between(facts.comments, "created_at", start, end),
        _between(facts.discussions, "created_at", start, end),
    )
    counts = {who: tuple(int((frame.author_id == who).sum()) for frame in frames) for who in facts.contributors.id}
    ranked = sorted((item for item in counts.items() if sum(item[1])), key=lambda item: (-sum(item[1]), item[0]))
    return [(who, *numbers, rank) for rank, (who, numbers) in enumerate(ranked[:100], start=1)]
