"""Commands that ask GitHub: ``capture``, ``discussions``, ``verify``, ``track``, ``untrack``."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Drawing

from contrib_pipeline.capture import repositories
from contrib_pipeline.capture.outcome import Outcome
from contrib_pipeline.capture.progress import Progress
from contrib_pipeline.cli.instance import dagster_instance, database, warehouse
from contrib_pipeline.cli.local_github import github_settings
from contrib_pipeline.cli.output import as_json, print_rows
from contrib_pipeline.cli.runs import run_here
from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.settings import read_settings

if TYPE_CHECKING:
    from contrib_pipeline.capture.verify import Verification

_KINDS, _WAYS = ("pull_requests", "discussions"), ("missing", "surplus", "different")
_MOST_NAMED = 20
_COLUMNS = (
    "repository",
    "complete",
    *(f"{kind}_{side}" for kind in _KINDS for side in ("on_github", "stored")),
    "differences",
)
_REVIEWS, _COMMENTS = "github.reviews", "github.comments"
_PULL_REQUESTS = "github.pull_requests"
_DISCUSSIONS = ("github.discussions", "github.discussion_comments")

names = click.argument("names", nargs=-1, required=True, metavar="OWNER/NAME…")


@click.command()
@names
@click.option("--history", is_flag=True, help="Everything, discussions included; goes on where it was stopped.")
@click.option("--number", "numbers", type=int, multiple=True, help="Only this pull request, whole; repeatable.")
def capture(names: tuple[str, ...], history: bool, numbers: tuple[int, ...]) -> None:
    """Capture repositories now, as a run that the UI shows too.

    Without options: what changed since the last capture; of a new repository the 100 newest pull requests. The last
    line on stdout is JSON. Exit code 0 only if everything asked for is stored.
    """
    _run(names, {"depth": "history" if history else "changed", "numbers": list(numbers)})


@click.command()
@names
def discussions(names: tuple[str, ...]) -> None:
    """Capture the discussions of repositories, with comments, replies and chosen answers."""
    _run(names, {"discussions_only": True})


@click.command()
@names
@click.option("--repair", is_flag=True, help="Capture exactly what differs; mark deleted what GitHub no longer has.")
@as_json
def verify(names: tuple[str, ...], repair: bool, as_json: bool) -> None:
    """Compare what is stored with what GitHub has, pull request by pull request.

    Exit code 0 only if all is there, or is after the repair.
    """
    from contrib_pipeline.capture.verify import verify as compared
    from contrib_pipeline.defs.resources import open_captures

    spelled, settings = [_spelled(name) for name in names], github_settings()
    with database(settings) as url, open_captures(settings, url) as captures:
        found = [compared(captures, name, mend=repair) for name in spelled]
    print_rows([_row(verification) for verification in found], _COLUMNS, as_json=as_json, empty="")
    for verification in found:
        for line in _named(verification):
            click.echo(line, err=True)
    if not all(verification.is_complete for verification in found):
        raise SystemExit(1)


@click.command()
@names
def track(names: tuple[str, ...]) -> None:
    """Track repositories: writes an event for each; `contrib-pipeline up` carries it out."""
    settings = read_settings()
    with warehouse(settings) as connection:
        events = [Event("discover/new-repository", {"repository": _spelled(name)}) for name in names]
        for name, event_id in zip(names, inbox.post(connection, events, "cli"), strict=True):
            click.echo(f"{event_id}  {name}")


@click.command()
@names
def untrack(names: tuple[str, ...]) -> None:
    """Stop capturing repositories; what is stored stays."""
    with warehouse(read_settings()) as connection:
        for name in names:
            known = repositories.known(connection, _spelled(name))
            if known is None:
                raise click.ClickException(f"{name} is not known: nothing to stop.")
            repositories.set_tracked(connection, known.id, is_tracked=False)
            click.echo(f"{known.name_with_owner} is no longer tracked; its data stays.")


def _run(asked: Sequence[str], config: dict[str, Any]) -> None:
    """Capture in this process; print the result, exit 1 if it is not complete."""
    spelled = [_spelled(name) for name in asked]
    settings = github_settings()
    started, bars = time.monotonic(), Bars()
    with dagster_instance(settings) as instance, bars.drawn:
        run = run_here(
            instance, "capture", {"capture_repositories": {"repositories": spelled, **config}}, progress=bars
        )
    for remark in (remark for outcome in bars.outcomes for remark in outcome.remarks):
        click.echo(remark, err=True)
    for error in [run.error] if run.error else [outcome.error for outcome in bars.outcomes if outcome.error]:
        click.echo(f"Error: {error}", err=True)
    click.echo(json.dumps(_summary(bars.outcomes, run.run_id, time.monotonic() - started)))
    if run.error or len(bars.outcomes) < len(spelled) or not all(o.is_complete for o in bars.outcomes):
        raise SystemExit(1)


def _summary(outcomes: Sequence[Outcome], run_id: str, seconds: float) -> dict[str, Any]:
    return {
        "repositories": len(outcomes),
        "pull_requests": sum(o.counts.captured(_PULL_REQUESTS) for o in outcomes),
        "reviews": sum(o.counts.captured(_REVIEWS) for o in outcomes),
        "comments": sum(o.counts.captured(_COMMENTS) for o in outcomes),
        "discussions": sum(o.counts.captured(*_DISCUSSIONS) for o in outcomes),
        "changed": sum(o.counts.changed for o in outcomes),
        "requests": sum(o.spent.requests for o in outcomes),
        "points": sum(o.spent.points for o in outcomes),
        "seconds": round(seconds, 1),
        "run_id": run_id,
    }


def _row(verification: "Verification") -> dict[str, Any]:
    """One repository's comparison: totals for the table, the numbers of what differs for JSON."""
    outcome = verification.outcome
    row: dict[str, Any] = {"repository": outcome.name, "complete": verification.is_complete}
    for kind in _KINDS:
        compared = verification.compared.get(kind)
        row[f"{kind}_on_github"] = compared.github_total if compared else None
        row[f"{kind}_stored"] = compared.stored_total if compared else None
        row[f"{kind}_unlisted"] = compared.unlisted if compared else None
        for way in _WAYS:
            row[f"{kind}_{way}"] = sorted(getattr(compared, way)) if compared else []
    row["differences"] = sum(len(value) for value in row.values() if isinstance(value, list))
    row |= {"repaired": verification.is_repaired, "error": outcome.error}
    return row | {"requests": outcome.spent.requests, "points": outcome.spent.points}


