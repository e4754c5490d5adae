"""One capture of one repository, from its name to its ledger entries: which walks, what they proved, what stopped them.

Knows no Dagster: a run hands in connection, client and callbacks, and gets an :class:`Outcome`. When a repository is
captured, and by which run, is decided elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from contrib_pipeline.capture import repositories
from contrib_pipeline.capture.ledger import Counts, Entry, open_entry
from contrib_pipeline.capture.repositories import InvalidName, Repository
from contrib_pipeline.capture.subjects import DISCUSSIONS, PULL_REQUESTS, Subject
from contrib_pipeline.capture.walks import Walk, changed, history, newest, one
from contrib_pipeline.github.client import GitHubClient, Spent
from contrib_pipeline.github.errors import (
    Blocked,
    CannotContinue,
    Forbidden,
    GitHubError,
    MustWait,
    NotFound,
    NotVisible,
)
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")

Depth = Literal["changed", "newest", "history"]

_WALKS: dict[str, Callable[[Walk], None]] = {"changed": changed, "newest": newest, "history": history}
_SUBJECTS: dict[str, Subject] = {"pull_requests": PULL_REQUESTS, "discussions": DISCUSSIONS}


@dataclass(frozen=True)
class CaptureRequest:
    """What to capture of one repository."""

    repository: str
    """``owner/name``, in any case."""
    depth: Depth = "changed"
    subjects: tuple[str, ...] = ("pull_requests", "discussions")
    """Which connections; none: only the repository's metadata, read again."""
    numbers: tuple[int, ...] = ()
    """Just these pull requests, with everything; depth and subjects don't matter then."""
    track: bool = False
    """Track it from now on, also if it was untracked once; a repository that is new to us always is."""


@dataclass
class Outcome:
    """What became of a capture."""

    asked: str
    repository: Repository | None = None
    counts: Counts = field(default_factory=Counts)
    spent: Spent = field(default_factory=Spent)
    github_total: int | None = None
    """GitHub's number of pull requests; None where this capture did not learn it."""
    stored_total: int | None = None
    is_complete: bool = True
    error: str | None = None
    """Why it is not complete, in one line."""
    deferred_until: datetime | None = None
    """GitHub's budget allows no more before then; the work is to be put back."""
    is_terminal: bool = False
    """Asking again can't help: GitHub does not show the repository."""

    @property
    def name(self) -> str:
        return self.repository.name_with_owner if self.repository else self.asked


