"""The partition ``repositories`` follows the names of repositories: through renames, transfers, changes of case, typos.

The names themselves are ``capture``'s business.
"""

from collections.abc import Iterable

import dagster as dg

from contrib_pipeline.capture.repositories import names
from contrib_pipeline.defs.partitions import repositories
from contrib_pipeline.events import inbox
from contrib_pipeline.warehouse.connection import Connection

_PARTITION = "dagster/partition"
_RANGE = "dagster/asset_partition_range_start"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def follow(instance: dg.DagsterInstance, connection: Connection) -> None:
    """Add the key of every repository, then retire the keys that are no longer a name and that no run holds.

    What is held is left for the next time.
    """
    # Read before the names: a repository is recorded before it gets a key.
    keys = instance.get_dynamic_partitions(str(repositories.name))
    current = names(connection)
    if new := sorted(current - set(keys)):
        instance.add_dynamic_partitions(str(repositories.name), new)
    if former := [key for key in keys if key not in current]:
        held = _held(instance, connection, former)
        for key in former:
            if key not in held:
                instance.delete_dynamic_partition(str(repositories.name), key)


def forget(instance: dg.DagsterInstance, connection: Connection, unknown: Iterable[str]) -> None:
    """Retire keys that somebody added, and that are the name of no repository."""
    current = names(connection)
    for key in unknown:
        if key not in current and instance.has_dynamic_partition(str(repositories.name), key):
            instance.delete_dynamic_partition(str(repositories.name), key)


def _held(instance: dg.DagsterInstance, connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those that a run works on: by an event, or by its partition; a range of partitions may hold any."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    if any(_RANGE in run.tags and run.job_name == "capture" for run in runs):
        return set(keys)
    partitions = {run.tags[_PARTITION] for run in runs if _PARTITION in run.tags}
    return {key for key in keys if key in partitions or inbox.list_events(connection, state="running", repository=key)}
