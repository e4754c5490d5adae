"""Jobs that make no table: old daily metrics, events and runs go, priorities follow membership.

What is deleted can be made again: daily metrics come from the facts, which stay.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from contrib_pipeline.capture import repositories
from contrib_pipeline.defs.claims import claimed
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.defs.run_history import delete_runs_before
from contrib_pipeline.events import inbox
from contrib_pipeline.metrics.retention import delete_days_before

_DAILY = dg.AssetKey(["metrics", "workspace_daily"])


class EventsConfig(dg.Config):
    """Which events asked for this run."""

    events: list[str] = Field([], description="Ids of the events that asked for this run.")


@dg.op
def delete_expired(context: dg.OpExecutionContext, config: EventsConfig, pipeline: Pipeline) -> None:
    """Delete daily metrics past the retention and events that ended long ago; say which days went."""
    first_kept = datetime.now(UTC).date() - timedelta(days=pipeline.settings.metrics_retention_days - 1)
    with pipeline.warehouse() as connection, claimed(context, connection, config.events, []) as claims:
        deleted = delete_days_before(connection, first_kept)
        events = inbox.prune(connection)
        claims.done(claims.events)
    for day, rows in deleted.items():
        # Dagster keeps a partition's status; the observation says what became of its rows.
        context.log_event(
            dg.AssetObservation(
                asset_key=_DAILY,
                partition=day.isoformat(),
                metadata={"rows_deleted": rows, "why": f"older than {first_kept}; can be computed again"},
            )
        )
    context.log.info(f"{len(deleted)} days before {first_kept} and {events} old events deleted.")
    context.add_output_metadata({"days": len(deleted), "rows": sum(deleted.values()), "events": events})


@dg.op
def delete_old_runs(context: dg.OpExecutionContext, pipeline: Pipeline) -> None:
    """Delete runs past their retention from Dagster's history, but the newest of each partition."""
    days = pipeline.settings.run_retention_days
    deleted, kept = delete_runs_before(context.instance, datetime.now(UTC) - timedelta(days=days))
    context.log.info(f"{deleted} runs older than {days} days deleted; {kept} stay: partitions rest on them.")
    context.add_output_metadata({"runs": deleted, "runs_kept": kept})


@dg.op
def set_priorities(context: dg.OpExecutionContext, config: EventsConfig, pipeline: Pipeline) -> None:
    """Set how often each repository is polled: high for members of active workspaces, low for quiet others."""
    with pipeline.warehouse() as connection, claimed(context, connection, config.events, []) as claims:
        changed = repositories.set_priorities(connection)
        claims.done(claims.events)
    context.log.info(f"{changed} repositories have another priority now.")
    context.add_output_metadata({"changed": changed})


@dg.job(description="Deletes daily metrics, events and runs past their retention.")
def cleanup() -> None:
    """Two ops that need nothing of each other."""
    delete_expired()
    delete_old_runs()


@dg.job(description="Sets how often each repository is polled.")
def prioritise() -> None:
    """One op."""
    set_priorities()
