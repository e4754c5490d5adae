"""What is asked about many repositories at once, a hundred a request: their metadata, and which of them moved.

One repository's capture is ``captures``' business, what the probe's answer means ``probe``'s.
"""

from collections.abc import Sequence

from contrib_pipeline.capture import repositories
from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import Outcome, stops_told
from contrib_pipeline.capture.probe import Probed, probe
from contrib_pipeline.capture.repositories import Refreshed, Repository, refresh_all
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.errors import NotVisible
from contrib_pipeline.warehouse import tables

_METADATA = "metadata of repositories"


def read_metadata(captures: Captures, asked: Sequence[Repository]) -> list[Outcome]:
    """Read the metadata of all of them; finds renames, and what GitHub hides or shows.

    What GitHub has hidden is recorded as terminal, which is no failure; what stopped the reading is an outcome of its
    own.
    """
    looking = Outcome(_METADATA)
    groups: list[tuple[GitHubClient, list[Repository]]] = []
    with stops_told(looking):
        groups = _by_client(captures, asked)
    outcomes = [outcome for _, group in groups for outcome in _read_group(captures, group)]
    return [*outcomes, looking] if looking.error else outcomes


def _read_group(captures: Captures, group: Sequence[Repository]) -> list[Outcome]:
    """The metadata of those that one client sees."""
    reading, outcomes = Outcome(_METADATA), []
    with stops_told(reading), captures.asking(reading, group[0].name_with_owner, is_background=True):
        for found in refresh_all(captures.client, captures.connection, group):
            outcomes.append(_outcome(captures, found))
    if outcomes:
        outcomes[-1].spent = reading.spent
    return [*outcomes, reading] if reading.error else outcomes


def _outcome(captures: Captures, found: Refreshed) -> Outcome:
    before, after = found.before, found.after
    outcome = Outcome(before.name_with_owner, after or before)
    outcome.counts.add(tables.REPOSITORIES.name, found.written)
    outcome.names_changed = after is not None and after.name_with_owner != before.name_with_owner
    if isinstance(found.error, NotVisible):
        if not before.is_terminal:
            captures.mark_terminal(outcome, found.error)
    elif found.error:
        outcome.is_complete, outcome.error = False, str(found.error)
    return outcome


def find_moved(captures: Captures, asked: Sequence[Repository]) -> Probed:
    """Which of these repositories moved.

    Raises the subclasses of :class:`~contrib_pipeline.github.errors.GitHubError`, and
    :class:`~contrib_pipeline.warehouse.budget.BudgetWait`.
    """
    repositories.claim_host(captures.connection, captures.host)
    found = Probed()
    for client, group in _by_client(captures, asked):
        found += probe(client, captures.connection, group)
    return found


def _by_client(captures: Captures, asked: Sequence[Repository]) -> list[tuple[GitHubClient, list[Repository]]]:
    """The repositories, with the client that sees them."""
    groups: dict[int, tuple[GitHubClient, list[Repository]]] = {}
    for repository in asked:
        try:
            client = captures.client_for(repository.name_with_owner)
        except NotVisible:
            continue  # nobody may look at it: the check of freshness names it
        groups.setdefault(id(client), (client, []))[1].append(repository)
    return list(groups.values())
