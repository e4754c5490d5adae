"""Commands about workspaces: ``workspace create``, ``rename``, ``activate``, ``add``, ``list`` and their likes."""

from collections.abc import Callable
from uuid import UUID

import click

from contrib_pipeline.capture import repositories
from contrib_pipeline.cli.instance import warehouse
from contrib_pipeline.cli.output import as_json, print_rows
from contrib_pipeline.events import inbox
from contrib_pipeline.events.histories import ask_for_histories
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.settings import read_settings
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection

_LISTED = ("slug", "name", "is_active", "repositories", "id")
_MEMBERS = ("name_with_owner", "is_tracked", "history_complete", "terminal_reason", "priority", "size", "added_at")

key = click.argument("key", metavar="NAME")
names = click.argument("names", nargs=-1, required=True, metavar="OWNER/NAME…")


@click.group()
def workspace() -> None:
    """Groups of repositories, the unit that metrics are made for; named by slug, name or id."""


@workspace.command()
@click.argument("name")
@click.option("--id", "workspace_id", type=click.UUID, help="The id that an application knows it by.")
def create(name: str, workspace_id: UUID | None) -> None:
    """Make a workspace."""
    with warehouse(read_settings()) as connection:
        made = workspaces.create(connection, name, workspace_id=workspace_id)
        _aggregate(connection, made)
    click.echo(f"{made.slug}  {made.id}")


@workspace.command()
@key
@click.argument("new_name")
def rename(key: str, new_name: str) -> None:
    """Give a workspace another name; its id and its numbers stay."""
    with warehouse(read_settings()) as connection:
        renamed = workspaces.rename(connection, workspaces.find(connection, key).id, new_name)
    click.echo(f"{renamed.slug}  {renamed.id}")


def _switch(verb: str, *, is_active: bool) -> Callable[[str], None]:
    def switch(key: str) -> None:
        with warehouse(read_settings()) as connection:
            found = workspaces.set_active(connection, workspaces.find(connection, key).id, is_active)
            if is_active:
                _aggregate(connection, found)
        click.echo(f"{found.slug} is {'active' if is_active else 'inactive: no metrics are computed for it'}.")

    switch.__doc__ = f"{verb} computing metrics of a workspace."
    return switch


workspace.command("activate")(key(_switch("Start", is_active=True)))
workspace.command("deactivate")(key(_switch("Stop", is_active=False)))


@workspace.command()
@key
@names
def add(key: str, names: tuple[str, ...]) -> None:
    """Add repositories; one that is not known yet is discovered first, and added then."""
    _change(key, names, _add)


@workspace.command()
@key
@names
def remove(key: str, names: tuple[str, ...]) -> None:
    """Remove repositories; their data stays."""
    _change(key, names, _remove)


@workspace.command("list")
@as_json
def list_all(as_json: bool) -> None:
    """All workspaces."""
    with warehouse(read_settings()) as connection:
        rows = workspaces.list_workspaces(connection)
    print_rows(rows, _LISTED, as_json=as_json, empty="No workspace yet: contrib-pipeline workspace create NAME")


@workspace.command()
@key
@as_json
def show(key: str, as_json: bool) -> None:
    """The repositories of a workspace."""
    with warehouse(read_settings()) as connection:
        found = workspaces.find(connection, key)
        rows = workspaces.members(connection, found.id)
    if not as_json:
        click.echo(f"{found.name} ({found.slug}, {found.id}){'' if found.is_active else ', inactive'}", err=True)
    print_rows(rows, _MEMBERS, as_json=as_json, empty="No repositories: contrib-pipeline workspace add …")


def _change(key: str, names: tuple[str, ...], change: Callable[[Connection, workspaces.Workspace, str], None]) -> None:
    with warehouse(read_settings()) as connection:
        found = workspaces.find(connection, key)
        for name in names:
            change(connection, found, _spelled(name))
        _aggregate(connection, found)


def _add(connection: Connection, found: workspaces.Workspace, name: str) -> None:
    """A known repository is added at once; an unknown one stands as a pending event."""
    known = repositories.known(connection, name)
    if known is None:
        data = {"workspace_id": str(found.id), "action": "added", "repository": name}
        (event_id,) = inbox.post(connection, [Event("workspace/repository-change", data)], "cli")
        click.echo(f"{name} is not known yet: event {event_id} adds it once `contrib-pipeline up` has discovered it.")
        return
    with connection.transaction():
        added = workspaces.add_repositories(connection, found.id, [known.id])
        ask_for_histories(connection, [known.id], "cli")
    click.echo(f"{known.name_with_owner} added." if added else f"{known.name_with_owner}: nothing to do.")


def _remove(connection: Connection, found: workspaces.Workspace, name: str) -> None:
    members = workspaces.members_named(connection, found.id, name)
    workspaces.remove_repositories(connection, found.id, list(members))
    for spelled in members.values():
        click.echo(f"{spelled} removed.")
    if not members:
        click.echo(f"{name} is not in {found.slug}: nothing to do.")


def _aggregate(connection: Connection, found: workspaces.Workspace) -> None:
    """Ask for the workspace's days to be computed again; `up` does it within seconds."""
    inbox.post(connection, [Event("aggregate/workspace-metrics", {"workspace_id": str(found.id)})], "cli")


def _spelled(name: str) -> str:
    try:
        return "/".join(repositories.parse_name(name))
    except repositories.InvalidName as error:
        raise click.UsageError(str(error)) from error


COMMANDS = [workspace]
