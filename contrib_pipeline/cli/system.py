"""Commands about the installation: ``migrate``, ``doctor``, ``env``, ``sandbox``, ``export``."""

import json
from datetime import datetime
from pathlib import Path

import click

from contrib_pipeline.cli.diagnosis import diagnose
from contrib_pipeline.cli.instance import as_shell, dagster_instance, database, exports, keep_running, warehouse
from contrib_pipeline.settings import read_settings

_LOOPBACK = "127.0.0.1"


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date, Dagster's own tables included."""
    settings = read_settings()
    with dagster_instance(settings):
        pass
    click.echo("The database is up to date.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """What is set up wrong, each with its remedy. Exit code 1 if anything is."""
    findings = diagnose(read_settings())
    if as_json:
        click.echo(json.dumps([finding.__dict__ for finding in findings]))
    else:
        for finding in findings:
            mark = {"ok": "✓", "note": "·", "wrong": "✗"}[finding.level]
            click.echo(f"{mark} {finding.what}{f': {finding.remedy}' if finding.remedy else ''}")
    if any(finding.level == "wrong" for finding in findings):
        raise SystemExit(1)


@click.command()
def env() -> None:
    """Print the exports with which stock Dagster works here: eval "$(contrib-pipeline env)"; dagster dev."""
    settings = read_settings()
    with database(settings) as url:
        click.echo(as_shell(exports(settings, url)))
        keep_running(settings)


@click.command()
@click.option("--port", default=8099, show_default=True)
@click.option(
    "--archive",
    "archives",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Serve a real archive (OWNER+NAME.jsonl.gz); repeatable, further files may follow as arguments.",
)
@click.argument("more_archives", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repositories", default=6, show_default=True, help="How many repositories to make up.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same repositories.")
@click.option("--pace", default=0.0, show_default=True, help="Changes a minute while it runs.")
@click.option("--now", type=click.DateTime(), help="The moment the history reaches up to; default: now.")
def sandbox(
    port: int,
    archives: tuple[Path, ...],
    more_archives: tuple[Path, ...],
    repositories: int,
    seed: int,
    pace: float,
    now: datetime | None,
) -> None:
    """Run only the local GitHub: made-up repositories, or real archives."""
    from contrib_pipeline.sandbox.archives import read_archives
    from contrib_pipeline.sandbox.generate import generate
    from contrib_pipeline.sandbox.server import serve

    moment = f"{now:%Y-%m-%dT%H:%M:%SZ}" if now else None
    files = [*archives, *more_archives]
    world = read_archives(files, moment) if files else generate(repositories, seed, moment)
    names = ", ".join(repository.name_with_owner for repository in world.repositories.values())
    click.echo(f"GitHub (sandbox) on http://{_LOOPBACK}:{port}, any token: {names}", err=True)
    serve(world, port, pace=0 if files else pace, seed=seed)


@click.command()
@click.argument("source", metavar="TABLE|VIEW")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="FILE.parquet or FILE.csv"
)
def export(source: str, output: Path) -> None:
    """Write a table or view, like reporting.workspace_daily, into a file."""
    from contrib_pipeline.presentation.files import export_table

    with warehouse(read_settings()) as connection:
        rows = export_table(connection, source, output)
    click.echo(f"{rows:,} rows of {source} in {output}", err=True)


COMMANDS = [migrate, doctor, env, sandbox, export]
