"""Workspaces: named groups of repositories.

Repositories are given by GitHub's id; finding or capturing them is other files' business. A change of members makes
the workspace's days not final in the same transaction, so that they are computed again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import errors

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.errors import WarehouseError
from contrib_pipeline.warehouse.statements import load

_SQL = load("workspaces")


class WorkspaceNotFound(WarehouseError):
    """No workspace has this slug, name or id; the message names those that are known."""


class WorkspaceAmbiguous(WarehouseError):
    """Several workspaces have this name; the message gives their slugs."""


class WorkspaceExists(WarehouseError):
    """Another workspace has this slug or id already."""


class WorkspaceInactive(WarehouseError):
    """No metrics are computed for the workspace; the message says how they are."""


@dataclass(frozen=True)
class Workspace:
    """A row of ``workspaces.workspaces``."""

    id: UUID
    slug: str
    name: str
    is_active: bool
    created_at: datetime


def slug_of(name: str) -> str:
    """``name`` in lower case with hyphens between its words; :class:`WarehouseError` if it has no letter or digit."""
    slug = re.sub(r"[\W_]+", "-", name.lower()).strip("-")
    if not slug:
        raise WarehouseError(f"A workspace's name needs a letter or a digit; {name!r} has none.")
    return slug


def create(connection: Connection, name: str, *, workspace_id: UUID | None = None) -> Workspace:
    """A new, active workspace without repositories. Raises :class:`WorkspaceExists`."""
    slug = slug_of(name)
    row = connection.execute(_SQL["create"], {"id": workspace_id, "slug": slug, "name": name.strip()}).fetchone()
    if row is None:
        raise WorkspaceExists(
            f"There is a workspace {slug!r} already{f', or one with the id {workspace_id}' if workspace_id else ''}."
        )
    return Workspace(**row)


def rename(connection: Connection, workspace_id: UUID, name: str) -> Workspace:
    """The workspace under its new name and slug; its id and numbers stay."""
    slug = slug_of(name)
    values = {"workspace_id": workspace_id, "slug": slug, "name": name.strip()}
    try:
        row = connection.execute(_SQL["rename"], values).fetchone()
    except errors.UniqueViolation:
        row = None
    if row is None:
        find(connection, str(workspace_id))
        raise WorkspaceExists(f"There is a workspace {slug!r} already: choose another name.")
    return Workspace(**row)


def set_active(connection: Connection, workspace_id: UUID, is_active: bool) -> Workspace:
    """The workspace, with or without metrics from now on."""
    row = connection.execute(_SQL["set_active"], {"workspace_id": workspace_id, "is_active": is_active}).fetchone()
    return Workspace(**row) if row else find(connection, str(workspace_id))


def find(connection: Connection, key: str) -> Workspace:
    """The workspace with this id, else slug, else name (case does not matter).

    Raises :class:`WorkspaceNotFound` and :class:`WorkspaceAmbiguous`.
    """
    known = [Workspace(**row) for row in connection.execute(_SQL["all"])]
    wanted = key.strip().lower()
    for matches in (
        [workspace for workspace in known if wanted in (str(workspace.id), workspace.id.hex)],
        [workspace for workspace in known if workspace.slug.lower() == wanted],
        [workspace for workspace in known if workspace.name.lower() == wanted],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            slugs = ", ".join(workspace.slug for workspace in matches)
            raise WorkspaceAmbiguous(f"{len(matches)} workspaces are named {key!r}: say which by its slug ({slugs}).")
    raise WorkspaceNotFound(f"No workspace {key!r}; {_known(known)}")


def find_active(connection: Connection, key: str) -> Workspace:
    """As :func:`find`; raises :class:`WorkspaceInactive` for one without metrics, too."""
    found = find(connection, key)
    if not found.is_active:
        raise WorkspaceInactive(
            f"Workspace {found.slug} is inactive, no metrics are computed for it: "
            f"contrib-pipeline workspace activate {found.slug}"
        )
    return found


def _known(workspaces: Sequence[Workspace]) -> str:
    if not workspaces:
        return "there is none yet: create one first."
    shown = ", ".join(workspace.slug for workspace in workspaces[:_SHOWN])
    more = len(workspaces) - _SHOWN
    return f"known: {shown}{f' and {more} more' if more > 0 else ''}."


_SHOWN = 20


def list_workspaces(connection: Connection) -> list[dict[str, Any]]:
    """All workspaces by slug: id, slug, name, is_active, created_at and how many ``repositories`` they have."""
    return connection.execute(_SQL["overview"]).fetchall()


def members(connection: Connection, workspace_id: UUID) -> list[dict[str, Any]]:
    """Its repositories, pinned ones first: repository_id, name_with_owner, added_at, is_pinned and how they stand."""
    return connection.execute(_SQL["members"], {"workspace_id": workspace_id}).fetchall()


def all_members(connection: Connection) -> dict[UUID, list[int]]:
    """The repositories of every workspace that has some, by id and in order."""
    return {row["workspace_id"]: row["repository_ids"] for row in connection.execute(_SQL["all_members"])}


def members_named(connection: Connection, workspace_id: UUID, name: str) -> dict[int, str]:
    """Its repositories named ``name`` (owner/name, case does not matter), in our spelling, by id.

    Those that GitHub no longer shows are among them.
    """
    rows = connection.execute(_SQL["members_named"], {"workspace_id": workspace_id, "name": name.lower()})
    return {row["repository_id"]: row["name_with_owner"] for row in rows}


def add_repositories(connection: Connection, workspace_id: UUID, repository_ids: Sequence[int]) -> list[int]:
    """Those of ``repository_ids`` that were not members yet. Raises :class:`WorkspaceNotFound`."""
    values = {"workspace_id": workspace_id, "repository_ids": list(repository_ids)}
    try:
        with connection.transaction():
            added = _change_members(connection, "add", workspace_id, repository_ids)
            connection.execute(_SQL["poll_often"], values)
    except errors.ForeignKeyViolation:
        find(connection, str(workspace_id))
        raise
    return added


def remove_repositories(connection: Connection, workspace_id: UUID, repository_ids: Sequence[int]) -> list[int]:
    """Those of ``repository_ids`` that were members."""
    return _change_members(connection, "remove", workspace_id, repository_ids)


def _change_members(
    connection: Connection, statement: str, workspace_id: UUID, repository_ids: Sequence[int]
) -> list[int]:
    values = {"workspace_id": workspace_id, "repository_ids": list(repository_ids)}
    with connection.transaction():
        connection.execute(_SQL["lock_days"])
        changed = [row["repository_id"] for row in connection.execute(_SQL[statement], values)]
        if changed:
            connection.execute(_SQL["reopen_days"], values)
    return changed
