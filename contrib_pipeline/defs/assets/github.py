"""Schema github: captured from GitHub's GraphQL API, partitioned by repository.

One multi-asset, since one page of one answer fills all of its tables; one run may capture many repositories. A
materialization is logged for each table whose rows changed, and always for ``github/pull_requests``, so that the UI
shows when a repository was last looked at. Dagster does not see which repository of a run failed: the ledger
``github.captures`` does.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from contrib_pipeline.capture import many
from contrib_pipeline.capture import repositories as known_repositories
from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest, Outcome
from contrib_pipeline.capture.progress import Progress
from contrib_pipeline.defs import names
from contrib_pipeline.defs.assets.specs import table_spec
from contrib_pipeline.defs.claims import Claims, claimed
from contrib_pipeline.defs.partitions import repositories
from contrib_pipeline.defs.requests import INSISTING, ReadAllMetadata, Request, Work, capture_requests
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events.commands import Discover, PullRequestDetails, Sync
from contrib_pipeline.events.histories import ask_for_histories
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.events.queue import Claimed
from contrib_pipeline.warehouse.tables import WRITE_ORDER

_PULL_REQUESTS = "github.pull_requests"
_SECONDS_BETWEEN_LOG_LINES = 5.0

_UPSTREAM = {
    "github.repositories": ["events/inbox"],
    "github.contributors": ["github/repositories"],
    "github.pull_requests": ["github/repositories"],
    "github.reviews": ["github/pull_requests"],
    "github.comments": ["github/pull_requests", "github/reviews"],
    "github.discussions": ["github/repositories"],
    "github.discussion_comments": ["github/discussions"],
}


class CaptureConfig(dg.Config):
    """What to capture. Empty: the run's partitions."""

    repositories: list[str] = Field([], description="owner/name of each; empty: the run's partitions.")
    depth: Literal["changed", "history"] = Field(
        "changed",
        description="changed: since the last capture, of a new repository the 100 newest; history: everything.",
    )
    numbers: list[int] = Field([], description="Only these pull requests, whole.")
    discussions_only: bool = Field(False, description="Discussions, and no pull requests.")
    events: list[str] = Field([], description="Ids of the events that asked for this run; they say what to capture.")


def _specs() -> list[dg.AssetSpec]:
    return [
        table_spec(
            table.name,
            kinds={"github"},
            partitions_def=repositories,
            skippable=True,
            deps=[dg.AssetKey(key.split("/")) for key in _UPSTREAM[table.name]],
        )
        for table in WRITE_ORDER
    ]


@dg.multi_asset(
    name="capture_repositories", specs=_specs(), can_subset=True, backfill_policy=dg.BackfillPolicy.single_run()
)
def capture_repositories(
    context: dg.AssetExecutionContext,
    config: CaptureConfig,
    pipeline: Pipeline,
    progress: dg.ResourceParam[Progress],
) -> Iterator[Any]:
    """Capture repositories from GitHub, page by page, and prove what is stored."""
    problems: list[str] = []
    unknown: list[str] = []
    with pipeline.captures(context.run.run_id) as captures:
        captures.on_page = _told(progress, context)
        with claimed(context, captures.connection, config.events, _events(context, config)) as claims:
            visible = [r.name_with_owner for r in known_repositories.visible(captures.connection)]
            work = capture_requests(claims.events, visible)
            answers = Answers(context, claims, work)
            captures.expect([request for request, _ in work if isinstance(request, CaptureRequest)])
            for request, events in work:
                if reason := _is_fresh(captures, request, events):
                    claims.skip(events, reason)
                    continue
                outcomes = _carried_out(captures, request)
                for outcome in outcomes:
                    progress.captured(outcome)
                    report(context, pipeline, outcome, always=_tables_asked_for(context))
                answers.note(events, outcomes)
                problems += _problems(outcomes)
                unknown += [outcome.asked for outcome in outcomes if outcome.is_hopeless and not outcome.repository]
                if isinstance(request, ReadAllMetadata) or any(outcome.names_changed for outcome in outcomes):
                    names.follow(context.instance, captures.connection)
        names.forget(context.instance, captures.connection, unknown)
    if problems:
        raise dg.Failure("; ".join(problems), allow_retries=False)
    yield from ()  # nothing is yielded: each partition's materialization was logged


def _carried_out(captures: Captures, request: Request) -> list[Outcome]:
    if isinstance(request, ReadAllMetadata):
        return many.read_metadata(captures, known_repositories.tracked(captures.connection))
    return [captures.capture(request)]


def _tables_asked_for(context: dg.AssetExecutionContext) -> Collection[str]:
    """The tables of a run on partitions: Dagster calls it failed if one of them is left without a materialization."""
    if context.has_partition_key or context.has_partition_key_range:
        return {".".join(key.path) for key in context.selected_asset_keys}
    return ()


def _problems(outcomes: Sequence[Outcome]) -> list[str]:
    """What makes the run fail: not what waits for GitHub's budget, nor that a repository is found gone or hidden."""
    return [o.error for o in outcomes if o.error and o.deferred_until is None and o.terminal_reason is None]


def _events(context: dg.AssetExecutionContext, config: CaptureConfig) -> list[Event]:
    """What a run that no event asked for is to do, as the events that would have asked for it."""
    names = config.repositories
    if not names and (context.has_partition_key or context.has_partition_key_range):
        names = list(context.partition_keys)
    if config.numbers:
        return [Event("capture/pr.details", {"repository": n, "prNumbers": config.numbers}) for n in names]
    if config.discussions_only:
        return [Event("capture/repository.discussions", {"repository": n}) for n in names]
    name = "capture/repository.sync-enhanced" if config.depth == "history" else "capture/repository.sync"
    return [Event(name, {"repository": n, "reason": "manual"}) for n in names]


