"""What to do when a run's process has ended and the run has not.

A run that holds events shows that it lives by a Postgres lock named after it (``instance.liveness``). Only runs that
hold events are looked at: others hold nothing that anybody waits for.
"""

import dagster as dg

from contrib_pipeline.events import queue
from contrib_pipeline.instance import liveness
from contrib_pipeline.warehouse.connection import Connection


def give_back_events_of_dead_runs(connection: Connection, instance: dg.DagsterInstance) -> list[str]:
    """Give back what killed runs held, and end those runs in Dagster; their ids."""
    dead = []
    for run_id, ids in queue.running(connection).items():
        if liveness.lives(connection, run_id):
            continue
        dead.append(run_id)
        queue.give_back(connection, ids, run_id, f"The process of run {run_id} was killed.")
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run was killed; its events were given back.")
    return dead
