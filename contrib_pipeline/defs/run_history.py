"""Prunes Dagster's own run history, which Dagster keeps forever: runs, their events and what their steps printed.

Whoever deletes a run deletes what it said about assets. So a run stays for as long as it is the last one that
materialized a partition, or observed it, or meant to: the UI's partitions and their numbers look the same after.
"""

from datetime import datetime

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_KINDS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_OBSERVATION,
}


def delete_runs_before(instance: dg.DagsterInstance, before: datetime) -> tuple[int, int]:
    """Delete runs that ended and were created before an instant; how many were deleted, and how many had to stay."""
    runs = instance.get_run_ids(filters=dg.RunsFilter(statuses=_ENDED, created_before=before))
    events, kept = _newest_of_partitions(instance), _newest_of_assets(instance)
    deleted = 0
    for run_id in runs:
        if run_id in kept:
            continue
        records = instance.get_records_for_run(run_id, of_type=_KINDS).records
        if any(record.storage_id in events for record in records):
            continue
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        deleted += 1
    return deleted, len(runs) - deleted


def _newest_of_partitions(instance: dg.DagsterInstance) -> set[int]:
    """Ids of the events that are the newest of their kind for a partition of an asset."""
    return {
        event
        for key in instance.get_asset_keys()
        for kind in _KINDS
        for event in instance.get_latest_storage_id_by_partition(key, kind).values()
    }


def _newest_of_assets(instance: dg.DagsterInstance) -> set[str]:
    """Ids of the runs that materialized an asset last."""
    newest = (instance.get_latest_materialization_event(key) for key in instance.get_asset_keys())
    return {event.run_id for event in newest if event}
