"""Schema workspaces: which repositories a workspace has, changed by events and commands."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import dagster as dg
from pydantic import Field

from contrib_pipeline.capture import repositories
from contrib_pipeline.defs.assets.specs import table_spec
from contrib_pipeline.defs.claims import Claims, claimed
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.commands import ChangeMembership
from contrib_pipeline.events.histories import ask_for_histories
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.queue import Claimed
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection

_LOOK_AGAIN = timedelta(seconds=3)

workspaces_table = table_spec("workspaces.workspaces")


class MembershipConfig(dg.Config):
    """Which events to carry out."""

    events: list[str] = Field([], description="Ids of the events that asked for this run.")


@dg.multi_asset(
    name="change_members",
    specs=[
        table_spec(
            "workspaces.repositories",
            deps=[dg.AssetKey(["workspaces", "workspaces"]), dg.AssetKey(["github", "repositories"])],
        )
    ],
)
def change_members(
    context: dg.AssetExecutionContext, config: MembershipConfig, pipeline: Pipeline
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Carry out changes of membership; each asks for its workspace's metrics to be computed again."""
    changed = 0
    with pipeline.warehouse() as connection, claimed(context, connection, config.events, []) as claims:
        for event in claims.events:
            changed += _change(context, claims, event)
        count = connection.execute("select count(*) as rows from workspaces.repositories").fetchone()
    assert count is not None
    return dg.MaterializeResult(
        asset_key=["workspaces", "repositories"],
        metadata={"dagster/row_count": count["rows"], "changes": changed},
    )


def _change(context: dg.AssetExecutionContext, claims: Claims, event: Claimed) -> int:
    """Carry out one change; 1 if it changed anything.

    A repository that we don't know yet is discovered first: the event waits for it.
    """
    command, connection = event.command, claims.connection
    assert isinstance(command, ChangeMembership)
    try:
        workspace = _workspace(connection, command.workspace)
    except workspaces.WorkspaceNotFound as error:
        claims.fail([event], str(error))
        return 0
    if command.action == "removed":
        return _remove(context, claims, event, workspace)
    known = repositories.known(connection, command.repository)
    if known is None:
        return _discover_first(context, claims, event, command.repository)
    with connection.transaction():
        changed = workspaces.add_repositories(connection, workspace.id, [known.id])
        ask_for_histories(connection, [known.id], event.source)
        _end(claims, event, workspace, changed)
    context.log.info(f"{known.name_with_owner} added: workspace {workspace.slug}")
    return len(changed)


def _remove(context: dg.AssetExecutionContext, claims: Claims, event: Claimed, workspace: workspaces.Workspace) -> int:
    """Carry out one removal, of a repository that GitHub no longer shows, too; 1 if it changed anything."""
    command, connection = event.command, claims.connection
    assert isinstance(command, ChangeMembership)
    members = workspaces.members_named(connection, workspace.id, command.repository)
    if not members:
        claims.skip([event], f"{command.repository} is not in workspace {workspace.slug}.")
        return 0
    with connection.transaction():
        changed = workspaces.remove_repositories(connection, workspace.id, list(members))
        _end(claims, event, workspace, changed)
    context.log.info(f"{command.repository} removed: workspace {workspace.slug}")
    return len(changed)


def _end(claims: Claims, event: Claimed, workspace: workspaces.Workspace, changed: Sequence[int]) -> None:
    """The event is done; what changed asks for the workspace's days."""
    if changed:
        again = Event("aggregate/workspace-metrics", {"workspace_id": str(workspace.id)})
        inbox.post(claims.connection, [again], event.source)
    claims.done([event])


def _workspace(connection: Connection, key: str) -> workspaces.Workspace:
    """The workspace; one whose uuid we don't know yet is made with that id, and named by it until it is renamed."""
    try:
        return workspaces.find(connection, key)
    except workspaces.WorkspaceNotFound:
        if (workspace_id := _uuid(key)) is None:
            raise
        return workspaces.create(connection, str(workspace_id), workspace_id=workspace_id)


def _discover_first(context: dg.AssetExecutionContext, claims: Claims, event: Claimed, repository: str) -> int:
    """Ask once for the repository's discovery; the event looks again every few seconds, as an attempt uncounted."""
    discovery = Event("discover/new-repository", {"repository": repository}, external_id=f"{event.id} needs it")
    inbox.post(claims.connection, [discovery], event.source)
    until = datetime.now(UTC) + _LOOK_AGAIN
    claims.defer([event], until, f"{repository} is being discovered.")
    context.log.info(f"{repository} is not known yet: it is discovered first.")
    return 0


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
