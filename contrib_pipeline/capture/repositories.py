"""Repositories: found on GitHub by name, recorded by id, tracked, classified, ended.

A repository's pull requests and discussions are ``walks``' business.
"""

from dataclasses import dataclass
from typing import Any

from contrib_pipeline.github import rows
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import NotFound
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.errors import OtherHost
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import Written, in_transaction, write

_SQL = load("capture")


FRESH_SECONDS = 60
"""A repository verified more recently is not asked about again, unless somebody insists."""


class InvalidName(ValueError):
    """What should name a repository does not."""


@dataclass(frozen=True)
class Repository:
    """A repository that we know, by GitHub's ids."""

    id: int
    node_id: str
    name_with_owner: str
    has_discussions: bool
    history_complete: bool


def parse_name(text: str) -> tuple[str, str]:
    """``owner/name`` apart; a GitHub address is understood too. Raises :class:`InvalidName`."""
    trimmed = text.strip().removesuffix("/").removesuffix(".git")
    parts = trimmed.split("://")[-1].split("/")
    if "://" in trimmed:
        parts = parts[1:]
    if len(parts) != 2 or not all(parts) or any(c.isspace() or not c.isprintable() for c in trimmed):  # noqa: PLR2004
        raise InvalidName(f"Expected a repository as OWNER/NAME, got {text!r}.")
    return parts[0], parts[1]


def claim_host(connection: Connection, host: str) -> None:
    """Record that this database holds data of ``host``. Raises :class:`OtherHost` if it holds another's."""
    connection.execute(_SQL["claim_host"], {"host": host})
    row = connection.execute(_SQL["host"]).fetchone()
    assert row is not None
    if row["host"] != host:
        raise OtherHost(
            f"This database holds data of {row['host']}, and GITHUB_API_URL points at {host}: "
            "use another DATABASE_URL or CONTRIB_HOME for it."
        )


def known(connection: Connection, name: str) -> Repository | None:
    """The living repository of that name in our records, in any case; None if there is none."""
    row = connection.execute(_SQL["repository_by_name"], {"name": name}).fetchone()
    return _repository(row) if row else None


def seconds_since_verified(connection: Connection, name: str) -> float | None:
    """How long ago GitHub was last asked what is new in it; None where it never was."""
    row = connection.execute(_SQL["seconds_since_verified"], {"name": name}).fetchone()
    return None if row is None else row["seconds"]


def find(client: GitHubClient, connection: Connection, name: str) -> tuple[Repository, Written]:
    """The repository of that name as GitHub has it now, recorded and classified, and what that wrote.

    A new one is tracked from here on.

    Raises :class:`~contrib_pipeline.github.errors.NotFound` (nothing is recorded then) and :class:`InvalidName`.
    """
    owner, short = parse_name(name)
    answer = client.execute("Repository", owner=owner, name=short)
    node = answer.data["repository"]
    if node is None:
        raise NotFound(f"GitHub has no repository {name} that this credential may see.")
    return record(connection, rows.repository(node, answer.read_at))


def refresh(client: GitHubClient, connection: Connection, repository: Repository) -> tuple[Repository, Written]:
    """The same repository by its id, with the metadata that GitHub has now: found after a rename, too.

    Raises :class:`~contrib_pipeline.github.errors.NotFound`.
    """
    answer = client.execute("Repositories", ids=[repository.node_id])
    (node,) = answer.data["nodes"]
    if not node:
        raise NotFound(f"GitHub no longer has {repository.name_with_owner}, or no longer shows it to this credential.")
    return record(connection, rows.repository(node, answer.read_at))


def record(connection: Connection, row: dict[str, Any]) -> tuple[Repository, Written]:
    """Write one repository's metadata. A new one is tracked from here on."""

    def work() -> tuple[Repository, Written]:
        before = connection.execute(_SQL["repository_by_id"], {"id": row["id"]}).fetchone()
        connection.execute(_SQL["release_name"], {"id": row["id"], "name": row["name_with_owner"]})
        written = write(connection, tables.REPOSITORIES, [row])
        connection.execute(_SQL["classify"], {"ids": [row["id"]]})
        if before is None:
            set_tracked(connection, row["id"], is_tracked=True)
        after = connection.execute(_SQL["repository_by_id"], {"id": row["id"]}).fetchone()
        assert after is not None
        return _repository(after), written

    return in_transaction(connection, work)


def set_tracked(connection: Connection, repository_id: int, *, is_tracked: bool) -> None:
    """Capture it from now on, or no longer; its data stays."""
    connection.execute(_SQL["track"], {"id": repository_id, "is_tracked": is_tracked})


def tracked(connection: Connection) -> list[Repository]:
    """All tracked repositories, by name."""
    return [_repository(row) for row in connection.execute(_SQL["tracked"])]


def members(connection: Connection) -> list[Repository]:
    """The tracked members of active workspaces, by name."""
    return [_repository(row) for row in connection.execute(_SQL["members"])]


def set_priorities(connection: Connection) -> int:
    """Set every repository's priority by today's membership and activity; how many changed.

    high: member of an active workspace (members are tracked); low: no member and quiet for 90 days; else medium.
    """
    return connection.execute(_SQL["set_priorities"]).rowcount


def mark_terminal(connection: Connection, repository_id: int, reason: str) -> None:
    """GitHub no longer shows it: ``gone``, ``private`` or ``blocked``. A later answer brings it back."""
    connection.execute(_SQL["mark_terminal"], {"id": repository_id, "reason": reason})


def _repository(row: dict[str, Any]) -> Repository:
    return Repository(
        id=row["id"],
        node_id=row["node_id"],
        name_with_owner=row["name_with_owner"],
        has_discussions=row["has_discussions"],
        history_complete=row["history_complete"],
    )
