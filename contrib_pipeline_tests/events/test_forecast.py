"""When the queue will be through: the latest of three moments, and unknown where nothing was measured."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contrib_pipeline.events import inbox, queue
from contrib_pipeline.events.commands import HISTORY
from contrib_pipeline.events.forecast import Forecast, Pace, forecast, read_forecast
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.warehouse.connection import Connection

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SYNC = "capture/repository.sync"


def pace(
    waiting: int,
    *,
    behind: int = 0,
    ended: int = 60,
    busy: timedelta = HOUR,
    later: timedelta = -MINUTE,
    points: int = 0,
) -> Pace:
    return Pace(waiting, behind, NOW + later, ended, busy, points)


def budget(left: int, *, reset_in: timedelta | None = 20 * MINUTE, resource: str = "graphql") -> dict[str, Any]:
    reset_at = NOW + reset_in if reset_in else None
    return {
        "resource": resource,
        "points_limit": 5000,
        "points_left": left,
        "reset_at": reset_at,
        "floor_share": 0.1,
    }


def minutes(*paces: Pace, budgets: list[dict[str, Any]] | None = None) -> float | None:
    seconds = forecast(paces, budgets or [], NOW).seconds(NOW)
    return None if seconds is None else seconds / 60


# The rule


def test_where_nothing_waits_it_is_through() -> None:
    assert minutes() == 0
    assert str(forecast([], [], NOW)) == "nothing waits"


def test_where_nothing_was_measured_it_is_unknown() -> None:
    assert minutes(pace(3, ended=0)) is None
    assert str(forecast([pace(3, ended=0)], [], NOW)).startswith("unknown")


def test_one_sort_that_was_not_measured_makes_it_unknown() -> None:
    assert minutes(pace(3), pace(1, ended=0)) is None


def test_what_waits_is_done_at_the_pace_of_the_last_hour() -> None:
    assert minutes(pace(30)) == 30
    assert minutes(pace(30, ended=60, busy=10 * MINUTE)) == 5, "only busy time counts, not that nothing was to be done"


def test_sorts_run_beside_each_other_so_the_slower_one_counts() -> None:
    assert minutes(pace(30), pace(4, ended=2)) == 120


def test_what_waits_for_a_moment_is_done_after_it() -> None:
    assert minutes(pace(3, later=40 * MINUTE)) == 41


def test_points_that_are_left_are_no_reason_to_wait() -> None:
    assert minutes(pace(10, points=60), budgets=[budget(511)]) == 10


def test_points_that_are_missing_come_with_the_reset() -> None:
    assert minutes(pace(10, points=60 * 2), budgets=[budget(511)]) == 20, "20 are needed, 11 are ours"
    assert minutes(pace(10, points=60 * 400), budgets=[budget(600)]) == 20, "3,900 of the next hour's 4,500"


def test_points_for_more_than_an_hour_come_with_later_resets() -> None:
    assert minutes(pace(10, points=60 * 461), budgets=[budget(600)]) == 80, "4,510 are missing, an hour gives 4,500"
    assert minutes(pace(30, points=60 * 461), budgets=[budget(500)]) == 20 + 3 * 60


def test_what_nobody_waits_for_leaves_more_and_comes_last() -> None:
    all_behind = pace(10, behind=10, points=60)
    assert minutes(all_behind, budgets=[budget(1510)]) == 10, "10 are needed, 10 are above the 1,500 that it leaves"
    assert minutes(all_behind, budgets=[budget(1509)]) == 20
    assert minutes(pace(10, behind=5, points=60), budgets=[budget(1509)]) == 20, "what goes first takes from it"
    assert minutes(pace(10, points=60), budgets=[budget(1509)]) == 10
    hours = pace(10, behind=10, points=60 * 701)
    assert minutes(hours, budgets=[budget(1500)]) == 20 + 60 * 2, "7,010 are missing, an hour gives it 3,500"


def test_only_points_of_credentials_in_use_are_counted_on() -> None:
    others = [budget(5000, reset_in=None), budget(5000, resource="core")]
    assert minutes(pace(10, points=120), budgets=[budget(511), *others]) == 20


def test_the_points_of_several_credentials_add_up() -> None:
    assert minutes(pace(10, points=120), budgets=[budget(511), budget(511, reset_in=50 * MINUTE)]) == 10


def test_it_says_when() -> None:
    assert str(Forecast(4, NOW)) == "through at about 2026-06-01 12:00 UTC"


# What is measured


def post(connection: Connection, *keys: str, name: str = SYNC) -> list[str]:
    return inbox.post(connection, [Event(name, {"repository": key}) for key in keys], "inngest")


def done(connection: Connection, key: str, *, began: str, ended: str, name: str = SYNC) -> None:
    """An event that could begin and ended so long ago."""
    ids = post(connection, key, name=name)
    queue.claim(connection, ids, "run")
    queue.finish(connection, ids, "run", "done")
    connection.execute(
        "update events.inbox set not_before = now() - %s::interval, finished_at = now() - %s::interval where id = %s",
        (began, ended, ids[0]),
    )


def seconds(connection: Connection) -> float | None:
    now = datetime.now(UTC)
    return read_forecast(connection, now).seconds(now)


def test_an_empty_inbox_is_through(connection: Connection) -> None:
    assert seconds(connection) == 0


def test_the_first_event_that_waits_is_unknown(connection: Connection) -> None:
    post(connection, "octo/a")
    assert seconds(connection) is None


def test_times_at_which_several_were_under_way_count_once(connection: Connection) -> None:
    done(connection, "octo/a", began="30 min", ended="20 min")
    done(connection, "octo/b", began="30 min", ended="20 min")
    done(connection, "octo/c", began="25 min", ended="15 min")
    post(connection, "octo/d")
    assert seconds(connection) == pytest.approx(15 * 60 / 3, abs=60)


def test_what_ended_over_an_hour_ago_or_without_a_run_does_not_count(connection: Connection) -> None:
    done(connection, "octo/a", began="80 min", ended="70 min")
    inbox.post(connection, [Event("no event of ours", {})], "inngest")
    post(connection, "octo/d")
    assert seconds(connection) is None


def test_what_waits_in_vain_slows_the_pace(connection: Connection) -> None:
    done(connection, "octo/a", began="51 min", ended="50 min")
    (waiting,) = post(connection, "octo/b")
    connection.execute("update events.inbox set not_before = now() - interval '40 min' where id = %s", (waiting,))
    assert seconds(connection) == pytest.approx(41 * 60, abs=60)


def test_what_runs_is_no_longer_waiting(connection: Connection) -> None:
    ids = post(connection, "octo/a")
    queue.claim(connection, ids, "run")
    assert seconds(connection) == 0


def test_histories_have_a_pace_and_a_cost_of_their_own(connection: Connection) -> None:
    done(connection, "octo/a", began="10 min", ended="9 min")
    done(connection, "octo/b", began="40 min", ended="10 min", name=HISTORY)
    connection.execute(
        "insert into github.captures (repository_id, kind, started_at, finished_at, points) values"
        " (1, 'changed', now(), now(), 5),"
        " (2, 'history', now(), now(), 70), (2, 'discussions history', now(), now(), 30)"
    )
    post(connection, "octo/c", "octo/d", name=HISTORY)
    assert seconds(connection) == pytest.approx(2 * 30 * 60, abs=60)
    connection.execute(
        "insert into github.budgets (credential, resource, points_limit, points_left, reset_at, floor_share)"
        " values ('c', 'graphql', 5000, 699, now() + interval '90 min', 0.1)"
    )
    assert seconds(connection) == pytest.approx(90 * 60, abs=60), "200 points are needed, and histories leave 1,500"
    connection.execute("update github.budgets set points_left = 1699")
    assert seconds(connection) == pytest.approx(90 * 60, abs=60)
    connection.execute("update github.budgets set points_left = 1700")
    assert seconds(connection) == pytest.approx(60 * 60, abs=60)


@pytest.mark.parametrize(
    ("name", "data", "floor"),
    [
        (HISTORY, {}, 1500),
        (HISTORY, {"reason": "discovered"}, 1500),
        (HISTORY, {"reason": "manual"}, 500),
        (SYNC, {"reason": "sweep"}, 1500),
        (SYNC, {"reason": "reconcile"}, 1500),
        (SYNC, {"reason": "moved"}, 500),
        (SYNC, {}, 500),
        ("sync/discussions", None, 1500),
        ("capture/repository.discussions", {}, 500),
    ],
)
def test_each_event_leaves_what_its_capture_leaves(
    connection: Connection, name: str, data: dict[str, str] | None, floor: int
) -> None:
    done(connection, "octo/a", began="10 min", ended="9 min", name=name)
    kind = "history" if name == HISTORY else "changed"
    connection.execute(
        "insert into github.captures (repository_id, kind, started_at, finished_at, points)"
        " values (1, %s, now(), now(), 10)",
        (kind,),
    )
    inbox.post(connection, [Event(name, {} if data is None else {"repository": "octo/b", **data})], "cli")
    connection.execute(
        "insert into github.budgets (credential, resource, points_limit, points_left, reset_at, floor_share)"
        " values ('c', 'graphql', 5000, %s, now() + interval '90 min', 0.1)",
        (floor + 10,),
    )
    assert seconds(connection) == pytest.approx(60, abs=30)
    connection.execute("update github.budgets set points_left = points_left - 1")
    assert seconds(connection) == pytest.approx(90 * 60, abs=60)


def test_a_retry_that_waits_is_foreseen(connection: Connection) -> None:
    done(connection, "octo/a", began="10 min", ended="9 min")
    ids = post(connection, "octo/b")
    queue.claim(connection, ids, "run")
    queue.put_back(connection, ids, "run", "budget", not_before=datetime.now(UTC) + 50 * MINUTE)
    assert seconds(connection) == pytest.approx(51 * 60, abs=60)


def test_an_event_that_failed_at_its_last_try_is_measured_too(connection: Connection) -> None:
    ids = post(connection, "octo/a")
    for _ in range(4):
        queue.claim(connection, ids, "run")
        queue.give_back(connection, ids, "run", "no")
    assert inbox.show(connection, ids[0])["state"] == "failed"
    post(connection, "octo/b")
    assert seconds(connection) is not None
