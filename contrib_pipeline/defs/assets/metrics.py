"""Schema metrics: computed from the facts by set-based SQL, partitioned by day (UTC).

A day is computed whole, for all workspaces or for some; what a number means is written in ``metrics/definitions.py``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import dagster as dg
from pydantic import Field

from contrib_pipeline.capture import many
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.repositories import Repository, members
from contrib_pipeline.defs.assets import github
from contrib_pipeline.defs.assets.specs import table_spec
from contrib_pipeline.defs.claims import Claims, claimed
from contrib_pipeline.defs.day_metadata import day_metadata
from contrib_pipeline.defs.partitions import days
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.commands import AggregateAll, AggregateWorkspace
from contrib_pipeline.events.histories import ask_for_histories
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.github.errors import MustWait
from contrib_pipeline.metrics.beside import side_by_side
from contrib_pipeline.metrics.compute import Computed, compute_days
from contrib_pipeline.metrics.read import day_rows, day_totals, open_days
from contrib_pipeline.metrics.reopened import Reopened, reopen_days, settle, touched_workspaces
from contrib_pipeline.metrics.trends import Topic, compute_contributors, compute_topic
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.budget import BudgetWait
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.contributors import flag_bots

_FACTS = ("pull_requests", "reviews", "comments", "discussions", "discussion_comments", "contributors")
_WORKSPACE_DAILY, _REPOSITORY_DAILY = "metrics.workspace_daily", "metrics.repository_daily"
_TRENDS, _CONTRIBUTORS = "metrics.workspace_trends", "metrics.workspace_contributors"
_ROWS = "dagster/partition_row_count"
# Trends look back over half a year and cost a hundred times a day's numbers: where many days are caught up with,
# only these newest get theirs for all workspaces, the older ones for workspaces that changed.
_DAYS_WITH_TRENDS = 2


class AggregateConfig(dg.Config):
    """Which days to compute, of which workspaces. Empty: the run's partitions, of all workspaces."""

    workspaces: list[str] = Field([], description="Slugs, names or ids; empty: all active workspaces.")
    days: list[str] = Field([], description="Days (YYYY-MM-DD) among the run's partitions; empty: all of them.")
    reopened: bool = Field(False, description="Only days that late facts re-opened.")
    verify_members: bool = Field(False, description="First look at all members on GitHub, and capture what moved.")
    events: list[str] = Field([], description="Ids of the events that asked for this run.")


@dataclass(frozen=True)
class Task:
    """Days to compute for some workspaces; None: all of them."""

    days: Sequence[date]
    workspace_ids: Sequence[UUID] | None = None
    is_catching_up: bool = False
    """The days are all that are not final, not ones that somebody asked for."""
    changed: Sequence[UUID] = ()
    """Where it is catching up: workspaces whose facts or members changed, so that trends written before are wrong."""

    @property
    def newest_first(self) -> list[date]:
        return sorted(self.days, reverse=True)

    @property
    def days_with_trends(self) -> list[date]:
        return self.newest_first[:_DAYS_WITH_TRENDS] if self.is_catching_up else self.newest_first

    @property
    def of_changed(self) -> "Task":
        """The older days, for the workspaces that changed."""
        return Task(self.newest_first[_DAYS_WITH_TRENDS:] if self.changed else [], self.changed)


def _specs() -> list[dg.AssetSpec]:
    facts = [dg.AssetDep(["github", fact], partition_mapping=dg.AllPartitionMapping()) for fact in _FACTS]
    deps = [*facts, dg.AssetDep(["workspaces", "repositories"])]
    return [
        table_spec(table, partitions_def=days, skippable=True, deps=deps)
        for table in (_WORKSPACE_DAILY, _REPOSITORY_DAILY, _TRENDS, _CONTRIBUTORS)
    ]


