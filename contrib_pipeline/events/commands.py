"""What an event asks for, as values: the form in which a run gets its work.

How the many spellings of a payload become one of these is ``payloads``' business. A repository is ``owner/name``
here, in our spelling where we hold it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

EVERYTHING = "*"
HISTORY = "capture/repository.sync-enhanced"
"""The function that walks over a repository's whole history: beside its other events, and only one at a time."""
MOVED, RECONCILE, SWEEP = "moved", "reconcile", "sweep"
"""Our own reasons of syncs: GitHub has something newer; what was updated lately is read again; its totals differ."""


@dataclass(frozen=True)
class OfRepository:
    """A command about one repository."""

    repository: str

    @property
    def key(self) -> str:
        return self.repository.lower()


@dataclass(frozen=True)
class OfWorkspace:
    """A command about one workspace, by id or slug."""

    workspace: str

    @property
    def key(self) -> str:
        return self.workspace.lower()


@dataclass(frozen=True)
class OfEverything:
    """A command about all that is tracked."""

    @property
    def key(self) -> str:
        return EVERYTHING


@dataclass(frozen=True)
class PullRequestDetails(OfRepository):
    """These pull requests, whole."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Sync(OfRepository):
    """What changed since the watermark, discussions included."""

    reason: str | None = None
    """As sent; ``manual`` is never skipped as fresh."""


@dataclass(frozen=True)
class SyncHistory(OfRepository):
    """The full history, resumable."""

    reason: str | None = None


@dataclass(frozen=True)
class Discover(OfRepository):
    """Track a repository, and capture it if it is new."""


@dataclass(frozen=True)
class Classify(OfRepository):
    """Read one repository's metadata and size again; finds renames, and that it is gone or private."""


@dataclass(frozen=True)
class ClassifyAll(OfEverything):
    """The sizes of all tracked repositories."""


@dataclass(frozen=True)
class SyncDiscussions(OfRepository):
    """The discussions of one repository. ``numbers``: those known to have changed or vanished, if any."""

    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class SyncAllDiscussions(OfEverything):
    """The discussions of all tracked repositories."""


@dataclass(frozen=True)
class AggregateWorkspace(OfWorkspace):
    """One workspace's metrics: of ``day``, else of today and every day that is not final."""

    day: date | None = None


@dataclass(frozen=True)
class AggregateAll(OfEverything):
    """Every workspace's metrics of the day that ended, after probing all members."""


@dataclass(frozen=True)
class ChangeMembership(OfWorkspace):
    """Add a repository to a workspace or remove it, and recompute that workspace's days."""

    action: Literal["added", "removed"]
    repository: str


@dataclass(frozen=True)
class CleanUp(OfEverything):
    """Delete daily metrics past the retention."""


@dataclass(frozen=True)
class Prioritise(OfEverything):
    """Set how often each repository is polled."""


@dataclass(frozen=True)
class Cancel:
    """Cancel the events and runs that match all that is given; nothing given: all of them."""

    event_id: str | None = None
    """The inbox's id or the sender's."""
    run_id: str | None = None
    repository: str | None = None

    @property
    def key(self) -> None:
        """None: a cancellation waits for nothing."""
        return None


Command = (
    PullRequestDetails
    | Sync
    | SyncHistory
    | Discover
    | Classify
    | ClassifyAll
    | SyncDiscussions
    | SyncAllDiscussions
    | AggregateWorkspace
    | AggregateAll
    | ChangeMembership
    | CleanUp
    | Prioritise
    | Cancel
)
