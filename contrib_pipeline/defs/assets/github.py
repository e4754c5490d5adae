"""Schema github: captured from GitHub's GraphQL API, partitioned by repository.

One multi-asset, since one page of one answer fills all of its tables; one run may capture many repositories. A
materialization is logged for each table whose rows changed, and always for ``github/pull_requests``, so that the UI
shows when a repository was last looked at. Dagster does not see which repository of a run failed: the ledger
``github.captures`` does.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from contrib_pipeline.capture import repositories as known_repositories
from contrib_pipeline.capture.captures import CaptureRequest, Captures, Outcome
from contrib_pipeline.capture.progress import Progress
from contrib_pipeline.defs.assets.specs import table_spec
from contrib_pipeline.defs.claims import Claims, claimed
from contrib_pipeline.defs.partitions import repositories
from contrib_pipeline.defs.requests import capture_requests
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.events import inbox
from contrib_pipeline.events.commands import Discover, Sync
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
    with pipeline.captures(context.run.run_id) as captures:
        captures.on_page = _told(progress, context)
        with claimed(context, captures.connection, config.events, _events(context, config)) as claims:
            tracked = [r.name_with_owner for r in known_repositories.tracked(captures.connection)]
            for request, events in capture_requests(claims.events, tracked):
                if reason := _is_fresh(captures, request, events):
                    claims.skip(events, reason)
                    continue
                outcome = captures.capture(request)
                progress.captured(outcome)
                report(context, pipeline, outcome)
                _end_events(context, claims, events, outcome)
                if outcome.error and outcome.deferred_until is None:
                    problems.append(outcome.error)
    if problems:
        raise dg.Failure("; ".join(problems), allow_retries=False)
    yield from ()  # nothing is yielded: each partition's materialization was logged


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


def _is_fresh(captures: Captures, request: CaptureRequest, events: list[Claimed]) -> str | None:
    """Why a sync would find nothing new: GitHub was asked within the last minute, and nobody insists."""
    if not all(isinstance(e.command, Sync) and e.command.reason != "manual" for e in events):
        return None
    seconds = known_repositories.seconds_since_verified(captures.connection, request.repository)
    if seconds is None or seconds >= known_repositories.FRESH_SECONDS:
        return None
    return f"Fresh: {request.repository} was verified {seconds:.0f} s ago."


def report(context: dg.AssetExecutionContext, pipeline: Pipeline, outcome: Outcome) -> None:
    """Log the outcome, add its partition, and log a materialization of each table that changed."""
    log = context.log.warning if outcome.error else context.log.info
    log(
        f"{outcome.name}: {outcome.counts.changed} rows changed, {outcome.spent.requests} requests, "
        f"{outcome.spent.points} points. {outcome.error or ''}"
    )
    if outcome.repository is None or outcome.is_terminal:
        return
    if not context.instance.has_dynamic_partition(str(repositories.name), outcome.name):
        context.instance.add_dynamic_partitions(str(repositories.name), [outcome.name])
    for table in WRITE_ORDER:
        written = outcome.counts.by_table.get(table.name)
        if table.name == _PULL_REQUESTS or (written and written.changed):
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


def _end_events(context: dg.AssetExecutionContext, claims: Claims, events: list[Claimed], outcome: Outcome) -> None:
    """End the events that a capture answers; the discovery of a repository asks for its history at lowest priority."""
    if outcome.deferred_until:
        claims.defer(events, outcome.deferred_until, str(outcome.error))
        context.instance.add_run_tags(context.run.run_id, {"deferred": outcome.deferred_until.isoformat()})
    elif outcome.is_terminal:
        claims.fail(events, str(outcome.error))
    elif outcome.error:
        claims.retry(events, outcome.error)
    else:
        claims.done(events)
        found = [event for event in events if isinstance(event.command, Discover)]
        if found and outcome.repository and not outcome.repository.history_complete:
            history = Event("capture/repository.sync-enhanced", {"repository": outcome.name, "reason": "discovered"})
            inbox.post(claims.connection, [history], found[0].source)


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
