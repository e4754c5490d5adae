"""What is watched: the inbox for pending events, and the days that late facts re-opened.

Thin shells: which events share a run is decided in ``events.dispatch``, what a run does by its asset.
"""

import math
import time
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from contrib_pipeline.defs import cancellations, jobs, maintenance, runs
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import queue
from contrib_pipeline.events.dispatch import Batch, dispatch
from contrib_pipeline.events.queue import Pending, Wake
from contrib_pipeline.events.repositories import known
from contrib_pipeline.metrics.reopened import Waiting, waiting
from contrib_pipeline.warehouse.connection import Connection

# A tick may take 60 s in all: Dagster's limit for a call to the code server.
_WAIT_SECONDS = 40.0
_LOOK_FOR_DEAD_RUNS_SECONDS = 5.0
_SETTLE = timedelta(seconds=10)
_TODAY_AT_MOST_EVERY = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(minutes=1)

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def take_inbox(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SensorResult | dg.SkipReason:
    """Wait for events in ``events.inbox`` and ask for runs of those that are there."""
    with pipeline.warehouse() as connection:
        pending = _await_events(context, connection, pipeline.settings.github_requests_in_flight)
        if not pending:
            return dg.SkipReason("No event was due.")
        repositories = known(connection, [event.key for event in pending if event.key])
        batches = dispatch(pending, repositories)
        for batch in batches:
            if batch.job is None:
                cancellations.carry_out(connection, context.instance, batch.event_ids)
    return dg.SensorResult(run_requests=[_run_request(batch, pipeline) for batch in batches if batch.job])


inbox = [
    dg.sensor(
        name=name,
        jobs=[jobs.capture, jobs.change_workspaces, jobs.aggregate, maintenance.cleanup, maintenance.prioritise],
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Waits for events and turns them into few runs; gives back what killed runs held. There are three of it, "
            "all alike: Dagster starts a sensor's next tick only every 5 seconds, so after one has taken events "
            "another is there for those that come meanwhile."
        ),
    )(take_inbox)
    for name in ("inbox", "inbox_2", "inbox_3")
]


@dg.sensor(
    job=jobs.aggregate,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for metrics of days that late facts or changed memberships re-opened.",
)
def reopened_days(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SensorResult | dg.SkipReason:
    """One look at ``metrics.reopened``; the cursor is when a run was last asked for."""
    with pipeline.warehouse() as connection:
        marks = waiting(connection)
    now = datetime.now(UTC)
    last = datetime.fromisoformat(context.cursor) if context.cursor else None
    if reason := wait_reason(marks, last, now):
        return dg.SkipReason(reason)
    request = dg.RunRequest(
        run_config={"ops": {"compute_daily_metrics": {"config": {"reopened": True}}}},
        tags={**retained_range(pipeline.settings.metrics_retention_days), "contrib/reason": "late facts"},
    )
    return dg.SensorResult(run_requests=[request], cursor=now.isoformat())


def wait_reason(marks: Waiting, last: datetime | None, now: datetime) -> str | None:
    """Why days are not computed again yet; None when they are to be.

    Changes settle first, so that one run serves many; today alone is computed at most every five minutes. What a run
    was asked for and is still there, because it has not begun or was killed, is asked for again after a minute.
    """
    if marks.since is None:
        return "No day is re-opened."
    if now - marks.since < _SETTLE:
        return f"{marks.repositories} repositories changed just now: waiting for more."
    if last and marks.from_day == now.date() and now - last < _TODAY_AT_MOST_EVERY:
        return "Only today changed, and it was computed less than five minutes ago."
    if last and marks.since < last and now - last < _AGAIN_AFTER:
        return "A run was asked for less than a minute ago."
    return None


def _await_events(context: dg.SensorEvaluationContext, connection: Connection, in_flight: int) -> list[Pending]:
    """The events that are due as soon as there are any; none when the wait is over or the daemon stops."""
    queue.listen(connection)
    looked, end = -math.inf, time.monotonic() + _WAIT_SECONDS
    while True:
        now = time.monotonic()
        if now - looked >= _LOOK_FOR_DEAD_RUNS_SECONDS:
            looked = now
            _give_back(context, connection)
        pending = queue.due(connection, in_flight=in_flight)
        left = end - now
        if pending or left <= 0:
            return pending
        if queue.wait(connection, min(left, _LOOK_FOR_DEAD_RUNS_SECONDS)) is Wake.STOP:
            return []


def _give_back(context: dg.SensorEvaluationContext, connection: Connection) -> None:
    if dead := runs.give_back_events_of_dead_runs(connection, context.instance):
        context.log.warning(f"Events of killed runs were given back: {', '.join(dead)}")


def _run_request(batch: Batch, pipeline: Pipeline) -> dg.RunRequest:
    op = {
        "capture": "capture_repositories",
        "aggregate": "compute_daily_metrics",
        "change_workspaces": "change_members",
        "cleanup": "delete_expired",
        "prioritise": "set_priorities",
    }[str(batch.job)]
    tags = {**batch.tags, "dagster/priority": str(batch.priority)}
    if batch.job == "aggregate":
        tags |= retained_range(pipeline.settings.metrics_retention_days)
    return dg.RunRequest(
        job_name=batch.job,
        run_config={"ops": {op: {"config": {"events": list(batch.event_ids)}}}},
        tags=tags,
    )


def retained_range(days: int) -> dict[str, str]:
    """Tags that give a run the partitions of the retained days, today included."""
    today = datetime.now(UTC).date()
    first: date = today - timedelta(days=days - 1)
    return {RANGE_START: first.isoformat(), RANGE_END: today.isoformat()}