@dataclass
class Captures:
    """Captures repositories with one connection and one client."""

    client: GitHubClient
    connection: Connection
    host: str
    run_id: str | None = None
    bot_logins: tuple[str, ...] = ()
    on_page: Callable[[str, str, int, int], None] = lambda *_: None
    """Called after each page: repository, subject, nodes read, GitHub's total."""

    def capture(self, request: CaptureRequest) -> Outcome:
        """Capture ``request``. Every failure that concerns this repository alone is in the outcome.

        Raises :class:`CannotContinue` (credential, query) and
        :class:`~contrib_pipeline.warehouse.errors.OtherHost`: no other repository would fare better.
        """
        repositories.claim_host(self.connection, self.host)
        outcome, before = Outcome(request.repository), self.client.spent.copy()
        try:
            self._capture(request, outcome)
        except (BudgetWait, MustWait) as wait:
            outcome.is_complete, outcome.deferred_until, outcome.error = False, wait.until, str(wait)
        except CannotContinue:
            raise
        except NotVisible as error:
            self._end(outcome, error)
        except (GitHubError, InvalidName) as error:
            outcome.is_complete, outcome.error = False, str(error)
        outcome.spent = self.client.spent - before
        return outcome

    def _capture(self, request: CaptureRequest, outcome: Outcome) -> None:
        repository = outcome.repository = self._repository(request, outcome)
        if request.track:
            repositories.set_tracked(self.connection, repository.id, is_tracked=True)
        if request.numbers:
            self._one_by_one(repository, request.numbers, outcome)
            return
        for name in request.subjects:
            if name != "discussions" or repository.has_discussions:
                self._walk(repository, _SUBJECTS[name], request.depth, outcome)

    def _repository(self, request: CaptureRequest, outcome: Outcome) -> Repository:
        """From our records; asked for where we have none, or where its metadata is what is wanted."""
        known = outcome.repository = repositories.known(self.connection, request.repository)
        if known and (request.subjects or request.numbers):
            return known
        if known is None:
            repository, written = repositories.find(self.client, self.connection, request.repository)
        else:
            repository, written = repositories.refresh(self.client, self.connection, known)
        outcome.counts.add(tables.REPOSITORIES.name, written)
        return repository

    def _walk(self, repository: Repository, subject: Subject, depth: Depth, outcome: Outcome) -> None:
        kind = depth if subject is PULL_REQUESTS else subject.kind
        with self._entry(repository, subject, kind, outcome) as walk:
            _WALKS[depth](walk)
            stored = self._stored(repository, subject)
            if depth == "history" and stored < (walk.total or 0):
                outcome.is_complete = False
                outcome.error = (
                    f"{repository.name_with_owner}: GitHub counts {walk.total} {subject.kind.replace('_', ' ')}, "
                    f"{stored} are stored: run verify --repair."
                )
            if subject is PULL_REQUESTS:
                outcome.github_total, outcome.stored_total = walk.total, stored

    def _one_by_one(self, repository: Repository, numbers: tuple[int, ...], outcome: Outcome) -> None:
        with self._entry(repository, PULL_REQUESTS, "one", outcome) as walk:
            missing = [number for number in numbers if not one(walk, number)]
            outcome.github_total, outcome.stored_total = walk.total, self._stored(repository, PULL_REQUESTS)
            if missing:
                outcome.is_complete = False
                outcome.error = f"{repository.name_with_owner} has no pull request {', '.join(map(str, missing))}."

    @contextmanager
    def _entry(self, repository: Repository, subject: Subject, kind: str, outcome: Outcome) -> Iterator[Walk]:
        """A walk with its ledger entry, alone on this repository's subject; the entry is closed however it ends."""
        lock = f"capture {subject.kind} {kind == 'history'} {repository.id}"
        self.connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (lock,))
        entry = open_entry(self.connection, self.client, repository.id, kind, self.run_id)
        walk = self._new_walk(repository, subject, entry)
        error: str | None = "Interrupted before its end."
        try:
            yield walk
            error = outcome.error
            if walk.name_seen not in (None, repository.name_with_owner):
                outcome.repository, written = repositories.refresh(self.client, self.connection, repository)
                outcome.counts.add(tables.REPOSITORIES.name, written)
        except (GitHubError, BudgetWait) as failure:
            error = str(failure)
            raise
        finally:
            entry.close(
                github_total=walk.total,
                stored_total=self._stored(repository, subject),
                is_complete=error is None,
                error=error,
            )
            outcome.counts.merge(entry.counts)
            self.connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (lock,))

    def _new_walk(self, repository: Repository, subject: Subject, entry: Entry) -> Walk:
        return Walk(
            client=self.client,
            connection=self.connection,
            repository=repository,
            subject=subject,
            entry=entry,
            is_bot_login=self._is_bot_login,
            on_page=lambda read, total: self.on_page(repository.name_with_owner, subject.kind, read, total),
        )

    def _end(self, outcome: Outcome, error: NotVisible) -> None:
        outcome.is_complete, outcome.is_terminal, outcome.error = False, True, str(error)
        if outcome.repository is not None:
            reason = {NotFound: "gone", Forbidden: "private", Blocked: "blocked"}[type(error)]
            repositories.mark_terminal(self.connection, outcome.repository.id, reason)

    def _stored(self, repository: Repository, subject: Subject) -> int:
        row = self.connection.execute(_SQL[f"stored_{subject.kind}"], {"repository_id": repository.id}).fetchone()
        assert row is not None
        return int(row["total"])

    def _is_bot_login(self, login: str) -> bool:
        return any(fnmatchcase(login.lower(), pattern.lower()) for pattern in self.bot_logins)