@dg.multi_asset(name="compute_daily_metrics", specs=_specs(), backfill_policy=dg.BackfillPolicy.single_run())
def compute_daily_metrics(
    context: dg.AssetExecutionContext, config: AggregateConfig, pipeline: Pipeline
) -> Iterator[Any]:
    """Compute daily metrics, the newest day first."""
    with pipeline.warehouse() as connection, claimed(context, connection, config.events, []) as claims:
        is_nightly = config.verify_members or any(isinstance(e.command, AggregateAll) for e in claims.events)
        if is_nightly:
            _verify_members(context, claims, pipeline)
        flag_bots(connection, pipeline.settings.bot_logins)
        reopened = reopen_days(connection)
        shown: Computed | None = None
        asked = _tasks(context, config, claims, reopened, pipeline.settings.metrics_retention_days)
        for task in chain.from_iterable(_while_members_change(connection, task) for task in asked):
            newest = _compute(context, pipeline, connection, task, has_shown=shown is not None)
            _look_back(context, pipeline, connection, task)
            shown = shown or newest
            if task.is_catching_up:
                _look_back(context, pipeline, connection, task.of_changed)
                settle(connection, reopened, task.workspace_ids)
        if shown:
            reports = pipeline.settings.home / "reports" if is_nightly else None
            _report(context, connection, shown, **day_metadata(context, connection, shown.day, reports))
        claims.done([event for event in claims.events if event.id in claims.open])
    yield from ()  # nothing is yielded: each day's materialization was logged


def _while_members_change(connection: Connection, task: Task) -> Iterator[Task]:
    """The task; then, while members change as it is computed, its days again for the workspaces that changed.

    What is caught up with is left to the event of the change; it does not reach days older than the retention.
    """
    members = workspaces.all_members(connection)
    yield task
    while not task.is_catching_up:
        before, members = members, workspaces.all_members(connection)
        changed = [key for key in before.keys() | members.keys() if before.get(key) != members.get(key)]
        if task.workspace_ids is not None:
            changed = [key for key in changed if key in task.workspace_ids]
        if not changed:
            return
        yield Task(task.days, sorted(changed))


def _compute(
    context: dg.AssetExecutionContext, pipeline: Pipeline, connection: Connection, task: Task, *, has_shown: bool
) -> Computed | None:
    """Write a task's days, the newest first.

    The run's newest final day is not logged but returned: its log shows what is drawn of all that is written.
    """
    shown: Computed | None = None
    works = [partial(_compute_day, day=day, task=task) for day in task.newest_first]
    for computed in side_by_side(connection, pipeline.warehouse, works):
        if computed.workspaces_final and not (shown or has_shown):
            shown = computed
        else:
            _report(context, connection, computed)
    return shown


def _compute_day(connection: Connection, day: date, task: Task) -> Computed:
    (computed,) = compute_days(connection, [day], workspace_ids=task.workspace_ids)
    return computed


def _look_back(context: dg.AssetExecutionContext, pipeline: Pipeline, connection: Connection, task: Task) -> None:
    """Write what looks back over the task's days, once they are written."""
    if not task.days:
        return
    today = datetime.now(UTC).date()
    works = [partial(_contributors, day=today, task=task)]
    works += [partial(_trends, topic=topic, day=day, task=task) for day in task.days_with_trends for topic in Topic]
    written = side_by_side(connection, pipeline.warehouse, works)
    for (table, day), of_topics in groupby(written, key=itemgetter(0, 1)):
        rows = sum(rows for _, _, rows in of_topics)
        if task.is_catching_up or day in task.days:
            _log(context, table, day, **{_ROWS: rows})
    if not task.is_catching_up:
        # Dagster calls a backfill failed that left a table without one of its days.
        for day in task.days:
            if day != today:
                _log(context, _CONTRIBUTORS, day, kept="for today and the newest final day only")


def _trends(connection: Connection, topic: Topic, day: date, task: Task) -> tuple[str, date, int]:
    return _TRENDS, day, compute_topic(connection, topic, day, workspace_ids=task.workspace_ids)


def _contributors(connection: Connection, day: date, task: Task) -> tuple[str, date, int]:
    return _CONTRIBUTORS, day, compute_contributors(connection, day, workspace_ids=task.workspace_ids)