def _named(verification: "Verification") -> list[str]:
    """What differs, or did before the repair, and what went wrong, a line each."""
    repaired = "repaired, were " if verification.is_repaired and verification.is_complete else ""
    lines = [
        f"{verification.outcome.name}: {repaired}{way} {kind.replace('_', ' ')}: {_some(sorted(numbers))}"
        for kind, compared in verification.compared.items()
        for way in _WAYS
        if (numbers := getattr(compared, way))
    ]
    lines += verification.outcome.remarks
    return lines + ([f"Error: {verification.outcome.error}"] if verification.outcome.error else [])


def _some(numbers: Sequence[int]) -> str:
    more = len(numbers) - _MOST_NAMED
    return ", ".join(map(str, numbers[:_MOST_NAMED])) + (
        f" and {more} more (--json names them all)" if more > 0 else ""
    )


def _spelled(name: str) -> str:
    try:
        return "/".join(repositories.parse_name(name))
    except repositories.InvalidName as error:
        raise click.UsageError(str(error)) from error


class Bars(Progress):
    """Progress bars on stderr, one per repository and subject; keeps the outcomes."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(stderr=True)
        self.drawn = Drawing(*columns, console=console, disable=not console.is_terminal)
        self.outcomes: list[Outcome] = []
        self._tasks: dict[str, TaskID] = {}
        self._read: dict[str, int] = {}

    def page(self, repository: str, subject: str, read: int, total: int) -> None:
        """A walk that follows another, over what changed during a history, does not set its bar back."""
        label = f"{repository} {subject.replace('_', ' ')}"
        if label not in self._tasks:
            self._tasks[label] = self.drawn.add_task(label, total=total)
        most = self._read[label] = max(read, self._read.get(label, 0))
        self.drawn.update(self._tasks[label], completed=most, total=max(total, most))

    def captured(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


COMMANDS = [capture, discussions, verify, track, untrack]
