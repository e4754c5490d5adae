"""The payload of every event, as models that read all its spellings and give a command.

The names of the events are ``catalogue``'s, the spellings of a repository ``references``'.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from contrib_pipeline.events import commands
from contrib_pipeline.events.commands import Command
from contrib_pipeline.events.errors import BadPayload
from contrib_pipeline.events.references import Find, RepositoryReference, repository_reference

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)")
_ALIAS_REMEDY = "tell which one it is (contrib-pipeline alias UUID OWNER/NAME)"
_NAME_REMEDY = "send owner and name"


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _whole(value: object) -> object:
    """Pydantic would take true for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 - pydantic wants it
    return value


def _day(value: object) -> object:
    """The day of an instant too; pydantic would take a number for seconds since 1970."""
    if isinstance(value, str) and _DAY.match(value.strip()):
        return value.strip()[:10]
    raise ValueError("must look like 2026-01-31")


def _said(value: object) -> str | None:
    return value if isinstance(value, str) else None


Number = Annotated[int, BeforeValidator(_whole), Field(gt=0, le=2**31 - 1)]
Numbers = Annotated[tuple[Number, ...], BeforeValidator(_listed), Field(min_length=1)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Workspace = Annotated[Text, Field(validation_alias=AliasChoices("workspace_id", "workspaceId", "workspace"))]


class Payload(BaseModel):
    """What all payloads have in common: fields that nobody asked for are left alone, null is absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, Mapping) else data

    @abstractmethod
    def command(self, find: Find) -> Command:
        """What is to be done. Raises :class:`BadPayload` for a repository that ``find`` does not know."""


class Everything(Payload):
    """No field is read."""

    makes: ClassVar[type[commands.OfEverything]]

    def command(self, find: Find) -> Command:
        return self.makes()  # type: ignore[return-value]  # one of the commands about everything


class AllSizes(Everything):
    makes = commands.ClassifyAll


class AllWorkspaces(Everything):
    makes = commands.AggregateAll


class Retention(Everything):
    makes = commands.CleanUp


class Priorities(Everything):
    makes = commands.Prioritise


class MaybeRepository(Payload):
    """Events that may name a repository."""

    repository: RepositoryReference | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelling(cls, data: Any) -> Any:
        return {**data, "repository": repository_reference(data)} if isinstance(data, Mapping) else data

    def found(self, find: Find) -> str:
        """owner/name in our spelling."""
        reference = self.repository
        if reference is None:
            raise BadPayload('repository is missing: send {"repository": {"owner": …, "name": …}}')
        if name := find(reference):
            return name
        raise BadPayload(f"{reference} is not known here: {_ALIAS_REMEDY if reference.uuid else _NAME_REMEDY}")


class PullRequests(MaybeRepository):
    numbers: Numbers = Field(
        validation_alias=AliasChoices("pr_number", "prNumber", "prNumbers", "pr_numbers", "number")
    )

    def command(self, find: Find) -> Command:
        return commands.PullRequestDetails(self.found(find), tuple(dict.fromkeys(self.numbers)))


class Repository(MaybeRepository):
    """Events about one repository and no more."""

    makes: ClassVar[type[commands.Discover] | type[commands.Classify]]

    def command(self, find: Find) -> Command:
        return self.makes(self.found(find))


class NewRepository(Repository):
    makes = commands.Discover


class OneSize(Repository):
    makes = commands.Classify


class RepositorySync(MaybeRepository):
    makes: ClassVar[type[commands.Sync] | type[commands.SyncHistory]] = commands.Sync
    reason: Annotated[str | None, BeforeValidator(_said)] = None

    def command(self, find: Find) -> Command:
        return self.makes(self.found(find), self.reason)


class RepositorySyncEnhanced(RepositorySync):
    makes = commands.SyncHistory


class Discussions(MaybeRepository):
    numbers: Annotated[tuple[Number, ...], BeforeValidator(_listed)] = Field(
        (), validation_alias=AliasChoices("discussion_number", "discussionNumber", "discussionNumbers")
    )

    def command(self, find: Find) -> Command:
        if self.repository is None:
            return commands.SyncAllDiscussions()
        return commands.SyncDiscussions(self.found(find), self.numbers)


class WorkspaceMetrics(Payload):
    workspace: Workspace
    day: Annotated[date | None, BeforeValidator(_day)] = None

    def command(self, find: Find) -> Command:
        return commands.AggregateWorkspace(self.workspace, self.day)


class WorkspaceChange(MaybeRepository):
    workspace: Workspace
    action: Literal["added", "removed"]

    def command(self, find: Find) -> Command:
        return commands.ChangeMembership(self.workspace, self.action, self.found(find))


class Cancellation(MaybeRepository):
    reason: Literal["user_requested"]
    event_id: Text | None = Field(None, validation_alias=AliasChoices("event_id", "eventId"))
    run_id: Text | None = Field(None, validation_alias=AliasChoices("run_id", "runId"))

    def command(self, find: Find) -> Command:
        return commands.Cancel(self.event_id, self.run_id, self.found(find) if self.repository else None)
