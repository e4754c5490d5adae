"""Commands of events → requests for captures: what several events ask of one repository is asked of GitHub once.

Pure. Only here do the vocabularies of ``events`` and ``capture`` meet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from contrib_pipeline.capture.outcome import CaptureRequest, Depth
from contrib_pipeline.events.commands import (
    RECONCILE,
    SWEEP,
    Classify,
    ClassifyAll,
    Command,
    Discover,
    PullRequestDetails,
    Sync,
    SyncAllDiscussions,
    SyncDiscussions,
    SyncHistory,
)
from contrib_pipeline.events.queue import Claimed

_DISCUSSIONS = ("discussions",)
INSISTING = {"manual", RECONCILE, SWEEP}
"""Reasons of syncs that are never skipped as fresh."""
_DEPTHS: dict[str | None, Depth] = {RECONCILE: "recent", SWEEP: "verify"}


@dataclass(frozen=True)
class ReadAllMetadata:
    """Read the metadata of all tracked repositories again, many a request."""


Request = CaptureRequest | ReadAllMetadata
Work = list[tuple[Request, list[Claimed]]]


def capture_requests(events: Iterable[Claimed], visible: Sequence[str]) -> Work:
    """Each request with the events that it answers, in the events' order.

    ``visible`` are the tracked repositories that GitHub shows.
    """
    wanted: dict[Request, list[Claimed]] = {}
    for event in events:
        for request in _requests(event.command, visible):
            wanted.setdefault(request, []).append(event)
    return _merged(wanted)


def _requests(command: Command, visible: Sequence[str]) -> Sequence[Request]:
    match command:
        case PullRequestDetails(repository=name, numbers=numbers):
            return [CaptureRequest(name, subjects=("pull_requests",), numbers=numbers)]
        case Sync(repository=name, reason=reason):
            return [CaptureRequest(name, depth=_DEPTHS.get(reason, "changed"), is_background=reason in _DEPTHS)]
        case SyncHistory(repository=name, reason=reason):
            return [CaptureRequest(name, depth="history", is_background=reason != "manual")]
        case Discover(repository=name):
            return [CaptureRequest(name, track=True)]
        case SyncDiscussions(repository=name, numbers=numbers):
            return [CaptureRequest(name, subjects=_DISCUSSIONS, numbers=numbers)]
        case SyncAllDiscussions():
            return [CaptureRequest(name, subjects=_DISCUSSIONS, is_background=True) for name in visible]
        case Classify(repository=name):
            return [CaptureRequest(name, subjects=())]
        case ClassifyAll():
            return [ReadAllMetadata()]
        case _:
            raise TypeError(f"{type(command).__name__} is not carried out by a capture.")


def _merged(wanted: dict[Request, list[Claimed]]) -> Work:
    """One request for all that is alike of a repository; single numbers go together."""
    together: dict[tuple[object, ...], tuple[Request, list[Claimed]]] = {}
    for request, events in wanted.items():
        key = _alike(request)
        if key in together:
            other, asked = together[key]
            together[key] = (_both(other, request), [*asked, *(event for event in events if event not in asked)])
        else:
            together[key] = (request, list(events))
    return list(together.values())


def _alike(request: Request) -> tuple[object, ...]:
    if isinstance(request, ReadAllMetadata):
        return (request,)
    return (request.repository.lower(), request.depth, request.subjects, bool(request.numbers))


def _both(one: Request, other: Request) -> Request:
    if isinstance(one, ReadAllMetadata) or isinstance(other, ReadAllMetadata):
        return one
    return replace(
        one,
        numbers=tuple(sorted({*one.numbers, *other.numbers})),
        track=one.track or other.track,
        is_background=one.is_background and other.is_background,
    )
