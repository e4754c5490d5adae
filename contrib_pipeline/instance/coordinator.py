"""The run coordinator: a run starts at once where there is room and the launcher is ready, else Dagster's queue has it.

The queue looks every second at most: as much again as an event's whole way. Its limit of concurrent runs is kept
(two that are submitted in the same instant may exceed it by one); limits by tag, which only the queue itself can
keep, send every run through it.
"""

import dagster as dg
from dagster._core.run_coordinator import SubmitRunContext

from contrib_pipeline.instance.launcher import ProjectRunLauncher

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,  # nobody overtakes those that wait
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class PromptRunCoordinator(dg.QueuedRunCoordinator[dg.DagsterInstance]):
    """Dagster's queue, for runs that would have to wait."""

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Start the run, or queue it."""
        run = context.dagster_run
        if run.status is dg.DagsterRunStatus.NOT_STARTED and self._has_room():
            return self._instance.launch_run(run.run_id, context.workspace)
        return super().submit_run(context)

    def _has_room(self) -> bool:
        limits, launcher = self.get_run_queue_config(), self._instance.run_launcher
        if limits.tag_concurrency_limits or not (isinstance(launcher, ProjectRunLauncher) and launcher.is_ready):
            return False
        unfinished = self._instance.get_runs_count(dg.RunsFilter(statuses=_UNFINISHED))
        return limits.max_concurrent_runs < 0 or unfinished < limits.max_concurrent_runs