def _is_fresh(captures: Captures, request: Request, events: list[Claimed]) -> str | None:
    """Why a sync would find nothing new: GitHub was asked within the last minute, and nobody insists."""
    if not all(isinstance(e.command, Sync) and e.command.reason not in INSISTING for e in events):
        return None
    assert not isinstance(request, ReadAllMetadata)
    seconds = known_repositories.seconds_since_verified(captures.connection, request.repository)
    if seconds is None or seconds >= known_repositories.FRESH_SECONDS:
        return None
    return f"Fresh: {request.repository} was verified {seconds:.0f} s ago."


def report(
    context: dg.AssetExecutionContext, pipeline: Pipeline, outcome: Outcome, *, always: Collection[str] = ()
) -> None:
    """Log the outcome, add its partition, and a materialization of each table that changed, or is among ``always``."""
    log = context.log.warning if outcome.error else context.log.info
    log(
        f"{outcome.name}: {outcome.counts.changed} rows changed, {outcome.spent.requests} requests, "
        f"{outcome.spent.points} points. {outcome.error or ''}"
    )
    for remark in outcome.remarks:
        context.log.info(remark)
    if outcome.repository is None or (outcome.is_hopeless and not outcome.counts.by_table):
        return
    if not context.instance.has_dynamic_partition(str(repositories.name), outcome.name):
        context.instance.add_dynamic_partitions(str(repositories.name), [outcome.name])
    for table in WRITE_ORDER:
        written = outcome.counts.by_table.get(table.name)
        if table.name == _PULL_REQUESTS or table.name in always or (written and written.changed):
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=dg.AssetKey(table.name.split(".")),
                    partition=outcome.name,
                    metadata=_metadata(table.name, pipeline, outcome),
                )
            )


def _metadata(table: str, pipeline: Pipeline, outcome: Outcome) -> dict[str, Any]:
    written = outcome.counts.by_table.get(table)
    metadata: dict[str, Any] = {
        "rows_captured": written.captured if written else 0,
        "rows_changed": written.changed if written else 0,
        "repository": dg.MetadataValue.url(f"{pipeline.settings.github_web_url}/{outcome.name}"),
    }
    if table != _PULL_REQUESTS:
        return metadata
    metadata |= {"requests": outcome.spent.requests, "points": outcome.spent.points, "complete": outcome.is_complete}
    if outcome.stored_total is not None:
        metadata["dagster/partition_row_count"] = outcome.stored_total
    if outcome.github_total is not None:
        metadata["github_total"] = outcome.github_total
    return metadata


@dataclass
class Answers:
    """Ends each event when the last of the requests that it asked for has an outcome."""

    context: dg.AssetExecutionContext
    claims: Claims
    work: Work
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._left = Counter(event.id for _, events in self.work for event in events)

    def note(self, events: Sequence[Claimed], outcomes: Sequence[Outcome]) -> None:
        """What became of one request of these events."""
        for event in events:
            self.outcomes.setdefault(event.id, []).extend(outcomes)
            self._left[event.id] -= 1
            if not self._left[event.id]:
                self._end(event, self.outcomes[event.id])

    def _end(self, event: Claimed, outcomes: Sequence[Outcome]) -> None:
        deferred = [o for o in outcomes if o.deferred_until]
        failed = [o for o in outcomes if o.error and not o.is_hopeless]
        if deferred:
            until = max(o.deferred_until for o in deferred if o.deferred_until)
            self.claims.defer([event], until, str(deferred[0].error))
            self.context.instance.add_run_tags(self.context.run.run_id, {"deferred": until.isoformat()})
        elif failed:
            self.claims.retry([event], str(failed[0].error))
        elif len(outcomes) == 1 and outcomes[0].terminal_reason:
            self._end_with(event, outcomes[0])
        elif len(outcomes) == 1 and _is_refused(event, outcomes[0]):
            self.claims.fail([event], str(outcomes[0].error))
        else:
            # Among many, one that GitHub no longer shows is recorded, and nothing is left to do.
            self.claims.done([event])
            if isinstance(event.command, Discover) and (found := outcomes[0].repository):
                ask_for_histories(self.claims.connection, [found.id], event.source)

    def _end_with(self, event: Claimed, outcome: Outcome) -> None:
        """Of a repository that we hold, that GitHub does not show it is what there was to find: no failure."""
        if outcome.was_terminal:
            self.claims.skip(
                [event], f"GitHub still does not show {outcome.name}: recorded as {outcome.terminal_reason}."
            )
        else:
            self.claims.done([event], f"GitHub no longer shows {outcome.name}: recorded as {outcome.terminal_reason}.")


def _is_refused(event: Claimed, outcome: Outcome) -> bool:
    """Whether what this event asks for can't be had; other events may have asked for other pull requests."""
    asked = event.command.numbers if isinstance(event.command, PullRequestDetails) else ()
    return outcome.is_hopeless and (not outcome.missing or bool(outcome.missing.intersection(asked)))


def _told(progress: Progress, context: dg.AssetExecutionContext) -> Callable[[str, str, int, int], None]:
    """Tell ``progress`` of every page, and the run's log of one every few seconds: a log line costs 20 ms."""
    last = time.monotonic()

    def on_page(repository: str, subject: str, read: int, total: int) -> None:
        nonlocal last
        progress.page(repository, subject, read, total)
        if time.monotonic() - last > _SECONDS_BETWEEN_LOG_LINES:
            last = time.monotonic()
            context.log.info(f"{repository}: {read} of {total} {subject.replace('_', ' ')}")

    return on_page
