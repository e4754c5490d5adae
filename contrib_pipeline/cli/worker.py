"""``worker``: executes runs that Celery hands over, on this machine or on another one than ``up``'s.

What Celery is told is ``instance/celery_app``'s business.
"""

import importlib
import os

import click

from contrib_pipeline.cli.instance import database, exports
from contrib_pipeline.instance.celery_app import celery_app, unreachable
from contrib_pipeline.settings import read_settings


@click.command()
@click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1), help="Runs at the same time.")
def worker(concurrency: int) -> None:
    """Execute runs that Celery hands over, until Ctrl-C.

    Needs CELERY_BROKER_URL, and the same DATABASE_URL and GitHub credential as `up`. The first Ctrl-C (or SIGTERM)
    lets the runs under way come to their end, the second ends them: what they held is given to other runs.
    """
    settings = read_settings()
    app = celery_app()
    with unreachable(app), app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1)
    with database(settings) as url:
        os.environ.update(exports(settings, url))
        importlib.import_module("contrib_pipeline.definitions")  # once, before the pool's processes are forked
        app.worker_main(
            ["worker", f"--concurrency={concurrency}", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
        )


COMMANDS = [worker]
