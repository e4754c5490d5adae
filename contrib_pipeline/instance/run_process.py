"""The process of a run: forked (``fork_server``), of a Celery worker, or started cold by ``python -m``.

It does what ``dagster api execute_run`` does, and shows that it lives. Those of this machine end with whoever started
them.
"""

import sys

from contrib_pipeline import lifeline
from contrib_pipeline.instance import liveness
from contrib_pipeline.settings import read_settings


def execute_on_lifeline(run_id: str, arguments: str) -> int:
    """Execute the run; this process ends when its standard input does."""
    lifeline.watch()
    return execute(run_id, arguments)


def execute(run_id: str, arguments: str) -> int:
    """Execute the run in this process; the exit code. ``arguments``: those of ``dagster api execute_run``."""
    from dagster._cli.api import execute_run_command

    url = read_settings().database_url
    assert url is not None, "DATABASE_URL is set by whoever starts Dagster"
    with liveness.shown(url, run_id):
        try:
            execute_run_command.main(args=[arguments], standalone_mode=False)
        except SystemExit as end:
            return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(execute_on_lifeline(*sys.argv[1:]))
