"""Every event: its names, its payload, what it asks for. And the one place that understands an event.

Entry by entry the contract of the HTTP side; what the commands do is the runs' business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from contrib_pipeline.events import payloads
from contrib_pipeline.events.commands import Command
from contrib_pipeline.events.errors import BadPayload, shown
from contrib_pipeline.events.payloads import Payload
from contrib_pipeline.events.references import Find, by_name

_SEED: dict[str, Any] = {"owner": "continuedev", "name": "continue", "github_id": "123456"}
_WORKSPACE = "6f1c0a52-7a3e-4c0e-9a43-0d8b5f6f2f10"
WEBHOOK = "github/"
"""Names of webhooks' rows begin so; which of them ask for something is ``webhooks``' table."""


@dataclass(frozen=True)
class Entry:
    """One event of the catalogue."""

    function: str
    """Its own name, and the name of what is done."""
    aliases: tuple[str, ...]
    payload: type[Payload]
    meaning: str
    priority: int
    """Higher goes first; 0 is background work."""
    example: Mapping[str, Any] = field(default_factory=dict)


CATALOGUE = (
    Entry(
        "capture/pr.details",
        ("capture/pr.details.graphql", "capture/pr.reviews", "capture/pr.comments"),
        payloads.PullRequests,
        "Captures single pull requests with all reviews, comments and review comments.",
        50,
        {"repository": _SEED, "pr_number": 42},
    ),
    Entry(
        "capture/repository.sync",
        ("capture/repository.sync.graphql", "capture/repository.sync-graphql"),
        payloads.RepositorySync,
        "Captures what changed since the last time, discussions included; of a new repository the 100 newest.",
        40,
        {"repository": _SEED},
    ),
    Entry(
        "capture/repository.sync-enhanced",
        ("capture/repository.sync.enhanced",),
        payloads.RepositorySyncEnhanced,
        "Captures the full history of a repository, resumable.",
        -10,
        {"repository": _SEED},
    ),
    Entry(
        "classify/repository.size",
        (),
        payloads.AllSizes,
        "Classifies all tracked repositories by size.",
        0,
    ),
    Entry(
        "classify/single-repository",
        ("classify/repository.single",),
        payloads.OneSize,
        "Reads one repository's metadata and size again.",
        20,
        {"repository": _SEED},
    ),
    Entry(
        "discover/new-repository",
        ("discover/repository.new",),
        payloads.NewRepository,
        "Tracks a repository and captures it, the 100 newest first.",
        40,
        {"repository": _SEED},
    ),
    Entry(
        "aggregate/workspace-metrics",
        ("workspace.metrics.aggregate",),
        payloads.WorkspaceMetrics,
        "Computes one workspace's metrics: of a day, else of today and every day that is not final.",
        30,
        {"workspace_id": _WORKSPACE, "day": "2026-01-31"},
    ),
    Entry(
        "scheduled/workspace-aggregation",
        (),
        payloads.AllWorkspaces,
        "Probes all members, captures what moved, then computes the day that ended for every workspace.",
        20,
    ),
    Entry(
        "workspace/repository-change",
        ("workspace.repository.changed",),
        payloads.WorkspaceChange,
        "Adds a repository to a workspace or removes it, and recomputes that workspace's days.",
        40,
        {"workspace_id": _WORKSPACE, "action": "added", "repository": _SEED},
    ),
    Entry(
        "cleanup/workspace-metrics",
        (),
        payloads.Retention,
        "Deletes daily metrics past the retention.",
        0,
    ),
    Entry(
        "sync/workspace-priorities",
        ("workspace/priorities.sync",),
        payloads.Priorities,
        "Sets how often each repository is polled.",
        10,
    ),
    Entry(
        "sync/discussions",
        ("sync/discussions-cron", "capture/repository.discussions"),
        payloads.Discussions,
        "Captures discussions with comments and replies: of one repository, else of all.",
        10,
        {"repository": _SEED},
    ),
    Entry(
        "cancel/function",
        (),
        payloads.Cancellation,
        "Cancels what matches: pending events, queued and running runs.",
        100,
        {"reason": "user_requested", "repository": _SEED},
    ),
)

BY_NAME = {name: entry for entry in CATALOGUE for name in (entry.function, *entry.aliases)}

FOREIGN = {
    "capture/issue.comments": "comments on plain issues are not captured",
    "capture/repository.issues": "issues are not captured",
    "capture/repository.events": "stars and forks are read with the repository's metadata",
    "capture/repository.comments.all": "comments come with their pull requests: send capture/repository.sync",
    "capture/repository.classify.batch": "send classify/repository.size",
    "capture/repository.discover": "send discover/new-repository",
    "capture/pr.activity.update": "activity is computed from the facts, day by day",
    "update/pr.activity": "activity is computed from the facts, day by day",
    "workspace.metrics.aggregate.scheduled": "send scheduled/workspace-aggregation",
}
"""Events of the application that this pipeline has no work for, with the reason."""

_OFFSETS = {"critical": 5, "high": 3, "low": -3}


@dataclass(frozen=True)
class Understood:
    """Something to do."""

    function: str
    command: Command
    priority: int

    @property
    def key(self) -> str | None:
        """What it is about: owner/name in lower case, the workspace, ``*`` for all of them, None for nothing."""
        return self.command.key


@dataclass(frozen=True)
class Ignored:
    """Known, and nothing to do."""

    reason: str
    function: str | None = None
    """Where there would be something to do at another time."""


@dataclass(frozen=True)
class NotUnderstood:
    """To be corrected by a person."""

    reason: str
    function: str | None = None
    """Where the name is one of the catalogue's and the payload is what is wrong."""


Outcome = Understood | Ignored | NotUnderstood


def understand(name: str, data: Mapping[str, Any], find: Find = by_name) -> Outcome:
    """What an event asks for. Never raises for what ``data`` holds; ``find`` looks repositories up."""
    if reason := FOREIGN.get(name):
        return Ignored(f"{name} is outside this pipeline: {reason}.")
    if name.startswith(WEBHOOK):
        return Ignored(f"{name} asks for nothing.")
    if (entry := BY_NAME.get(name)) is None:
        return NotUnderstood(f"name {shown(name)} is no known event: correct it in the sender, then send it again.")
    try:
        command = entry.payload.model_validate(data).command(find)
    except ValidationError as error:
        return NotUnderstood(f"{_in_words(error)}; {_REPLAY}", entry.function)
    except BadPayload as error:
        return NotUnderstood(f"{error}; {_REPLAY}", entry.function)
    return Understood(entry.function, command, entry.priority + _OFFSETS.get(str(data.get("priority")), 0))


_REPLAY = "then replay it (contrib-pipeline events replay ID, with --data JSON to correct it)."


def _in_words(error: ValidationError) -> str:
    return "; ".join(_one_in_words(part) for part in error.errors(include_url=False)[:3])


def _one_in_words(part: Any) -> str:
    place = ".".join(str(step) for step in part["loc"])
    if part["type"] == "missing":
        return f"{place} is missing: send it"
    message = part["msg"].removeprefix("Value error, ")
    if not place:
        return str(message)
    return f"{place}: {message[:1].lower()}{message[1:]}, not {shown(part['input'])}"
