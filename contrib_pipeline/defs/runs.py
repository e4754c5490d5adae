"""What is known of runs from outside: whether one's process still lives, and what to do when it does not.

A run that holds events holds a Postgres lock named after it for as long as its process lives; no heartbeat, no
lease. Only runs that hold events are looked at: others hold nothing that anybody waits for.
"""

import dagster as dg

from contrib_pipeline.events import queue
from contrib_pipeline.warehouse.connection import Connection

_LOCK = "hashtextextended('contrib-pipeline run ' || %s, 0)"


def hold(connection: Connection, run_id: str) -> None:
    """Show that this run lives, until ``connection`` is closed or :func:`release` is called."""
    connection.execute(f"select pg_advisory_lock({_LOCK})", (run_id,))


def release(connection: Connection, run_id: str) -> None:
    """The run holds no events any more."""
    connection.execute(f"select pg_advisory_unlock({_LOCK})", (run_id,))


def give_back_events_of_dead_runs(connection: Connection, instance: dg.DagsterInstance) -> list[str]:
    """Give back what killed runs held, and end those runs in Dagster; their ids."""
    dead = []
    for run_id, ids in queue.running(connection).items():
        if _lives(connection, run_id):
            continue
        dead.append(run_id)
        queue.give_back(connection, ids, run_id, f"The process of run {run_id} was killed.")
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run was killed; its events were given back.")
    return dead


def _lives(connection: Connection, run_id: str) -> bool:
    row = connection.execute(f"select pg_try_advisory_lock({_LOCK}) as is_free", (run_id,)).fetchone()
    assert row is not None
    if row["is_free"]:
        release(connection, run_id)
    return not row["is_free"]
