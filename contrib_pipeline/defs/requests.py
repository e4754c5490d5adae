"""Commands of events → requests for captures: what several events ask of one repository is asked of GitHub once.

Pure. Only here do the vocabularies of ``events`` and ``capture`` meet.
"""

from collections.abc import Iterable, Sequence

from contrib_pipeline.capture.captures import CaptureRequest
from contrib_pipeline.events.commands import (
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

Work = list[tuple[CaptureRequest, list[Claimed]]]


def capture_requests(events: Iterable[Claimed], tracked: Sequence[str]) -> Work:
    """Each request with the events that it answers, in the events' order; ``tracked`` are all tracked repositories."""
    wanted: dict[CaptureRequest, list[Claimed]] = {}
    for event in events:
        for request in _requests(event.command, tracked):
            wanted.setdefault(request, []).append(event)
    return _with_numbers_together(wanted)


def _requests(command: Command, tracked: Sequence[str]) -> list[CaptureRequest]:
    match command:
        case PullRequestDetails(repository=name, numbers=numbers):
            return [CaptureRequest(name, numbers=numbers)]
        case Sync(repository=name):
            return [CaptureRequest(name)]
        case SyncHistory(repository=name):
            return [CaptureRequest(name, depth="history")]
        case Discover(repository=name):
            return [CaptureRequest(name, track=True)]
        case SyncDiscussions(repository=name):
            return [CaptureRequest(name, subjects=("discussions",))]
        case SyncAllDiscussions():
            return [CaptureRequest(name, subjects=("discussions",)) for name in tracked]
        case Classify(repository=name):
            return [CaptureRequest(name, subjects=())]
        case ClassifyAll():
            return [CaptureRequest(name, subjects=()) for name in tracked]
        case _:
            raise TypeError(f"{type(command).__name__} is not carried out by a capture.")


def _with_numbers_together(wanted: dict[CaptureRequest, list[Claimed]]) -> Work:
    """One request for all single pull requests of a repository."""
    together: dict[str, tuple[set[int], list[Claimed]]] = {}
    rest: Work = []
    for request, events in wanted.items():
        if request.numbers:
            numbers, asked = together.setdefault(request.repository, (set(), []))
            numbers.update(request.numbers)
            asked += events
        else:
            rest.append((request, events))
    single = [(CaptureRequest(name, numbers=tuple(sorted(n))), asked) for name, (n, asked) in together.items()]
    return single + rest
