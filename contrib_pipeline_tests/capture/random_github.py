"""A small GitHub that changes at random, and its contents in a form that can be compared with a copy's.

What happens is drawn elsewhere: a ``Change`` is a word and a number that chooses who, where and which.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

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
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.connection import Connection

Change = tuple[str, int]
Contents = dict[str, set[tuple[Any, ...]]]
Record = TypeVar("Record")

ADDITIONS = ("open", "comment", "review", "inline", "discuss", "answer", "reply")
EDITS = ("edit", "edit comment", "merge", "close", "reopen", "ready", "submit", "dismiss", "choose")
DELETIONS = (
    "delete comment", "delete review", "delete inline", "delete pull request",
    "delete discussion", "delete answer", "delete reply", "delete account",
)  # fmt: skip
NAMES = ("rename", "take name")


def now() -> str:
    return _text(datetime.now(UTC))


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class RandomGitHub:
    """A few repositories, the first of which everything happens in; ``names`` are all that they ever had."""

    def __init__(self, pull_requests: int, discussions: int) -> None:
        """Begins with that much that is two days old."""
        self.world = World(_text(datetime.now(UTC) - timedelta(days=2)))
        self.repository = self.world.add_repository("octo/hello", has_discussions_enabled=True)
        self.names = ["octo/hello"]
        self.people: list[Account | None] = [*(self.world.account(login) for login in ("ana", "ben", "eva")), None]
        for number in range(pull_requests):
            self._begin(number)
        for number in range(discussions):
            talk = self.world.add_discussion(self.repository, self.people[number % 4], f"Old question {number}")
            answer = self.world.add_discussion_comment(talk, self.people[0], "Old answer")
            self.world.add_discussion_comment(talk, self.people[1], "Old reply", reply_to=answer)

    def _begin(self, number: int) -> None:
        author, other = self.people[number % 4], self.people[(number + 1) % 4]
        change = self.world.add_pull_request(self.repository, author, f"Old change {number}", is_draft=number % 3 == 0)
        self.world.add_comment(change, other, "Old comment")
        self.world.add_review_comment(self.world.add_review(change, other, "COMMENTED"), "Old remark")

    def happen(self, change: Change) -> None:
        """Something happens now; nothing where there is nothing that it could happen to."""
        what, dice = change
        with self.world.lock:
            act = getattr(self, f"_{what.replace(' ', '_')}")
            act(dice)

    # What is added

    def _open(self, dice: int) -> None:
        self.world.add_pull_request(
            self.repository, self._person(dice), f"Change {dice}", at=now(), is_draft=dice % 2 == 0
        )

    def _comment(self, dice: int) -> None:
        for change in self._one(self._pull_requests, dice):
            self.world.add_comment(change, self._person(dice), f"Comment {dice}", at=now())

    def _review(self, dice: int) -> None:
        for change in self._one(self._pull_requests, dice):
            state = ("APPROVED", "CHANGES_REQUESTED", "PENDING")[dice % 3]
            self.world.add_review(change, self._person(dice), state, at=now())

    def _inline(self, dice: int) -> None:
        for change in self._one(self._pull_requests, dice):
            review = self.world.add_review(change, self._person(dice), "COMMENTED", at=now())
            self.world.add_review_comment(review, f"Remark {dice}", at=now())

    def _discuss(self, dice: int) -> None:
        self.world.add_discussion(self.repository, self._person(dice), f"Question {dice}", at=now())

    def _answer(self, dice: int) -> None:
        for talk in self._one(self._discussions, dice):
            self.world.add_discussion_comment(talk, self._person(dice), f"Answer {dice}", at=now())

    def _reply(self, dice: int) -> None:
        for answer in self._one(self._answers, dice):
            self.world.add_discussion_comment(
                answer.discussion, self._person(dice), f"Reply {dice}", reply_to=answer, at=now()
            )

    # What is changed

    def _edit(self, dice: int) -> None:
        for change in self._one([*self._pull_requests, *self._discussions], dice):
            self.world.edit(change, title=f"Edited {dice}", at=now())

    def _edit_comment(self, dice: int) -> None:
        for comment in self._one([*self._comments, *self._inline_comments, *self._answers], dice):
            self.world.edit(comment, body=f"Edited {dice}", at=now())

    def _merge(self, dice: int) -> None:
        for change in self._one([c for c in self._pull_requests if c.state == "OPEN"], dice):
            self.world.merge(change, self._person(dice), at=now())

    def _close(self, dice: int) -> None:
        for change in self._one([c for c in self._pull_requests if c.state == "OPEN"], dice):
            self.world.close(change, at=now())

    def _reopen(self, dice: int) -> None:
        for change in self._one([c for c in self._pull_requests if c.state == "CLOSED"], dice):
            self.world.reopen(change, at=now())

    def _ready(self, dice: int) -> None:
        for change in self._one([c for c in self._pull_requests if c.is_draft], dice):
            self.world.mark_ready(change, at=now())

    def _submit(self, dice: int) -> None:
        timelines = [item for change in self._pull_requests for item in change.timeline]
        pending = [item for item in timelines if isinstance(item, PullRequestReview) and not item.is_visible]
        for review in self._one(pending, dice):
            self.world.submit_review(review, "APPROVED", at=now())

    def _dismiss(self, dice: int) -> None:
        for review in self._one([r for r in self._reviews if r.state == "APPROVED"], dice):
            self.world.submit_review(review, "DISMISSED", at=now())

    def _choose(self, dice: int) -> None:
        for answer in self._one(self._answers, dice):
            self.world.choose_answer(answer, self._person(dice), at=now())

    # What goes away, and tells nobody

    def _delete_comment(self, dice: int) -> None:
        self._delete(self._comments, dice)

    def _delete_review(self, dice: int) -> None:
        self._delete(self._reviews, dice)

    def _delete_inline(self, dice: int) -> None:
        self._delete(self._inline_comments, dice)

    def _delete_pull_request(self, dice: int) -> None:
        self._delete(self._pull_requests, dice)

    def _delete_discussion(self, dice: int) -> None:
        self._delete(self._discussions, dice)

    def _delete_answer(self, dice: int) -> None:
        self._delete(self._answers, dice)

    def _delete_reply(self, dice: int) -> None:
        self._delete([reply for answer in self._answers for reply in answer.replies], dice)

    def _delete_account(self, dice: int) -> None:
        place = dice % len(self.people)
        if person := self.people[place]:
            self.world.delete_account(person)
            self.people[place] = self.world.account(f"new-{dice}")

    def _delete(self, records: Sequence[Any], dice: int) -> None:
        for record in self._one(records, dice):
            self.world.delete(record)

    # What is called otherwise

    def _rename(self, dice: int) -> None:
        name = f"{('octo', 'hexa')[dice % 2]}/hello-{dice}"
        if self.world.find_repository(name) is None:
            self.world.rename_repository(self.repository, name)
            self.names.append(name)

    def _take_name(self, dice: int) -> None:
        """Another repository is made under a name that the first one had."""
        name = self.names[dice % len(self.names)]
        if name not in [repository.name_with_owner for repository in self.repositories]:
            other = self.world.add_repository(name, has_discussions_enabled=False)
            self.world.add_pull_request(other, self._person(dice), f"Elsewhere {dice}", at=now())

    # What there is

    @property
    def repositories(self) -> list[Repository]:
        return list(self.world.repositories.values())

    @property
    def _pull_requests(self) -> list[PullRequest]:
        return list(self.repository.pull_requests.values())

    @property
    def _discussions(self) -> list[Discussion]:
        return list(self.repository.discussions.values())

    @property
    def _comments(self) -> list[IssueComment]:
        return [comment for change in self._pull_requests for comment in change.comments]

    @property
    def _reviews(self) -> list[PullRequestReview]:
        return [review for change in self._pull_requests for review in change.reviews]

    @property
    def _inline_comments(self) -> list[PullRequestReviewComment]:
        return [comment for review in self._reviews for comment in review.comments]

    @property
    def _answers(self) -> list[DiscussionComment]:
        return [comment for talk in self._discussions for comment in talk.comments]

    def _person(self, dice: int) -> Account | None:
        return self.people[dice % len(self.people)]

    @staticmethod
    def _one(records: Sequence[Record], dice: int) -> Sequence[Record]:
        """One of ``records``; none where there is none."""
        return records[dice % len(records) :][:1] if records else ()

    def contents(self, of: Repository | None = None) -> Contents:
        """All that a copy must have; ``of`` one repository, or of all."""
        those = [of] if of else self.repositories
        changes = [change for repository in those for change in repository.pull_requests.values()]
        reviews = [review for change in changes for review in change.reviews]
        comments = [("issue", comment) for change in changes for comment in change.comments]
        comments += [("review", comment) for review in reviews for comment in review.comments]
        talks = [talk for repository in those for talk in repository.discussions.values()]
        answers = [(answer, None) for talk in talks for answer in talk.comments]
        answers += [(reply, answer.database_id) for answer, _ in answers for reply in answer.replies]
        return {
            "repositories": {(r.database_id, r.name_with_owner) for r in those},
            "pull requests": {
                (c.database_id, c.repository.database_id, c.number, c.title, c.state.lower(), c.is_draft, _login(c))
                for c in changes
            },
            "reviews": {(r.database_id, r.pull_request.database_id, r.state, _login(r)) for r in reviews},
            "comments": {(kind, c.database_id, c.pull_request.database_id, c.body, _login(c)) for kind, c in comments},
            "discussions": {
                (t.database_id, t.number, t.title, t.answer and t.answer.database_id, _login(t)) for t in talks
            },
            "answers": {(a.database_id, a.discussion.database_id, to, a.body, _login(a)) for a, to in answers},
        }

    def told(self, of: Repository) -> Contents:
        """What GitHub's ``updatedAt`` tells of: the beginnings of the rows that a copy must have.

        Nothing tells of deleted things and accounts, nor of edited comments.
        """
        width = {"pull requests": 6, "reviews": 2, "comments": 3, "discussions": 3, "answers": 3}
        return {kind: {row[: width[kind]] for row in rows} for kind, rows in self.contents(of).items() if kind in width}


def _login(record: Any) -> str | None:
    return record.author and record.author.login


_STORED = {
    "repositories": "select id, name_with_owner",
    "pull requests": "select c.id, repository_id, number, title, state, draft, login",
    "reviews": "select c.id, pull_request_id, state, login",
    "comments": "select c.kind, c.id, pull_request_id, body, login",
    "discussions": "select c.id, number, title, answer_id, login",
    "answers": "select c.id, discussion_id, parent_id, body, login",
}
_TABLES = {"answers": "discussion_comments"}


def stored(connection: Connection) -> Contents:
    """A copy's living rows, as :meth:`RandomGitHub.contents` has GitHub's."""
    found: Contents = {}
    for kind, select in _STORED.items():
        table = _TABLES.get(kind, kind.replace(" ", "_"))
        author = "" if kind == "repositories" else "left join github.contributors a on a.id = author_id"
        query = f"{select} from github.{table} c {author} where c.deleted_at is null"
        found[kind] = {tuple(row.values()) for row in connection.execute(query)}  # type: ignore[arg-type]
    return found
