"""Runs on Celery workers: each is a task with the run's id, executed by whichever worker is free (``celery_app``)."""

import dagster as dg

from contrib_pipeline.instance.celery_app import TASK, broker, celery_app, unreachable
from contrib_pipeline.instance.launcher import ProjectRunLauncher
from contrib_pipeline.instance.liveness import Process


class CeleryRunLauncher(ProjectRunLauncher):
    """Launches runs by handing them to Celery's broker.

    dagster-celery's launcher asks Celery whether a run lives: that needs a store of results and can't tell a lost
    worker from a run that waits. It also ends a cancelled run as failed.
    """

    @property
    def is_ready(self) -> bool:
        """The broker takes any number; Dagster's limit of concurrent runs is kept by the run coordinator."""
        return True

    def start(self, run: dg.DagsterRun, arguments: str) -> None:
        """Raises :class:`BrokerUnreachable`: the run fails then, and what it was to do is asked for again."""
        app = celery_app()
        with unreachable(app):
            app.send_task(TASK, [run.run_id, arguments], task_id=run.run_id)
        self._instance.report_engine_event(f"Handed to Celery's broker, {broker(app)}.", run, cls=type(self))

    def stop(self, run: dg.DagsterRun, process: Process | None) -> None:
        """A worker that has the task kills its process; one that gets it later drops it."""
        self._instance.report_run_canceling(run)
        app = celery_app()
        with unreachable(app):
            app.control.revoke(run.run_id, terminate=True)
