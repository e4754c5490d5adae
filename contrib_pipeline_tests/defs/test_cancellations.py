"""Cancellations end events and the runs that hold them, or wait for them, and no others."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from contrib_pipeline.definitions import defs
from contrib_pipeline.defs import cancellations
from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.warehouse.connection import Connection

QUEUED, CANCELED = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.CANCELED

# A queued run says which code server it is for; nobody asks this one.
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("127.0.0.1", 1, None, "contrib_pipeline"), "__repository__"),
    "capture",
)


class Desk:
    """An inbox with queued runs for its events."""

    def __init__(self, connection: Connection, instance: dg.DagsterInstance) -> None:
        self.connection, self.instance = connection, instance

    def sync(self, repository: str) -> str:
        (event_id,) = inbox.post(
            self.connection, [Event("capture/repository.sync", {"repository": repository})], "inngest"
        )
        return event_id

    def queued(self, *event_ids: str) -> str:
        """A run that waits for its turn to take these events."""
        config = {"ops": {"capture_repositories": {"config": {"events": list(event_ids)}}}}
        run = self.instance.create_run_for_job(
            defs.resolve_job_def("capture"), run_config=config, status=QUEUED, remote_job_origin=ORIGIN
        )
        return run.run_id

    def cancel(self, **data: Any) -> None:
        event = Event("cancel/function", {"reason": "user_requested", **data})
        (event_id,) = inbox.post(self.connection, [event], "inngest")
        cancellations.carry_out(self.connection, self.instance, [event_id])
        assert self.state(event_id) == "done"

    def state(self, event_id: str) -> str:
        return str(inbox.show(self.connection, event_id)["state"])

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run.status


@pytest.fixture
def desk(connection: Connection) -> Iterator[Desk]:
    with dg.instance_for_test() as instance:
        yield Desk(connection, instance)


def test_a_queued_run_whose_events_are_all_cancelled_is_cancelled_at_once(desk: Desk) -> None:
    kit, other = desk.sync("octo/kit"), desk.sync("octo/other")
    run, other_run = desk.queued(kit), desk.queued(other)
    desk.cancel(repository="octo/kit")
    assert (desk.state(kit), desk.status(run)) == ("cancelled", CANCELED)
    assert (desk.state(other), desk.status(other_run)) == ("pending", QUEUED)


def test_a_queued_run_that_has_other_work_stays(desk: Desk) -> None:
    kit, other = desk.sync("octo/kit"), desk.sync("octo/other")
    run = desk.queued(kit, other)
    desk.cancel(event_id=kit)
    assert (desk.state(kit), desk.state(other), desk.status(run)) == ("cancelled", "pending", QUEUED)
    assert [event.id for event in queue.claim(desk.connection, [kit, other], run)] == [other]


def test_a_queued_run_that_is_named_takes_its_events_with_it(desk: Desk) -> None:
    kit = desk.sync("octo/kit")
    run = desk.queued(kit)
    desk.cancel(run_id=run)
    assert (desk.state(kit), desk.status(run)) == ("cancelled", CANCELED)
    assert run in inbox.show(desk.connection, kit)["reason"]


def test_a_queued_run_that_no_event_asked_for_stays(desk: Desk) -> None:
    run = desk.queued()
    desk.cancel()
    assert desk.status(run) == QUEUED


def test_a_run_that_is_unknown_or_over_is_no_error(desk: Desk) -> None:
    run = desk.queued()
    desk.instance.report_run_canceled(desk.instance.get_run_by_id(run))  # type: ignore[arg-type]
    desk.cancel(run_id=run)
    desk.cancel(run_id="never-heard-of")
    assert desk.status(run) == CANCELED
