"""Which repository a payload means, in all the spellings that applications use.

Pure; ``repositories`` looks the references up.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contrib_pipeline.events.errors import BadPayload, shown

# Owners of managed accounts have an underscore; GitHub's own limits on length are shorter.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_FULL_NAMES = ("full_name", "fullName", "nameWithOwner", "name_with_owner")
_LARGEST_ID = 2**63 - 1
_DIGITS = re.compile(r"[0-9]{1,19}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class RepositoryReference:
    """A repository as a payload names it; at least one of the three is given."""

    name: str | None = None
    """owner/name as sent."""
    github_id: int | None = None
    """GitHub's number, which may be a placeholder where a name is given too."""
    uuid: UUID | None = None
    """The application's own id."""

    def __str__(self) -> str:
        return self.name or f"repositoryId {self.uuid or self.github_id}"


Find = Callable[[RepositoryReference], str | None]
"""Gives owner/name for a reference, or None where it is not known."""


def by_name(reference: RepositoryReference) -> str | None:
    """The simplest :data:`Find`: the name as sent."""
    return reference.name


def repository_reference(data: Mapping[str, Any]) -> RepositoryReference | None:
    """The repository that ``data`` names; None where nothing in it looks like one.

    Raises :class:`BadPayload` where something does and can't be read.
    """
    repository = data.get("repository")
    inner = repository if isinstance(repository, Mapping) else {}
    github_id, uuid = _ids(_id_values(data, inner))
    name = _name(data, inner, lenient=bool(github_id or uuid))
    if name or github_id or uuid:
        return RepositoryReference(name, github_id, uuid)
    if given := data.get("repositoryId") or data.get("repository_id"):
        raise BadPayload(f"repositoryId must be GitHub's number or a uuid, not {shown(given)}")
    if repository is not None:
        raise BadPayload(f'repository must be {{"owner": …, "name": …}} or "owner/name", not {shown(repository)}')
    return None


def _id_values(data: Mapping[str, Any], inner: Mapping[str, Any]) -> list[Any]:
    nested = [inner.get(field) for field in ("github_id", "githubId", "id")]
    return [
        *nested,
        *(data.get(field) for field in ("repositoryId", "repository_id", "github_id", "githubId")),
    ]


def _ids(values: Iterable[Any]) -> tuple[int | None, UUID | None]:
    """GitHub's number and the application's uuid among ``values``, the first of each."""
    github_id, uuid = None, None
    for value in values:
        text = value.strip() if isinstance(value, str) else ""
        number = int(text) if _DIGITS.fullmatch(text) else value
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= _LARGEST_ID:
            github_id = github_id or number
        elif _UUID.fullmatch(text):
            uuid = uuid or UUID(text)
    return github_id, uuid


def _name(data: Mapping[str, Any], inner: Mapping[str, Any], *, lenient: bool) -> str | None:
    owner = _login(inner.get("owner") or data.get("owner"))
    nested = [inner.get(field) for field in (*_FULL_NAMES, "name")]
    outer = [data.get(field) for field in ("repository", "repo", "repositoryName", "repository_name", "full_name")]
    names = [text for value in (*nested, *outer) if (text := _text(value))]
    if owner and not names and (text := _text(data.get("name"))):
        names = [text]
    if full := next((text for text in names if "/" in text), None):
        return _checked(full)
    if owner and names:
        return _checked(f"{owner}/{names[0]}")
    if (owner or names) and not lenient:
        missing = "name" if owner else "owner"
        raise BadPayload(f'repository.{missing} is missing: send {{"repository": {{"owner": …, "name": …}}}}')
    return None


def _login(owner: Any) -> str | None:
    return _text(owner.get("login") or owner.get("name")) if isinstance(owner, Mapping) else _text(owner)


def _text(value: Any) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadPayload(f'repository must look like "owner/name", not {shown(name)}')
    return name
