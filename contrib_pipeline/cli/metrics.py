"""Commands about metrics: ``aggregate``, ``metrics``, ``explain``, ``report``."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from contrib_pipeline.cli.instance import dagster_instance, warehouse
from contrib_pipeline.cli.output import as_json, print_rows
from contrib_pipeline.cli.runs import run_here
from contrib_pipeline.metrics.definitions import BY_NAME, FIRST_DAY
from contrib_pipeline.metrics.explain import explain as explain_metric
from contrib_pipeline.metrics.read import workspace_days
from contrib_pipeline.settings import read_settings
from contrib_pipeline.warehouse import workspaces

_TABLE = (
    "day",
    "pull_requests_opened",
    "pull_requests_merged",
    "pull_requests_open",
    "reviews",
    "comments",
    "active_contributors",
    "new_contributors",
    "merge_hours_p50",
    "first_review_hours_p50",
    "is_final",
)
_EXPLAINED = ("at", "what", "repository", "number", "title", "state", "hours", "lines", "actor", "url")
_DAYS_SHOWN = 30


class Day(click.DateTime):
    """A day as YYYY-MM-DD, called so in usage lines."""

    def __init__(self) -> None:
        super().__init__(formats=["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "YYYY-MM-DD"


day_type = Day()


@click.command()
@click.option("--day", type=day_type, help="One day (UTC).")
@click.option("--from", "first", type=day_type, help="First day of several.")
@click.option("--to", "last", type=day_type, help="Last day of several; default: today.")
@click.option("--workspace", "key", help="Only this workspace, by slug, name or id.")
def aggregate(day: datetime | None, first: datetime | None, last: datetime | None, key: str | None) -> None:
    """Compute daily metrics now, as a run that the UI shows too; without options today's."""
    if day and (first or last):
        raise click.UsageError("Give --day, or --from and --to.")
    if last and not first:
        raise click.UsageError("--to needs --from.")
    today = datetime.now(UTC).date()
    start = (day or first).date() if day or first else today  # type: ignore[union-attr]
    end = day.date() if day else last.date() if last else today
    if not FIRST_DAY <= start <= end <= today:
        raise click.UsageError(f"The days must be in order, not before {FIRST_DAY} and not after today ({today}).")
    config: dict[str, Any] = {"workspaces": [key] if key else []}
    tags = {"dagster/asset_partition_range_start": str(start), "dagster/asset_partition_range_end": str(end)}
    with dagster_instance(read_settings()) as instance:
        run = run_here(instance, "aggregate", {"compute_daily_metrics": config}, tags=tags)
    if run.error:
        raise click.ClickException(run.error)
    click.echo(json.dumps({"days": (end - start).days + 1, "from": str(start), "to": str(end), "run_id": run.run_id}))


@click.command()
@click.argument("workspace", metavar="WORKSPACE")
@click.option("--from", "first", type=day_type, help=f"First day; default: {_DAYS_SHOWN} days ago.")
@click.option("--to", "last", type=day_type, help="Last day; default: today.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "parquet"]), default="table")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="FILE; needed for parquet.")
def metrics(
    workspace: str, first: datetime | None, last: datetime | None, form: str, as_json: bool, output: Path | None
) -> None:
    """The daily metrics of a workspace. The table shows some columns, the other formats all of them."""
    today = datetime.now(UTC).date()
    end = last.date() if last else today
    start = first.date() if first else end - min(timedelta(days=_DAYS_SHOWN), end - date.min)
    if start > end:
        raise click.UsageError(f"{start} is after {end}.")
    form = "json" if as_json else form
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output FILE.")
    with warehouse(read_settings()) as connection:
        found = workspaces.find(connection, workspace)
        rows = workspace_days(connection, found.id, start, end)
        members = workspaces.members(connection, found.id)
    _print(rows, form, output, start, end, found.slug)
    if not members:
        click.echo(f"Workspace {found.slug} has no repositories yet: contrib-pipeline workspace add …", err=True)


@click.command()
@click.argument("workspace", metavar="WORKSPACE")
@click.argument("day", type=day_type, metavar="DAY")
@click.argument("metric", metavar="METRIC")
@as_json
def explain(workspace: str, day: datetime, metric: str, as_json: bool) -> None:
    """The rows behind one number: of a WORKSPACE (slug, name or id), on a DAY, of a METRIC (a column's name)."""
    if day.date() > datetime.now(UTC).date():
        raise click.UsageError(f"{day.date()} has not begun yet.")
    with warehouse(read_settings()) as connection:
        found = workspaces.find(connection, workspace)
        rows = explain_metric(connection, found.id, day.date(), metric)
    if not as_json:
        click.echo(f"{metric}: {BY_NAME[metric].sentence}", err=True)
    print_rows(rows, _EXPLAINED, as_json=as_json, empty=f"Nothing on {day.date()} in {found.slug}.")


@click.command()
@click.argument("workspace", metavar="WORKSPACE")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="FILE.html")
def report(workspace: str, output: Path) -> None:
    """Write the picture book of a WORKSPACE (slug, name or id): one HTML file that needs nothing else."""
    from contrib_pipeline.presentation.report import write_report

    with warehouse(read_settings()) as connection:
        write_report(connection, workspaces.find(connection, workspace), output)
    click.echo(f"Written: {output}", err=True)


def _print(rows: list[dict[str, Any]], form: str, output: Path | None, start: date, end: date, slug: str) -> None:
    if form == "table" and output is None:
        print_rows(rows, _TABLE, as_json=False, empty=_empty(start, end, slug))
    elif form == "json" and output is None:
        click.echo(json.dumps(rows, default=str))
    else:
        from contrib_pipeline.presentation.frames import write_rows

        write_rows(rows, form if form != "table" else "csv", output)


def _empty(start: date, end: date, slug: str) -> str:
    """What is said where no day is computed."""
    if end < FIRST_DAY or start > datetime.now(UTC).date():
        return f"There are no numbers from {start} to {end}: days go from {FIRST_DAY} to today."
    remedy = f"contrib-pipeline aggregate --from {max(start, FIRST_DAY)} --workspace {slug}"
    return f"No day from {start} to {end} is computed: {remedy}"


COMMANDS = [aggregate, metrics, explain, report]
