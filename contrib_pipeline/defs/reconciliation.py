"""What keeps the copy equal to GitHub where no event tells of a change: a watch, a nightly re-reading, a weekly sweep.

Each looks cheaply at what is to be done, and posts events for exactly that: they share runs, wait for GitHub's budget
and are tried again like any others.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import dagster as dg

from contrib_pipeline.capture import many, probe, repositories
from contrib_pipeline.capture.repositories import Repository
from contrib_pipeline.capture.walks import RECENT
from contrib_pipeline.defs import jobs
from contrib_pipeline.defs.requests import RECONCILE, SWEEP
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.github.errors import GitHubError
from contrib_pipeline.settings import Settings
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection

_SYNC = "capture/repository.sync"


@dg.sensor(
    job=jobs.capture,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks GitHub which repositories moved, as often as their priority says; those that did are captured.",
)
def moved_repositories(context: dg.SensorEvaluationContext, pipeline: Pipeline) -> dg.SkipReason:
    """One look at the repositories whose time has come, a hundred for two points."""
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
        posted = _post(captures.connection, found.moved, "moved")
    return dg.SkipReason(
        f"{len(asked)} repositories were probed, {found.quiet} are quiet, {posted} are to be captured."
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
        posted = _post(connection, repositories.recently_active(connection, RECENT), RECONCILE, at)
    return dg.SkipReason(f"{posted} repositories were active lately and are to be read again.")


@dg.schedule(
    job=jobs.capture,
    cron_schedule="40 3 * * 6",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares GitHub's totals with ours, a hundred repositories for two points; what differs is repaired.",
)
def sweep_totals_weekly(context: dg.ScheduleEvaluationContext, pipeline: Pipeline) -> dg.SkipReason:
    """Probe all; those with other totals are compared one by one, and what differs is captured."""
    if not pipeline.settings.has_credential:
        return dg.SkipReason("There is no credential to ask GitHub with.")
    with pipeline.captures() as captures:
        try:
            found = many.find_moved(captures, repositories.tracked(captures.connection))
        except (GitHubError, BudgetWait) as error:
            return dg.SkipReason(f"GitHub could not be asked, the next sweep is in a week: {error}")
        _post(captures.connection, found.moved, "moved")
        posted = _post(captures.connection, found.unequal, SWEEP, context.scheduled_execution_time)
    return dg.SkipReason(f"{posted} repositories have other totals than GitHub and are to be repaired.")


def _every(settings: Settings) -> probe.Every:
    return probe.Every(
        high=timedelta(minutes=settings.probe_minutes_high),
        medium=timedelta(minutes=settings.probe_minutes_medium),
        low=timedelta(minutes=settings.probe_minutes_low),
    )


def _post(connection: Connection, asked: Iterable[Repository], reason: str, at: datetime | None = None) -> int:
    """An event for each that none waits for already; a tick that is repeated posts nothing again."""
    events = [
        Event(
            _SYNC,
            {"repository": repository.name_with_owner, "reason": reason, "priority": "low"},
            external_id=f"{reason} {at:%Y-%m-%d} {repository.id}" if at else None,
        )
        for repository in asked
        if not _is_waiting(connection, repository, reason)
    ]
    if events:
        inbox.post(connection, events, "schedule")
    return len(events)


def _is_waiting(connection: Connection, repository: Repository, reason: str) -> bool:
    waiting = inbox.list_events(connection, state="pending", name=_SYNC, repository=repository.name_with_owner)
    return any(event["data"].get("reason") == reason or reason == "moved" for event in waiting)
