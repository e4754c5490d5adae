"""The process of one run: forked (``fork_server``), or started cold by ``python -m`` with the arguments of ``execute``.

It does what ``dagster api execute_run`` does, shows that it lives, and ends with whoever started it.
"""

import sys

from contrib_pipeline import lifeline
from contrib_pipeline.instance import liveness
from contrib_pipeline.settings import read_settings


def execute(run_id: str, arguments: str) -> int:
    """Execute the run in this process; the exit code. ``arguments``: those of ``dagster api execute_run``."""
    from dagster._cli.api import execute_run_command

    lifeline.watch()
    url = read_settings().database_url
    assert url is not None, "DATABASE_URL is set by whoever starts Dagster"
    with liveness.shown(url, run_id):
        try:
            execute_run_command.main(args=[arguments], standalone_mode=False)
        except SystemExit as end:
            return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(execute(*sys.argv[1:]))
