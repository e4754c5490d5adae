"""The probe: which of many repositories moved since they were last captured, a hundred for two points.

Those that did not move are verified by that alone, and cost nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contrib_pipeline.capture.pages import IDS_PER_REQUEST
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.state import State, read_state, save_watermark
from contrib_pipeline.capture.walks import OVERLAP
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.warehouse.connection import Connection

_CONNECTIONS = {"pull_requests": "pullRequests", "discussions": "discussions"}


@dataclass(frozen=True)
class Probed:
    """What the probe found."""

    moved: list[Repository]
    """To be captured: something is newer than what is stored, or GitHub does not show them any more."""
    quiet: int
    """Verified: nothing in them is newer."""


def probe(client: GitHubClient, connection: Connection, repositories: Sequence[Repository]) -> Probed:
    """Ask GitHub which of ``repositories`` moved, and note the others as verified."""
    moved: list[Repository] = []
    for start in range(0, len(repositories), IDS_PER_REQUEST):
        asked = repositories[start : start + IDS_PER_REQUEST]
        answer = client.execute("Probe", ids=[repository.node_id for repository in asked])
        for repository, node in zip(asked, answer.data["nodes"], strict=True):
            if node is None or not _verified(connection, repository, node, answer.read_at):
                moved.append(repository)
    return Probed(moved, len(repositories) - len(moved))


def _verified(connection: Connection, repository: Repository, node: dict[str, Any], read_at: datetime) -> bool:
    """Whether nothing in the repository is newer than what is stored; notes it then."""
    kinds = ["pull_requests", *(["discussions"] if repository.has_discussions else [])]
    states = {kind: read_state(connection, repository.id, kind) for kind in kinds}
    if any(_is_newer(node[_CONNECTIONS[kind]]["nodes"], state) for kind, state in states.items()):
        return False
    for kind, state in states.items():
        save_watermark(connection, repository.id, kind, watermark=None, verified_at=read_at, size=state.size())
    return True


def _is_newer(newest: list[dict[str, Any]], state: State) -> bool:
    """Whether the newest update is past the watermark, or so near the last look that it may have been missed."""
    if state.watermark is None or state.verified_at is None:
        return True
    if not newest:
        return False
    updated_at = datetime.fromisoformat(newest[0]["updatedAt"])
    return updated_at > state.watermark or updated_at > state.verified_at - OVERLAP