def _verify_members(context: dg.AssetExecutionContext, claims: Claims, pipeline: Pipeline) -> None:
    """Look at all members of active workspaces on GitHub, and capture those that moved.

    A repository that can't be captured holds its days back from being final; it does not hold up the others. Nor does
    one whose history is not whole: it is asked for, and the days are computed again when it is. Nor does GitHub's
    budget: what is stored is computed now, and all of it again when GitHub may be asked.
    """
    with pipeline.captures(context.run.run_id) as captures:
        all_members = members(captures.connection)
        try:
            found = many.find_moved(captures, all_members)
        except (BudgetWait, MustWait) as wait:
            _put_off(context, claims, wait)
            return
        if partial := ask_for_histories(captures.connection, [member.id for member in all_members], "schedule"):
            context.log.info(f"Not whole yet, the history is asked for: {', '.join(partial)}")
        context.log.info(
            f"{found.quiet} members did not move; captured: {', '.join(map(_name, found.moved)) or 'none'}"
        )
        for repository in found.moved:
            outcome = captures.capture(CaptureRequest(repository.name_with_owner))
            github.report(context, pipeline, outcome)


def _put_off(context: dg.AssetExecutionContext, claims: Claims, wait: BudgetWait | MustWait) -> None:
    """The nightly work once more when GitHub may be asked: its event put back, or one in the schedule's place."""
    context.log.warning(f"Members could not be looked at, it is done again later: {wait}")
    context.instance.add_run_tags(context.run.run_id, {"deferred": wait.until.isoformat()})
    if nightly := [event for event in claims.events if isinstance(event.command, AggregateAll)]:
        claims.defer(nightly, wait.until, str(wait))
    else:
        again = Event("scheduled/workspace-aggregation", {})
        inbox.post(claims.connection, [again], "schedule", delay=wait.until - datetime.now(UTC))


def _name(repository: Repository) -> str:
    return repository.name_with_owner


def _tasks(
    context: dg.AssetExecutionContext, config: AggregateConfig, claims: Claims, reopened: Reopened, retention: int
) -> Iterator[Task]:
    """What the run's events, its configuration or its partitions ask for."""
    connection, today = claims.connection, datetime.now(UTC).date()
    first = today - timedelta(days=retention - 1)
    touched = touched_workspaces(connection, reopened)
    for event in claims.events:
        match event.command:
            case AggregateWorkspace(workspace=key, day=day):
                try:
                    ids = [workspaces.find_active(connection, key).id]
                except workspaces.WorkspaceNotFound as error:
                    claims.fail([event], str(error))
                    continue
                except workspaces.WorkspaceInactive as error:
                    claims.skip([event], str(error))
                    continue
                asked = [day] if day else open_days(connection, first, today, workspace_ids=ids)
                yield Task(asked, ids, day is None, ids)
            case AggregateAll():
                yield Task([today - timedelta(days=1)])
                yield Task(open_days(connection, first, today), None, True, touched)
    if config.events:
        return
    if config.reopened:
        yield Task(open_days(connection, max(first, reopened.from_day or today), today), None, True, touched)
        return
    if config.verify_members:
        # Members that were looked at just now may make older days final, too; what moved may have moved today.
        yield Task(open_days(connection, first, today), None, True, touched)
    chosen = [workspaces.find_active(connection, key).id for key in config.workspaces]
    chosen_days = config.days or list(context.partition_keys)
    yield Task([date.fromisoformat(day) for day in chosen_days], chosen or None)


def _report(context: dg.AssetExecutionContext, connection: Connection, computed: Computed, **shown: Any) -> None:
    """Log the materializations of one day, with its numbers; ``shown`` is for the workspaces' alone."""
    totals = day_totals(connection, computed.day)
    for table, (rows, final) in day_rows(connection, computed.day).items():
        more = shown if table == _WORKSPACE_DAILY else {}
        _log(context, table, computed.day, **{_ROWS: rows}, rows_final=final, **totals, **more)
    if computed.behind:
        context.log.info(f"{computed.day} is not final: {', '.join(computed.behind)} not verified since, or partial.")


def _log(context: dg.AssetExecutionContext, table: str, day: date, **metadata: Any) -> None:
    """Log the materialization of a table's day."""
    context.log_event(
        dg.AssetMaterialization(asset_key=dg.AssetKey(table.split(".")), partition=day.isoformat(), metadata=metadata)
    )
