"""Which repository an event means: names in our spelling, GitHub's numbers, the application's uuids.

A uuid is learned from any event that carries both it and a name, or told by the command ``alias``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from contrib_pipeline.events.errors import BadPayload
from contrib_pipeline.events.references import RepositoryReference, repository_reference
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("inbox")


@dataclass(frozen=True)
class KnownRepository:
    """What dispatch needs to know of a repository."""

    name: str
    """owner/name in GitHub's spelling."""
    size: str | None
    is_tracked: bool


def references(payloads: Iterable[Mapping[str, Any]]) -> list[RepositoryReference]:
    """All that can be read as a repository in ``payloads``, whatever their events are."""
    return [found for data in payloads if (found := _reference(data))]


def _reference(data: Mapping[str, Any]) -> RepositoryReference | None:
    try:
        return repository_reference(data)
    except BadPayload:
        return None


@dataclass(frozen=True)
class Lookup:
    """A :data:`~contrib_pipeline.events.references.Find` over what we hold."""

    names_by_id: Mapping[int, str]
    """Of living repositories, by GitHub's number."""
    names_by_uuid: Mapping[UUID, str]
    untracked: frozenset[str]
    """Keys of repositories that we hold and were told to stop tracking."""

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {name.lower(): name for name in self.names_by_id.values()}

    def __call__(self, reference: RepositoryReference) -> str | None:
        """The living repository with GitHub's number, else the name, else what the uuid stands for."""
        if held := self.names_by_id.get(reference.github_id or 0):
            return held
        name = reference.name or (self.names_by_uuid.get(reference.uuid) if reference.uuid else None)
        return self._spellings.get(name.lower(), name) if name else None


def look_up(connection: Connection, wanted: Sequence[RepositoryReference]) -> Lookup:
    """Read what we hold about ``wanted``, in three statements at most; learns the uuids that come with a name."""
    aliases = _aliases(connection, wanted)
    names = [name.lower() for name in (*(each.name for each in wanted), *aliases.values()) if name]
    ids = [each.github_id for each in wanted if each.github_id]
    rows = connection.execute(_SQL["repositories"], {"ids": ids, "names": names}).fetchall() if ids or names else []
    return Lookup(
        {row["id"]: row["name_with_owner"] for row in rows},
        aliases,
        frozenset(row["key"] for row in rows if not row["is_tracked"]),
    )


def _aliases(connection: Connection, wanted: Sequence[RepositoryReference]) -> dict[UUID, str]:
    uuids = [each.uuid for each in wanted if each.uuid]
    if not uuids:
        return {}
    known = _read_aliases(connection, uuids)
    said = {each.uuid: each.name for each in wanted if each.uuid and each.name}
    news = {uuid: name for uuid, name in said.items() if known.get(uuid, "").lower() != name.lower()}
    if not news:
        return known
    for uuid in sorted(news):  # sorted: two at once take the rows in the same order
        alias(connection, uuid, news[uuid])
    return _read_aliases(connection, uuids)


def _read_aliases(connection: Connection, uuids: Sequence[UUID]) -> dict[UUID, str]:
    connection.execute(_SQL["follow_aliases"], {"uuids": uuids})
    return {row["id"]: row["full_name"] for row in connection.execute(_SQL["aliases"], {"uuids": uuids})}


def alias(connection: Connection, uuid: UUID, name: str) -> None:
    """Say that the application's ``uuid`` is the repository ``name`` (owner/name)."""
    owner, _, bare = name.partition("/")
    connection.execute(_SQL["learn_alias"], {"uuid": uuid, "owner": owner, "name": bare, "full": name.lower()})


def known(connection: Connection, keys: Iterable[str]) -> dict[str, KnownRepository]:
    """The living repositories among ``keys`` (owner/name in lower case), by key."""
    rows = connection.execute(_SQL["repositories"], {"ids": [], "names": list(keys)})
    return {row["key"]: KnownRepository(row["name_with_owner"], row["size"], row["is_tracked"]) for row in rows}
