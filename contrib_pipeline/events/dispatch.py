"""Which pending events share a run. Pure: the sensor gives it what is pending and gets batches.

Captures of one tick become few runs: a run costs a third of a second before it starts, and the events of one
repository are one piece of work. What a batch's events ask for, its run reads when it claims them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from contrib_pipeline.events.commands import EVERYTHING, HISTORY
from contrib_pipeline.events.jobs import JOBS
from contrib_pipeline.events.queue import Pending
from contrib_pipeline.events.repositories import KnownRepository

# A run takes 50 small repositories, 10 medium ones or 1 large one; a repository not yet known counts as medium.
_CAPACITY = 50
_WEIGHTS = {"small": 1, "medium": 5, "large": _CAPACITY}
_LIGHT = {"capture/pr.details", "classify/single-repository"}
_ALONE = {HISTORY, "scheduled/workspace-aggregation"}


@dataclass(frozen=True)
class Batch:
    """What one run is to do."""

    job: str | None
    event_ids: tuple[str, ...]
    keys: tuple[str, ...]
    tags: Mapping[str, str]
    """For the UI: contrib/event, contrib/reason, contrib/repository where it is one."""
    priority: int
    reason: str


@dataclass(frozen=True)
class _Work:
    """All events about one thing, for one job."""

    job: str | None
    key: str | None
    events: tuple[Pending, ...]

    @property
    def priority(self) -> int:
        return max(event.priority for event in self.events)

    @property
    def first(self) -> str:
        return min(event.id for event in self.events)

    def weight(self, repositories: Mapping[str, KnownRepository]) -> int:
        functions = {event.function for event in self.events}
        if functions & _ALONE or self.key in (None, EVERYTHING):
            return _CAPACITY
        if self.job != "capture" or functions <= _LIGHT:
            return 1
        known = repositories.get(self.key or "")
        return _WEIGHTS.get(known.size or "", _WEIGHTS["medium"]) if known else _WEIGHTS["medium"]


def dispatch(pending: Iterable[Pending], repositories: Mapping[str, KnownRepository]) -> list[Batch]:
    """Batches for ``pending``, the most urgent first; every event is in exactly one.

    So is every repository, but for its history: that goes beside its other events, never with them.

    ``repositories``: what is known of them, by key.
    """
    works = sorted(_works(pending), key=lambda work: (-work.priority, work.job or "", work.first))
    batches = []
    for _, alike in groupby(works, key=lambda work: (work.priority, work.job)):
        batches += [_batch(group, repositories) for group in _filled(list(alike), repositories)]
    return batches


def _works(pending: Iterable[Pending]) -> list[_Work]:
    """Events coalesced: one piece of work per job and key; what is about everything, or a history, per function."""
    grouped: dict[tuple[str | None, str | None, str], list[Pending]] = {}
    for event in sorted(pending, key=lambda event: event.id):
        goes_alone = event.key in (None, EVERYTHING) or event.function == HISTORY
        function = event.function if goes_alone else ""
        grouped.setdefault((JOBS[event.function], event.key, function), []).append(event)
    return [_Work(job, key, tuple(events)) for (job, key, _), events in grouped.items()]


def _filled(works: Sequence[_Work], repositories: Mapping[str, KnownRepository]) -> list[list[_Work]]:
    """``works`` in order, cut where a run is full."""
    groups: list[list[_Work]] = []
    filled = _CAPACITY
    for work in works:
        weight = work.weight(repositories)
        if filled + weight > _CAPACITY:
            groups.append([])
            filled = 0
        groups[-1].append(work)
        filled += weight
    return groups


def _batch(works: Sequence[_Work], repositories: Mapping[str, KnownRepository]) -> Batch:
    events = sorted((event for work in works for event in work.events), key=lambda event: event.id)
    reason = ", ".join(sorted({event.reason or event.source for event in events}))[:200]
    tags = {
        "contrib/event": ", ".join(sorted({event.function for event in events})),
        "contrib/reason": reason,
    }
    keys = tuple(dict.fromkeys(event.key for event in events if event.key))
    if works[0].job == "capture" and len(keys) == 1 and keys[0] != EVERYTHING:
        known = repositories.get(keys[0])
        tags["contrib/repository"] = known.name if known else keys[0]
    priority = max(work.priority for work in works)
    return Batch(works[0].job, tuple(event.id for event in events), keys, tags, priority, reason)
