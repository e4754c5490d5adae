"""What several events ask of one repository is asked of GitHub once."""

from datetime import UTC, datetime

import pytest

from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.defs.requests import ReadAllMetadata, Work, capture_requests
from contrib_pipeline.events.commands import (
    Classify,
    ClassifyAll,
    CleanUp,
    Command,
    Discover,
    PullRequestDetails,
    Sync,
    SyncAllDiscussions,
    SyncDiscussions,
    SyncHistory,
)
from contrib_pipeline.events.queue import Claimed


def claimed(*commands: Command) -> list[Claimed]:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return [Claimed(str(n), "", "", None, command, "inngest", 1, at) for n, command in enumerate(commands)]


def asked(*commands: Command, visible: tuple[str, ...] = ()) -> list[tuple[object, list[str]]]:
    work: Work = capture_requests(claimed(*commands), visible)
    return [(request, [event.id for event in events]) for request, events in work]


def test_nothing_asked_is_no_work() -> None:
    assert asked() == []


def test_syncs_of_one_repository_are_one_request_whatever_their_case() -> None:
    assert asked(Sync("octo/hello"), Sync("Octo/Hello"), Sync("octo/other")) == [
        (CaptureRequest("octo/hello"), ["0", "1"]),
        (CaptureRequest("octo/other"), ["2"]),
    ]


def test_a_discovery_and_a_sync_are_one_request_that_tracks() -> None:
    assert asked(Sync("octo/hello"), Discover("octo/hello")) == [(CaptureRequest("octo/hello", track=True), ["0", "1"])]


def test_the_pull_requests_of_several_events_are_one_request() -> None:
    assert asked(PullRequestDetails("octo/hello", (3, 1)), PullRequestDetails("octo/hello", (1, 2))) == [
        (CaptureRequest("octo/hello", subjects=("pull_requests",), numbers=(1, 2, 3)), ["0", "1"])
    ]


def test_numbers_of_discussions_and_of_pull_requests_stay_apart() -> None:
    found = asked(PullRequestDetails("octo/hello", (1,)), SyncDiscussions("octo/hello", (2,)))
    assert [request for request, _ in found] == [
        CaptureRequest("octo/hello", subjects=("pull_requests",), numbers=(1,)),
        CaptureRequest("octo/hello", subjects=("discussions",), numbers=(2,)),
    ]


def test_all_discussions_are_one_event_with_a_request_for_each_visible_repository() -> None:
    found = asked(SyncAllDiscussions(), visible=("octo/a", "octo/b"))
    assert found == [
        (CaptureRequest(name, subjects=("discussions",), is_background=True), ["0"]) for name in ("octo/a", "octo/b")
    ]


def test_what_somebody_waits_for_is_not_in_the_background() -> None:
    found = asked(SyncAllDiscussions(), SyncDiscussions("octo/a"), visible=("octo/a",))
    assert found == [(CaptureRequest("octo/a", subjects=("discussions",)), ["0", "1"])]


def test_the_metadata_of_all_is_one_request() -> None:
    assert asked(ClassifyAll(), Classify("octo/a"), ClassifyAll()) == [
        (ReadAllMetadata(), ["0", "2"]),
        (CaptureRequest("octo/a", subjects=()), ["1"]),
    ]


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (Sync("octo/a", "reconcile"), CaptureRequest("octo/a", depth="recent", is_background=True)),
        (Sync("octo/a", "sweep"), CaptureRequest("octo/a", depth="verify", is_background=True)),
        (Sync("octo/a", "manual"), CaptureRequest("octo/a")),
        (SyncHistory("octo/a", "manual"), CaptureRequest("octo/a", depth="history")),
        (SyncHistory("octo/a"), CaptureRequest("octo/a", depth="history", is_background=True)),
    ],
)
def test_the_reason_decides_how_deep_and_how_urgent(command: Command, request_: CaptureRequest) -> None:
    assert asked(command) == [(request_, ["0"])]


def test_what_is_no_capture_is_a_mistake_of_the_dispatch() -> None:
    with pytest.raises(TypeError, match="CleanUp"):
        asked(CleanUp())
