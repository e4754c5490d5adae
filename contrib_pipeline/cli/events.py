"""Commands about events: ``send``, ``events``, ``alias``, ``serve-events``."""

import json
from typing import Any
from uuid import UUID

import click
import requests

from contrib_pipeline.capture.repositories import InvalidName, parse_name
from contrib_pipeline.cli.instance import database, warehouse
from contrib_pipeline.cli.output import as_json, print_rows
from contrib_pipeline.events import inbox
from contrib_pipeline.events.receiver import serve
from contrib_pipeline.events.repositories import alias as learn_alias
from contrib_pipeline.settings import read_settings

_COLUMNS = ("id", "received_at", "name", "key", "source", "state", "attempts", "reason", "run_id")
_STATES = ("pending", "running", "done", "skipped", "failed", "quarantined", "cancelled")
_LOOPBACK = "127.0.0.1"


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object on the command line."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"not JSON: {error}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail("must be a JSON object", param, ctx)
        return parsed


@click.command()
@click.argument("name")
@click.option("--data", type=JsonObject(), default="{}", help="The payload, a JSON object.")
@click.option("--id", "event_id", help="Your own id: a repeated one within 24 hours is skipped.")
@click.option("--port", default=8288, show_default=True, help="Port of the receiver.")
def send(name: str, data: dict[str, Any], event_id: str | None, port: int) -> None:
    """Post one event to the receiver on this machine; prints the id that it got."""
    keys = read_settings().event_keys
    key = keys[0].get_secret_value() if keys else "local"
    event = {"name": name, "data": data, **({"id": event_id} if event_id else {})}
    try:
        answer = requests.post(f"http://{_LOOPBACK}:{port}/e/{key}", json=event, timeout=10)
        body = answer.json()
    except requests.ConnectionError as error:
        raise click.ClickException(f"No receiver answers on port {port}: start `contrib-pipeline up`.") from error
    except (requests.RequestException, ValueError) as error:
        raise click.ClickException(f"What listens on port {port} is no event receiver.") from error
    if not answer.ok:
        raise click.ClickException(str(body.get("error", answer.status_code)))
    for accepted in body["ids"]:
        click.echo(accepted)


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def events(context: click.Context, as_json: bool) -> None:
    """Look at the inbox; without a further command, list the newest events."""
    if context.invoked_subcommand is None:
        context.invoke(list_events, as_json=as_json)


@events.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only events in this state.")
@click.option("--name", help="Only events of this name or function.")
@click.option("--repository", metavar="OWNER/NAME", help="Only events about this repository.")
@click.option("--limit", default=30, show_default=True)
@as_json
def list_events(state: str | None, name: str | None, repository: str | None, limit: int, as_json: bool) -> None:
    """The newest events."""
    with warehouse(read_settings()) as connection:
        rows = inbox.list_events(connection, state=state, name=name, repository=repository, limit=limit)
    if not as_json:  # eight characters of a run's id are what the UI shows
        rows = [row | {"run_id": row["run_id"] and row["run_id"][:8]} for row in rows]
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No events.")


@events.command()
@click.argument("event_id", metavar="ID")
def show(event_id: str) -> None:
    """One event with its payload, as JSON."""
    with warehouse(read_settings()) as connection:
        click.echo(json.dumps(inbox.show(connection, event_id), default=str, indent=2))


@events.command()
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@click.option("--data", type=JsonObject(), help="Another payload, for an event that was not understood.")
def replay(ids: tuple[str, ...], data: dict[str, Any] | None) -> None:
    """Start events again from the beginning."""
    with warehouse(read_settings()) as connection:
        rows = inbox.replay(connection, ids, data)
    print_rows(rows, ("id", "name", "state", "reason"), as_json=False, empty="")


@click.command()
@click.argument("uuid", type=click.UUID)
@click.argument("name", metavar="OWNER/NAME")
def alias(uuid: UUID, name: str) -> None:
    """Say which repository an application means by its own UUID."""
    try:
        owner, bare = parse_name(name)
    except InvalidName as error:
        raise click.UsageError(str(error)) from error
    with warehouse(read_settings()) as connection:
        learn_alias(connection, uuid, f"{owner}/{bare}")
    click.echo(f"{uuid} is {owner}/{bare}. Replay the events that waited for it: contrib-pipeline events replay ID…")


@click.command("serve-events")
@click.option("--port", default=8288, show_default=True)
@click.option("--host", default=_LOOPBACK, show_default=True, help="Another address needs EVENT_KEYS.")
def serve_events(port: int, host: str) -> None:
    """Run only the event receiver."""
    settings = read_settings()
    with database(settings) as url:
        serve(
            database_url=url,
            event_keys=[key.get_secret_value() for key in settings.event_keys],
            webhook_secrets=[secret.get_secret_value() for secret in settings.github_webhook_secrets],
            host=host,
            port=port,
            log_format=settings.log_format,
        )


COMMANDS = [send, events, alias, serve_events]
