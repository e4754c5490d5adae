"""What a cancellation ends: events in the inbox, runs that hold them, queued runs that were to take them.

Which events match is ``events.queue``'s business. A run that is in the middle of its work is terminated, and gives back
what else it held.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from contrib_pipeline.events import queue
from contrib_pipeline.events.commands import Cancel
from contrib_pipeline.warehouse.connection import Connection

_HOLDER = "sensor"
_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]


def carry_out(connection: Connection, instance: dg.DagsterInstance, event_ids: Sequence[str]) -> None:
    """Do what the ``cancel/function`` events among ``event_ids`` ask for."""
    for run_id in queue.carry_out_cancellations(connection, event_ids, _HOLDER):
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            continue
        if run.status in _WAITING:  # it was named, and holds nothing yet: what it was to take would be asked for again
            for event_id in _events(run):
                queue.cancel(connection, Cancel(event_id=event_id), reason=f"Cancelled with run {run_id}.")
        instance.run_coordinator.cancel_run(run_id)
    _cancel_runs_without_events(connection, instance)


def _cancel_runs_without_events(connection: Connection, instance: dg.DagsterInstance) -> None:
    """A queued run that finds none of its events any more would start for nothing."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_WAITING)):
        ids = _events(run)
        if ids and not queue.still_pending(connection, ids):
            instance.run_coordinator.cancel_run(run.run_id)


def _events(run: dg.DagsterRun) -> list[str]:
    """The events that the run was asked for, as ``sensors`` writes them into its configuration."""
    ops: dict[str, Any] = run.run_config.get("ops", {}) if isinstance(run.run_config, dict) else {}
    return [str(event_id) for op in ops.values() for event_id in op.get("config", {}).get("events", [])]
