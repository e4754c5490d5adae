"""Which events share a run: plain values in, batches out."""

from hypothesis import given
from hypothesis import strategies as st

from contrib_pipeline.events.catalogue import BY_NAME, CATALOGUE
from contrib_pipeline.events.commands import HISTORY
from contrib_pipeline.events.dispatch import Batch, dispatch
from contrib_pipeline.events.jobs import JOBS
from contrib_pipeline.events.queue import Pending
from contrib_pipeline.events.repositories import KnownRepository


def event(id_: str, key: str | None, function: str = "capture/repository.sync", priority: int = 40) -> Pending:
    return Pending(id_, function, function, key, priority, "inngest")


def repositories(size: str, *keys: str) -> dict[str, KnownRepository]:
    return {key: KnownRepository(key.upper(), size, True) for key in keys}


def sizes(batches: list[Batch]) -> list[int]:
    return [len(batch.keys) for batch in batches]


def test_every_function_has_its_job() -> None:
    assert set(JOBS) == {entry.function for entry in CATALOGUE}


def test_the_history_of_a_repository_shares_no_run_with_its_other_events() -> None:
    pending = [event("1", "a/b"), event("2", "a/b", HISTORY, 40), event("3", "a/b", HISTORY, 40)]
    assert [batch.event_ids for batch in dispatch(pending, {})] == [("1",), ("2", "3")]


def test_nothing_pending_is_no_batch() -> None:
    assert dispatch([], {}) == []


def test_the_events_of_one_repository_share_a_run() -> None:
    pending = [
        event("1", "a/b"),
        event("2", "a/b", "capture/pr.details", 50),
        event("3", "a/b", "sync/discussions", 10),
    ]
    (batch,) = dispatch(pending, {})
    assert (batch.job, batch.event_ids, batch.keys, batch.priority) == (
        "capture",
        ("1", "2", "3"),
        ("a/b",),
        50,
    )


def test_small_repositories_share_a_run_by_fifties_medium_by_tens_and_large_run_alone() -> None:
    keys = [f"octo/{n:03}" for n in range(60)]
    pending = [event(f"{n:03}", key) for n, key in enumerate(keys)]
    assert sizes(dispatch(pending, repositories("small", *keys))) == [50, 10]
    assert sizes(dispatch(pending, repositories("medium", *keys))) == [10] * 6
    assert sizes(dispatch(pending[:3], repositories("large", *keys))) == [1, 1, 1]
    assert sizes(dispatch(pending, {})) == [10] * 6


def test_single_pull_requests_are_light_whatever_their_repositorys_size() -> None:
    keys = [f"octo/{n:03}" for n in range(50)]
    pending = [event(f"{n:03}", key, "capture/pr.details") for n, key in enumerate(keys)]
    assert sizes(dispatch(pending, repositories("large", *keys))) == [50]


def test_a_history_walk_runs_alone() -> None:
    keys = ["octo/a", "octo/b"]
    pending = [event(key, key, "capture/repository.sync-enhanced", -10) for key in keys]
    assert sizes(dispatch(pending, repositories("small", *keys))) == [1, 1]


def test_urgent_work_does_not_wait_in_a_run_with_other_work() -> None:
    batches = dispatch([event("1", "octo/a", priority=0), event("2", "octo/b", priority=50)], {})
    assert [(batch.event_ids, batch.priority) for batch in batches] == [(("2",), 50), (("1",), 0)]


def test_workspaces_of_a_tick_share_a_run_and_changes_keep_their_order() -> None:
    pending = [
        event("3", "web", "workspace/repository-change"),
        event("1", "web", "workspace/repository-change"),
        event("2", "api", "workspace/repository-change"),
        event("4", "web", "aggregate/workspace-metrics", 30),
    ]
    changes, aggregation = dispatch(pending, {})
    assert (changes.job, changes.event_ids) == ("change_workspaces", ("1", "2", "3"))
    assert (aggregation.job, aggregation.event_ids) == ("aggregate", ("4",))


def test_what_is_about_everything_runs_by_function() -> None:
    pending = [
        event("1", "*", "sync/discussions", 10),
        event("2", "*", "classify/repository.size", 10),
        event("3", "*", "sync/discussions", 10),
    ]
    assert [batch.event_ids for batch in dispatch(pending, {})] == [("1", "3"), ("2",)]


def test_a_cancellation_is_the_sensors_own_work_and_comes_first() -> None:
    batches = dispatch([event("1", "a/b"), event("2", None, "cancel/function", 100)], {})
    assert [(batch.job, batch.event_ids) for batch in batches] == [(None, ("2",)), ("capture", ("1",))]


def test_tags_name_events_reason_and_the_repository_in_its_spelling() -> None:
    pending = [
        Pending("1", "x", "capture/repository.sync", "octo/kit", 40, "inngest", "manual"),
        event("2", "octo/kit"),
    ]
    (batch,) = dispatch(pending, {"octo/kit": KnownRepository("Octo/Kit", "small", True)})
    assert batch.tags == {
        "contrib/event": "capture/repository.sync",
        "contrib/reason": "inngest, manual",
        "contrib/repository": "Octo/Kit",
    }


REPOSITORY_WORK = [name for name, job in JOBS.items() if job == "capture"]
EVENTS = st.lists(
    st.builds(
        lambda key, function, priority: (key, function, priority),
        st.sampled_from([f"octo/{n}" for n in range(30)]),
        st.sampled_from(REPOSITORY_WORK),
        st.sampled_from([-10, 10, 40, 50]),
    ),
    max_size=120,
)


@given(
    EVENTS,
    st.dictionaries(st.sampled_from([f"octo/{n}" for n in range(30)]), st.sampled_from(["small", "large"])),
)
def test_every_event_is_in_one_batch_and_every_repository_too_but_for_its_history(
    drawn: list[tuple[str, str, int]], known: dict[str, str]
) -> None:
    pending = [event(f"{n:04}", key, function, priority) for n, (key, function, priority) in enumerate(drawn)]
    batches = dispatch(pending, {key: KnownRepository(key, size, True) for key, size in known.items()})
    assert sorted(id_ for batch in batches for id_ in batch.event_ids) == [each.id for each in pending]
    by_id = {each.id: each for each in pending}
    works = [{(by_id[id_].key, by_id[id_].function == HISTORY) for id_ in batch.event_ids} for batch in batches]
    assert sum(map(len, works)) == len({(each.key, each.function == HISTORY) for each in pending})
    assert all(len({is_history for _, is_history in work}) == 1 for work in works)
    assert [batch.priority for batch in batches] == sorted((batch.priority for batch in batches), reverse=True)


def test_every_name_of_the_catalogue_leads_to_a_job() -> None:
    assert {JOBS[entry.function] for entry in BY_NAME.values()} == {
        "capture",
        "aggregate",
        "change_workspaces",
        "cleanup",
        "prioritise",
        None,
    }
