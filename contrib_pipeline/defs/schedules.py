"""When: metrics at midnight UTC, priorities every six hours, cleanup on Sundays."""

from datetime import timedelta

import dagster as dg

from contrib_pipeline.defs import jobs, maintenance


@dg.schedule(
    job=jobs.aggregate,
    cron_schedule="0 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Probes all members of workspaces, captures what moved, then computes the day that ended.",
)
def aggregate_workspaces_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The day that ended at the tick. A tick that was missed while nothing ran is made up for by Dagster."""
    day = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return dg.RunRequest(
        run_key=day,
        partition_key=day,
        run_config={"ops": {"compute_daily_metrics": {"config": {"verify_members": True}}}},
        tags={"contrib/event": "scheduled/workspace-aggregation", "contrib/reason": "schedule"},
    )


set_priorities = dg.ScheduleDefinition(
    name="set_priorities",
    job=maintenance.prioritise,
    cron_schedule="0 */6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Sets how often each repository is polled.",
)

delete_expired_weekly = dg.ScheduleDefinition(
    name="delete_expired_weekly",
    job=maintenance.cleanup,
    cron_schedule="0 3 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Deletes daily metrics, events and runs past their retention.",
)
