"""What is asked of a capture, and what became of it: values, and how an error becomes words of an outcome.

Capturing is ``captures``' business.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from contrib_pipeline.capture.ledger import Counts
from contrib_pipeline.capture.repositories import InvalidName, Repository
from contrib_pipeline.github.client import Spent
from contrib_pipeline.github.errors import CannotContinue, GitHubError, MustWait, NotVisible
from contrib_pipeline.warehouse.budget import BudgetWait

Depth = Literal["changed", "newest", "recent", "history", "verify"]


@dataclass(frozen=True)
class CaptureRequest:
    """What to capture of one repository."""

    repository: str
    """``owner/name``, in any case."""
    depth: Depth = "changed"
    subjects: tuple[str, ...] = ("pull_requests", "discussions")
    """Which connections; none: only the repository's metadata, read again."""
    numbers: tuple[int, ...] = ()
    """Just those with these numbers, of the first of ``subjects``, with everything; depth does not matter then."""
    track: bool = False
    """Track it from now on, also if it was untracked once; a repository that is new to us always is."""
    is_background: bool = False
    """Nobody waits for it: others go first where GitHub's budget is short."""


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
    unlisted: dict[str, int] = field(default_factory=dict)
    """By subject: how many GitHub counts and lists nowhere. They are no reason for a capture not to be complete."""
    is_complete: bool = True
    error: str | None = None
    """Why it is not complete, in one line."""
    deferred_until: datetime | None = None
    """GitHub's budget allows no more before then; the work is to be put back."""
    is_hopeless: bool = False
    """Asking again can't help: a person has to change something on GitHub, or nothing can be done."""
    missing: frozenset[int] = frozenset()
    """Numbers of pull requests that were asked for and are not there."""
    names_changed: bool = False
    """A repository is new, or has another name now."""
    terminal_reason: str | None = None
    """GitHub no longer shows a repository that we hold: recorded as ``gone``, ``private`` or ``blocked``."""

    @property
    def name(self) -> str:
        return self.repository.name_with_owner if self.repository else self.asked

    @property
    def remarks(self) -> list[str]:
        """What is to be known although nothing is wrong, a sentence each."""
        return [
            f"{self.name}: of its {kind.replace('_', ' ')} GitHub counts {number} that it lists nowhere, "
            "as those of accounts that it hides."
            for kind, number in self.unlisted.items()
            if number
        ]

    @property
    def was_terminal(self) -> bool:
        """Whether GitHub did not show it before, either."""
        return self.repository is not None and self.repository.is_terminal


@contextmanager
def stops_told(outcome: Outcome) -> Iterator[None]:
    """What stops the work inside is in the outcome, in words.

    Raises :class:`CannotContinue` (credential, query): nothing else would fare better.
    """
    try:
        yield
    except (BudgetWait, MustWait) as wait:
        outcome.is_complete, outcome.deferred_until, outcome.error = False, wait.until, str(wait)
    except CannotContinue:
        raise
    except NotVisible as error:
        outcome.is_complete, outcome.is_hopeless, outcome.error = False, True, str(error)
    except (GitHubError, InvalidName) as error:
        outcome.is_complete, outcome.error = False, str(error)


def explain(outcome: Outcome, problems: Sequence[str]) -> None:
    """What was not stored, and why: what was read is what was written plus this."""
    if problems:
        outcome.is_complete = False
        outcome.error = "; ".join([*([outcome.error] if outcome.error else []), *problems])
