"""The probe: which of many repositories moved since they were last captured, a hundred for two points.

Those that did not move are verified by that alone, and cost nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contrib_pipeline.capture.pages import IDS_PER_FIELD
from contrib_pipeline.capture.repositories import Repository, from_rows, stored_totals
from contrib_pipeline.capture.state import read_state, save_watermark
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import Partial
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("capture")
_CONNECTIONS = {"pull_requests": "pullRequests", "discussions": "discussions"}


@dataclass
class Probed:
    """What the probe found."""

    moved: list[Repository] = field(default_factory=list)
    """To be captured: something is newer than what is stored, it vanished, or it is visible again."""
    quiet: int = 0
    """Verified: nothing in them is newer."""
    unequal: list[Repository] = field(default_factory=list)
    """Of the quiet ones, those that are whole by our records while GitHub counts other pull requests or discussions."""

    def __add__(self, other: "Probed") -> "Probed":
        return Probed(self.moved + other.moved, self.quiet + other.quiet, self.unequal + other.unequal)


@dataclass(frozen=True)
class Every:
    """How often repositories are probed, by their priority."""

    high: timedelta = timedelta(minutes=5)
    medium: timedelta = timedelta(hours=1)
    low: timedelta = timedelta(days=1)


def due(connection: Connection, every: Every) -> list[Repository]:
    """The tracked repositories that are to be probed now."""
    values = {"high": every.high, "medium": every.medium, "low": every.low}
    return from_rows(connection.execute(_SQL["to_probe"], values))


def probe(client: GitHubClient, connection: Connection, repositories: Sequence[Repository]) -> Probed:
    """Ask GitHub which of ``repositories`` moved, and note the others as verified."""
    found = Probed()
    for start in range(0, len(repositories), IDS_PER_FIELD):
        asked = repositories[start : start + IDS_PER_FIELD]
        data, read_at = _asked(client, asked)
        for repository, node in zip(asked, data["nodes"], strict=True):
            _note(found, connection, repository, node, read_at)
    return found


def _asked(client: GitHubClient, repositories: Sequence[Repository]) -> tuple[dict[str, Any], datetime]:
    """The answer, with null for what GitHub refuses to show."""
    try:
        answer = client.execute("Probe", ids=[repository.node_id for repository in repositories])
    except Partial as part:
        return part.data, part.read_at
    return answer.data, answer.read_at


def _note(
    found: Probed, connection: Connection, repository: Repository, node: dict[str, Any] | None, read_at: datetime
) -> None:
    """Sort one repository in, and remember that it was asked about."""
    newest = _newest(node) if node else {}
    active_at = max((at for at in newest.values() if at), default=None)
    connection.execute(_SQL["note_probe"], {"id": repository.id, "read_at": read_at, "active_at": active_at})
    if (node is None) != repository.is_terminal or (node and node["nameWithOwner"] != repository.name_with_owner):
        found.moved.append(repository)
    elif node is None:
        found.quiet += 1
    elif _verified(connection, repository, newest, read_at):
        found.quiet += 1
        if not _is_equal(connection, repository, node):
            found.unequal.append(repository)
    else:
        found.moved.append(repository)


def _newest(node: dict[str, Any]) -> dict[str, datetime | None]:
    """The newest update of each connection that GitHub names; None where there is nothing, or nothing is shown."""
    nodes = {kind: (node[name] or {}).get("nodes") for kind, name in _CONNECTIONS.items()}
    return {kind: datetime.fromisoformat(found[0]["updatedAt"]) if found else None for kind, found in nodes.items()}


def _verified(
    connection: Connection, repository: Repository, newest: dict[str, datetime | None], read_at: datetime
) -> bool:
    """Whether nothing in the repository is newer than what is stored; notes it then."""
    kinds = ["pull_requests", *(["discussions"] if repository.has_discussions else [])]
    states = {kind: read_state(connection, repository.id, kind) for kind in kinds}
    if any(state.verified_at is None or state.is_behind(newest[kind]) for kind, state in states.items()):
        return False
    for kind in kinds:
        save_watermark(connection, repository.id, kind, watermark=None, verified_at=read_at)
    return True


def _is_equal(connection: Connection, repository: Repository, node: dict[str, Any]) -> bool:
    """Whether GitHub counts what is stored; true for what is not stored whole yet."""
    row = stored_totals(connection, repository.id)
    return all(
        row[kind] is None or node[name] is None or row[kind] == node[name]["totalCount"]
        for kind, name in _CONNECTIONS.items()
    )
