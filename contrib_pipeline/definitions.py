"""The code location, in the order data moves through it: events, GitHub, workspaces, metrics."""

import dagster as dg

from contrib_pipeline.capture.progress import Progress
from contrib_pipeline.defs import (
    checks,
    deliveries,
    inbox_observations,
    jobs,
    maintenance,
    metric_checks,
    reconciliation,
    schedules,
    sensors,
)
from contrib_pipeline.defs.assets import events, github, metrics, workspaces
from contrib_pipeline.defs.resources import Pipeline


def build(progress: Progress | None = None) -> dg.Definitions:
    """The definitions; the command line gives a ``progress`` that draws bars."""
    return dg.Definitions(
        sensors=[
            *sensors.inbox,
            inbox_observations.observe_inbox,
            sensors.reopened_days,
            reconciliation.moved_repositories,
            deliveries.failed_deliveries,
        ],
        schedules=[
            schedules.aggregate_workspaces_daily,
            schedules.set_priorities,
            schedules.delete_expired_weekly,
            reconciliation.reconcile_nightly,
            checks.check_daily,
            metric_checks.check_metrics_daily,
        ],
        jobs=[
            jobs.capture,
            jobs.change_workspaces,
            jobs.aggregate,
            maintenance.prioritise,
            maintenance.cleanup,
            checks.check,
            metric_checks.check_metrics,
        ],
        assets=[
            events.inbox,
            github.capture_repositories,
            workspaces.workspaces_table,
            workspaces.change_members,
            metrics.compute_daily_metrics,
        ],
        asset_checks=[checks.proofs, metric_checks.metric_checks],
        resources={"pipeline": Pipeline(), "progress": progress or Progress()},
        # A run's work waits for GitHub and Postgres, not for a core, and a process per step costs seconds.
        executor=dg.in_process_executor,
    )


defs = build()
