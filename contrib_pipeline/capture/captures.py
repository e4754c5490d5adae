"""One capture of one repository, from its name to its ledger entries: which walks, what they proved, what stopped them.

Knows no Dagster: a run hands in connection, client and callbacks, and gets an :class:`Outcome`. When a repository is
captured, and by which run, is decided elsewhere.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from contrib_pipeline.capture import repositories
from contrib_pipeline.capture.ahead import Ahead, Need
from contrib_pipeline.capture.chosen import by_numbers, read_the_unread
from contrib_pipeline.capture.compare import compare_and_repair
from contrib_pipeline.capture.ledger import Entry, open_entry
from contrib_pipeline.capture.outcome import CaptureRequest, Depth, Outcome, explain, stops_told
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.state import read_state
from contrib_pipeline.capture.subjects import PULL_REQUESTS, SUBJECTS, Subject
from contrib_pipeline.capture.walks import Walk, changed, history, newest, recent
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import Blocked, Forbidden, GitHubError, MustWait, NotFound, NotVisible
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.contributors import is_named

_WALKS: dict[str, Callable[[Walk], None]] = {
    "changed": changed,
    "newest": newest,
    "recent": recent,
    "history": history,
    "verify": compare_and_repair,
}
_TERMINAL_REASONS = {NotFound: "gone", Forbidden: "private", Blocked: "blocked"}


@dataclass
class Captures:
    """Captures repositories with one connection."""

    client_for: Callable[[str], GitHubClient]
    """The client that sees a repository; owners may have credentials of their own."""
    connection: Connection
    host: str
    run_id: str | None = None
    bot_logins: tuple[str, ...] = ()
    on_page: Callable[[str, str, int, int], None] = lambda *_: None
    """Called after each transaction: repository, subject, nodes read, GitHub's total."""
    client: GitHubClient = field(init=False)
    """The client of the capture under way."""
    ahead: Ahead = field(init=False)

    def __post_init__(self) -> None:
        self.ahead = Ahead(self.client_for)

    def expect(self, requests: Sequence[CaptureRequest]) -> None:
        """These will follow, in this order: what several need first is asked for together."""
        self.ahead = Ahead(self.client_for, [need for request in requests for need in self._needs(request)])

    def _needs(self, request: CaptureRequest) -> Iterator[Need]:
        known = repositories.known(self.connection, request.repository)
        if known is None or known.is_terminal or request.depth != "changed":
            return
        for subject in (SUBJECTS[name] for name in request.subjects):
            if request.numbers:
                yield from (Need(known.node_id, known.name_with_owner, subject, number) for number in request.numbers)
                return
            if read_state(self.connection, known.id, subject.kind).watermark:
                yield Need(known.node_id, known.name_with_owner, subject)

    def capture(self, request: CaptureRequest) -> Outcome:
        """Capture ``request``. Every failure that concerns this repository alone is in the outcome.

        Raises :class:`~contrib_pipeline.github.errors.CannotContinue` (credential, query) and
        :class:`~contrib_pipeline.warehouse.errors.OtherHost`: no other repository would fare better.
        """
        outcome = Outcome(request.repository)
        with stops_told(outcome), self.asking(outcome, request.repository, is_background=request.is_background):
            try:
                self._capture(request, outcome)
            except NotVisible as error:
                self._end(outcome, error)
                if successor := self._successor(request.repository, outcome):
                    self._read(request, successor, outcome)
        return outcome

    def walk(self, name: str, subject: Subject, kind: str, outcome: Outcome, work: Callable[[Walk], None]) -> None:
        """Another kind of walk over a repository, with its ledger entry; what stops it is in the outcome."""
        with stops_told(outcome), self.asking(outcome, name, is_background=False):
            try:
                repository = outcome.repository or self._repository(CaptureRequest(name), outcome)
                outcome.repository = repository
                with self._entry(repository, subject, kind, outcome) as walk:
                    work(walk)
            except NotVisible as error:
                self._end(outcome, error)
                if successor := self._successor(name, outcome):
                    with self._entry(successor, subject, kind, outcome) as walk:
                        work(walk)

    @contextmanager
    def asking(self, outcome: Outcome, name: str, *, is_background: bool) -> Iterator[None]:
        """With the client that sees repository ``name``; what the work inside cost is in the outcome."""
        repositories.claim_host(self.connection, self.host)
        self.client = self.client_for(name)
        self.client.is_background = is_background
        before = self.client.spent.copy()
        try:
            yield
        finally:
            outcome.spent += self.client.spent - before

    def _capture(self, request: CaptureRequest, outcome: Outcome) -> None:
        outcome.repository = self._repository(request, outcome)
        self._read(request, outcome.repository, outcome)
        if outcome.names_changed and outcome.name.lower() != request.repository.lower():
            # It was renamed, and GitHub follows renames: unless another repository has taken its name since.
            named, written = repositories.find(self.client, self.connection, request.repository)
            if named.id != outcome.repository.id:
                outcome.counts.add(tables.REPOSITORIES.name, written)
                outcome.repository = named
                self._read(request, named, outcome)

    def _read(self, request: CaptureRequest, repository: Repository, outcome: Outcome) -> None:
        if request.track:
            repositories.set_tracked(self.connection, repository.id, is_tracked=True)
        if request.numbers:
            self._one_by_one(repository, SUBJECTS[request.subjects[0]], request.numbers, outcome)
            return
        refused: NotVisible | None = None
        for name in request.subjects:
            # As the walk before found it: discussions are switched on and off.
            found = outcome.repository or repository
            try:
                if name != "discussions" or found.has_discussions:
                    self._walk(found, SUBJECTS[name], request.depth, outcome)
            except NotVisible as error:
                # A permission may be missing for one of them only.
                refused = refused or error
        if refused:
            raise refused

    def _repository(self, request: CaptureRequest, outcome: Outcome) -> Repository:
        """From our records; asked for where we have none, or where they may be behind for what is wanted."""
        known = outcome.repository = repositories.known(self.connection, request.repository)
        if known is None:
            return self._found(request.repository, outcome)
        if known.is_terminal or self._may_be_behind(request, known):
            return self._refreshed(known, outcome)
        return known

    @staticmethod
    def _may_be_behind(request: CaptureRequest, known: Repository) -> bool:
        """Metadata is wanted, or somebody waits for discussions that were switched off when we last looked."""
        if request.numbers:
            return False
        only_discussions = request.subjects == ("discussions",) and not known.has_discussions
        return not request.subjects or (only_discussions and not request.is_background)

    def _found(self, name: str, outcome: Outcome) -> Repository:
        """Asked for by name. One that we hold and that is gone still is where GitHub has none of that name."""
        try:
            repository, written = repositories.find(self.client, self.connection, name)
        except NotFound as error:
            if gone := repositories.former(self.connection, name):
                outcome.repository = gone
                self.mark_terminal(outcome, error)
            raise
        outcome.names_changed = True
        outcome.counts.add(tables.REPOSITORIES.name, written)
        return repository

    def _refreshed(self, repository: Repository, outcome: Outcome) -> Repository:
        """As GitHub has it now; marked as terminal where GitHub does not show it (raises :class:`NotVisible`)."""
        try:
            found, written = repositories.refresh(self.client, self.connection, repository)
        except NotVisible as error:
            self.mark_terminal(outcome, error)
            raise
        outcome.counts.add(tables.REPOSITORIES.name, written)
        outcome.names_changed |= found.name_with_owner != repository.name_with_owner
        outcome.repository = found
        return found

    def _walk(self, repository: Repository, subject: Subject, depth: Depth, outcome: Outcome) -> None:
        with self._entry(repository, subject, depth, outcome) as walk:
            _WALKS[depth](walk)
            problems = read_the_unread(walk)
            if depth == "history":
                walk.unlisted = 0
                if walk.stored() + len(problems) < (walk.total or 0):
                    # GitHub counts some that it lists nowhere, or the walk missed some: the list tells which.
                    walk.withheld.clear()
                    compare_and_repair(walk)
                    problems = read_the_unread(walk)
            explain(outcome, problems)
            if subject is PULL_REQUESTS:
                outcome.github_total, outcome.stored_total = walk.total, walk.stored()

    def _one_by_one(self, repository: Repository, subject: Subject, numbers: tuple[int, ...], outcome: Outcome) -> None:
        with self._entry(repository, subject, "one", outcome) as walk:
            missing = by_numbers(walk, numbers)
            problems = read_the_unread(walk)
            explain(outcome, problems)
            if subject is PULL_REQUESTS:
                self._explain_missing(repository, missing, outcome)
                outcome.github_total, outcome.stored_total = walk.total, walk.stored()

    @staticmethod
    def _explain_missing(repository: Repository, missing: Sequence[int], outcome: Outcome) -> None:
        """A discussion is deleted or moved now and then, a pull request is not: somebody asked for a wrong number."""
        if missing:
            outcome.is_hopeless, outcome.missing = outcome.error is None, frozenset(missing)
            explain(outcome, [f"{repository.name_with_owner} has no pull request {', '.join(map(str, missing))}."])

    @contextmanager
    def _entry(self, repository: Repository, subject: Subject, kind: str, outcome: Outcome) -> Iterator[Walk]:
        """A walk with its ledger entry, closed however it ends. Two history walks of one connection take turns."""
        lock = f"capture {subject.kind} {kind == 'history'} {repository.id}"
        self.connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (lock,))
        named = kind if subject is PULL_REQUESTS else f"discussions {kind}".removesuffix(" changed")
        entry = open_entry(self.connection, self.client, repository.id, named, self.run_id)
        walk = self._new_walk(repository, subject, entry)
        error: str | None = "Interrupted before its end."
        already = outcome.error
        try:
            yield walk
            error = outcome.error if outcome.error != already else None
            outcome.unlisted[subject.kind] = walk.unlisted or 0
            if walk.repository_changed:
                self._refreshed(repository, outcome)
        except (BudgetWait, MustWait) as wait:
            error = f"Deferred: {wait}"
            raise
        except GitHubError as failure:
            error = str(failure)
            raise
        finally:
            self._close(walk, error)
            outcome.counts.merge(entry.counts)
            self.connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (lock,))

    def _close(self, walk: Walk, error: str | None) -> None:
        walk.entry.close(
            github_total=walk.total,
            stored_total=walk.stored(),
            unlisted=walk.unlisted,
            is_complete=error is None,
            error=error,
        )

    def _new_walk(self, repository: Repository, subject: Subject, entry: Entry) -> Walk:
        return Walk(
            client=self.client,
            connection=self.connection,
            repository=repository,
            subject=subject,
            entry=entry,
            is_bot_login=self._is_bot_login,
            ahead=self.ahead,
            on_page=lambda read, total: self.on_page(repository.name_with_owner, subject.kind, read, total),
        )

    def _end(self, outcome: Outcome, error: NotVisible) -> None:
        """GitHub refuses: look whether it is the whole repository, or a part that a permission is missing for."""
        outcome.is_complete, outcome.is_hopeless, outcome.error = False, True, str(error)
        if outcome.repository is None or outcome.terminal_reason:
            return
        with suppress(NotVisible):
            self._refreshed(outcome.repository, outcome)

    def _successor(self, name: str, outcome: Outcome) -> Repository | None:
        """Another repository that has the name of one just found gone: it is what was asked for, then."""
        if outcome.terminal_reason != "gone" or outcome.was_terminal:
            return None
        try:
            named, written = repositories.find(self.client, self.connection, name)
        except NotVisible:
            return None
        outcome.is_complete, outcome.is_hopeless, outcome.error, outcome.terminal_reason = True, False, None, None
        outcome.repository, outcome.names_changed = named, True
        outcome.counts.add(tables.REPOSITORIES.name, written)
        return named

    def mark_terminal(self, outcome: Outcome, error: NotVisible) -> None:
        """GitHub does not show the outcome's repository: record it."""
        assert outcome.repository is not None
        outcome.is_complete, outcome.is_hopeless, outcome.error = False, True, str(error)
        outcome.terminal_reason = _TERMINAL_REASONS[type(error)]
        repositories.mark_terminal(self.connection, outcome.repository.id, outcome.terminal_reason)

    def _is_bot_login(self, login: str) -> bool:
        return is_named(login, self.bot_logins)
