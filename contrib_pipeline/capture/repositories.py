"""Repositories: found on GitHub by name, recorded by id, tracked, classified, ended.

A repository's pull requests and discussions are ``walks``' business.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contrib_pipeline.capture.pages import IDS_PER_FIELD, by_ids
from contrib_pipeline.github import rows
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import Forbidden, GitHubError, NotFound, NotVisible, TryAgain
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
    is_terminal: bool
    """GitHub does not show it any more."""


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


def former(connection: Connection, name: str) -> Repository | None:
    """The one in our records that was the last of that name and is gone; None if there is none."""
    row = connection.execute(_SQL["former_repository_by_name"], {"name": name}).fetchone()
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
    try:
        answer = client.execute("Repository", owner=owner, name=short)
    except NotFound:
        raise _not_found(name) from None
    node = answer.data["repository"]
    if node is None:
        raise _not_found(name)
    return _recorded(client, connection, rows.repository(node, answer.read_at))


def _not_found(name: str) -> NotFound:
    return NotFound(
        f"GitHub shows this credential no repository {name}: correct the name, or let the credential see it."
    )


@dataclass(frozen=True)
class Refreshed:
    """A repository of ours, and what GitHub says of it now."""

    before: Repository
    after: Repository | None = None
    """None: GitHub did not show it, and ``error`` says how so."""
    written: Written = field(default_factory=Written)
    error: GitHubError | None = None


def refresh(client: GitHubClient, connection: Connection, repository: Repository) -> tuple[Repository, Written]:
    """The same repository by its id, with the metadata that GitHub has now: found after a rename, too.

    Raises the subclasses of :class:`~contrib_pipeline.github.errors.NotVisible`, and others for a fault of the moment.
    """
    (found,) = refresh_all(client, connection, [repository])
    if found.error:
        raise found.error
    assert found.after is not None
    return found.after, found.written


def refresh_all(client: GitHubClient, connection: Connection, repositories: Sequence[Repository]) -> list[Refreshed]:
    """Each repository with what GitHub has now, a hundred a request."""
    refreshed = []
    for start in range(0, len(repositories), IDS_PER_FIELD):
        asked = repositories[start : start + IDS_PER_FIELD]
        found = by_ids(client, "Repositories", [repository.node_id for repository in asked], IDS_PER_FIELD)
        for repository in asked:
            if node := found.nodes.get(repository.node_id):
                assert found.read_at is not None
                new, written = _recorded(client, connection, rows.repository(node, found.read_at))
                refreshed.append(Refreshed(repository, new, written))
            elif reason := found.unread.get(repository.node_id):
                error = Forbidden(reason) if repository.node_id in found.hidden else TryAgain(reason)
                refreshed.append(Refreshed(repository, error=error))
            else:
                message = (
                    f"GitHub no longer has {repository.name_with_owner}, or no longer shows it to this credential."
                )
                refreshed.append(Refreshed(repository, error=NotFound(message)))
    return refreshed


def _recorded(client: GitHubClient, connection: Connection, row: dict[str, Any]) -> tuple[Repository, Written]:
    """Write one repository's metadata; whoever had its name until now is looked for by id."""
    repository, written, released = _record(connection, row)
    for other in released:
        # Not there, it stays marked as gone.
        with suppress(NotVisible):
            refresh(client, connection, other)
    return repository, written


def _record(connection: Connection, row: dict[str, Any]) -> tuple[Repository, Written, list[Repository]]:
    """Write the row, track it if it is new, take its name from others: itself, what was written, those others."""

    def work() -> tuple[Repository, Written, list[Repository]]:
        values = {"id": row["id"], "name": row["name_with_owner"]}
        connection.execute(_SQL["take_name"], values)
        before = connection.execute(_SQL["repository_by_id"], values).fetchone()
        released = from_rows(connection.execute(_SQL["release_name"], values))
        written = write(connection, tables.REPOSITORIES, [row])
        connection.execute(_SQL["classify"], {"ids": [row["id"]]})
        if before is None:
            set_tracked(connection, row["id"], is_tracked=True)
        after = connection.execute(_SQL["repository_by_id"], {"id": row["id"]}).fetchone()
        assert after is not None
        return _repository(after), written, released

    return in_transaction(connection, work)


def set_tracked(connection: Connection, repository_id: int, *, is_tracked: bool) -> None:
    """Capture it from now on, or no longer; its data stays."""
    connection.execute(_SQL["track"], {"id": repository_id, "is_tracked": is_tracked})


def tracked(connection: Connection) -> list[Repository]:
    """All tracked repositories, by name; those too that GitHub no longer shows."""
    return from_rows(connection.execute(_SQL["tracked"]))


def visible(connection: Connection) -> list[Repository]:
    """The tracked repositories that GitHub shows, by name."""
    return [repository for repository in tracked(connection) if not repository.is_terminal]


def recently_active(connection: Connection, within: timedelta) -> list[Repository]:
    """The tracked repositories in which something stored was updated ``within`` that time."""
    return from_rows(connection.execute(_SQL["recently_active"], {"within": within}))


def names(connection: Connection) -> set[str]:
    """``owner/name`` of every repository that we hold data of."""
    return {row["name_with_owner"] for row in connection.execute(_SQL["names"])}


def members(connection: Connection) -> list[Repository]:
    """The tracked members of active workspaces, by name."""
    return from_rows(connection.execute(_SQL["members"]))


def set_priorities(connection: Connection) -> int:
    """Set every repository's priority by today's membership and activity; how many changed.

    high: member of an active workspace (members are tracked); low: no member and quiet for 90 days; else medium.
    """
    return in_transaction(connection, lambda: connection.execute(_SQL["set_priorities"]).rowcount)


def mark_terminal(connection: Connection, repository_id: int, reason: str) -> None:
    """GitHub no longer shows it: ``gone``, ``private`` or ``blocked``. A later answer brings it back."""
    connection.execute(_SQL["mark_terminal"], {"id": repository_id, "reason": reason})


def stored_totals(connection: Connection, repository_id: int) -> dict[str, int | None]:
    """Living ``pull_requests`` and ``discussions``, with those that GitHub counts and lists nowhere.

    None for what was never walked to its end.
    """
    row = connection.execute(_SQL["stored_totals"], {"repository_id": repository_id}).fetchone()
    assert row is not None
    return row


def from_rows(found: Iterable[dict[str, Any]]) -> list[Repository]:
    """Repositories from rows of ``github.repositories``."""
    return [_repository(row) for row in found]


def _repository(row: dict[str, Any]) -> Repository:
    return Repository(
        id=row["id"],
        node_id=row["node_id"],
        name_with_owner=row["name_with_owner"],
        has_discussions=row["has_discussions"],
        history_complete=row["history_complete"],
        is_terminal=row["terminal_reason"] is not None,
    )
