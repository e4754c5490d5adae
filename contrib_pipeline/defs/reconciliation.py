"""What keeps the copy equal to GitHub where no event tells of a change: a watch over all, and a nightly re-reading.

Each looks cheaply at what is to be done, and posts events for exactly that: they share runs, wait for GitHub's budget
and are tried again like any others.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from contrib_pipeline.capture import many, probe, repositories
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.walks import RECENT
from contrib_pipeline.defs import jobs
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.commands import MOVED, RECONCILE, SWEEP
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.github.errors import GitHubError
from contrib_pipeline.settings import Settings
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection

_SYNC = "capture/repository.sync"
# A difference that stays one after it was repaired is not looked into at every probe.
_SWEEP_AGAIN_AFTER = timedelta(weeks=1)


@dg.sensor(
    job=jobs.capture,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks GitHub which repositories moved, as often as their priority says; those that did are captured. "
    "Those that did not, and have other totals than GitHub, are repaired, each once a week at most.",
)
def moved_repositories(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SkipReason:
    """One look at the repositories whose time has come, a hundred for two points; GitHub's totals come with it."""
    settings = pipeline.settings
    if not settings.has_credential:
        return dg.SkipReason("There is no credential to ask GitHub with.")
    with pipeline.captures() as captures:
        asked = probe.due(captures.connection, _every(settings))
        if not asked:
            return dg.SkipReason("No repository's time has come.")
        try:
            found = many.find_moved(captures, asked)
        except (GitHubError, BudgetWait) as error:
            return dg.SkipReason(f"GitHub could not be asked: {error}")
        moved = _post(captures.connection, found.moved, MOVED)
        unequal = _post(captures.connection, found.unequal, SWEEP, again_after=_SWEEP_AGAIN_AFTER)
    return dg.SkipReason(
        f"{len(asked)} repositories were probed, {found.quiet} are quiet, {moved} are to be captured, "
        f"{unequal} to be repaired since their totals differ."
    )


@dg.schedule(
    job=jobs.capture,
    cron_schedule="10 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Reads again the metadata of all repositories, and all that was updated within 14 days.",
)
def reconcile_nightly(context: dg.ScheduleEvaluationContext, pipeline: Pipeline) -> dg.SkipReason:
    """Post the events; they become runs like any others."""
    at = context.scheduled_execution_time
    with pipeline.warehouse() as connection:
        everything = Event("classify/repository.size", {}, external_id=f"classify {at:%Y-%m-%d}")
        inbox.post(connection, [everything], "schedule")
        posted = _post(connection, repositories.recently_active(connection, RECENT), RECONCILE, at=at)
    return dg.SkipReason(f"{posted} repositories were active lately and are to be read again.")


def _every(settings: Settings) -> probe.Every:
    return probe.Every(
        high=timedelta(minutes=settings.probe_minutes_high),
        medium=timedelta(minutes=settings.probe_minutes_medium),
        low=timedelta(minutes=settings.probe_minutes_low),
    )


def _post(
    connection: Connection,
    asked: Sequence[Repository],
    reason: str,
    *,
    again_after: timedelta = timedelta(0),
    at: datetime | None = None,
) -> int:
    """An event for each that none waits for, or was posted for within ``again_after``; how many there are.

    A tick of a schedule (``at``) that is repeated posts nothing again.
    """
    names = [repository.name_with_owner for repository in asked]
    # What moved is captured by any sync; re-reading and repairing are more than that.
    known = inbox.keys_asked_for(
        connection, _SYNC, names, reason=None if reason == MOVED else reason, within=again_after
    )
    events = [
        Event(
            _SYNC,
            {"repository": repository.name_with_owner, "reason": reason, "priority": "low"},
            external_id=f"{reason} {at:%Y-%m-%d} {repository.id}" if at else None,
        )
        for repository in asked
        if repository.name_with_owner.lower() not in known
    ]
    if events:
        inbox.post(connection, events, "schedule")
    return len(events)
