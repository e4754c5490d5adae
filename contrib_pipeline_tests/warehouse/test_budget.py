"""One budget for all processes: what is left, under way, kept for others, and what GitHub forbids for now."""

import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contrib_pipeline.warehouse.budget import BudgetWait, Limits, PostgresBudget, budget_state
from contrib_pipeline.warehouse.connection import Connection, connect

REPOSITORY = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Quota:
    limit: int
    remaining: int
    reset_at: datetime


def left(remaining: int, reset_in: timedelta = HOUR) -> Quota:
    return Quota(5000, remaining, datetime.now(UTC).replace(microsecond=0) + reset_in)


@pytest.fixture
def budget(connection: Connection) -> PostgresBudget:
    return PostgresBudget(connection, "secret")


def spend(budget: PostgresBudget, quota: Quota, points: int = 1) -> None:
    with budget.reserve(points) as reservation:
        reservation.settle(quota)


def test_the_first_request_of_a_credential_goes(budget: PostgresBudget, connection: Connection) -> None:
    spend(budget, left(4999))
    (state,) = budget_state(connection)
    assert (state["points_limit"], state["points_left"], state["requests_in_flight"]) == (5000, 4999, 0)


def test_the_credential_itself_is_never_stored(budget: PostgresBudget, connection: Connection) -> None:
    assert "secret" not in str(budget_state(connection))


def test_credentials_have_budgets_of_their_own(budget: PostgresBudget, connection: Connection) -> None:
    spend(budget, left(0))
    spend(PostgresBudget(connection, "another"), left(4999))
    with pytest.raises(BudgetWait):
        spend(budget, left(0))


def test_what_is_kept_for_others_is_not_spent(budget: PostgresBudget) -> None:
    spend(budget, left(502))
    spend(budget, left(500), points=2)
    with pytest.raises(BudgetWait, match="until"):
        spend(budget, left(499))


def test_work_in_the_background_keeps_more_than_what_somebody_waits_for(budget: PostgresBudget) -> None:
    spend(budget, left(1400))
    with pytest.raises(BudgetWait), budget.reserve(1, is_background=True):
        pass
    spend(budget, left(1399))


def test_work_in_the_background_may_spend_down_to_what_it_keeps_to_the_point(budget: PostgresBudget) -> None:
    spend(budget, left(1501))
    with budget.reserve(1, is_background=True):
        pass
    with pytest.raises(BudgetWait), budget.reserve(2, is_background=True):
        pass


def test_work_in_the_background_leaves_a_place_free(connection: Connection, database_url: str) -> None:
    budget = PostgresBudget(connection, "secret")
    with connect(database_url) as own, budget.reserve(1, is_background=True):
        other = PostgresBudget(own, "secret")
        assert other._try(1, is_background=True) is None
        with other.reserve(1):
            assert [row["requests_in_flight"] for row in budget_state(connection)] == [2]


def test_a_request_under_way_counts_as_spent(budget: PostgresBudget) -> None:
    spend(budget, left(510))
    with budget.reserve(8), pytest.raises(BudgetWait), budget.reserve(3):
        pass
    spend(budget, left(500), points=10)


def test_no_more_requests_at_once_than_allowed_over_all_connections(connection: Connection, database_url: str) -> None:
    with ExitStack() as opened, connect(database_url) as own:
        mine, other = PostgresBudget(connection, "secret"), PostgresBudget(own, "secret")
        opened.enter_context(mine.reserve(1))
        opened.enter_context(other.reserve(1))
        assert mine._try(1, is_background=False) is None
        taken = threading.Event()

        def third() -> None:
            with connect(database_url) as third_connection, PostgresBudget(third_connection, "secret").reserve(1):
                taken.set()

        thread = threading.Thread(target=third)
        thread.start()
        assert not taken.is_set()
        opened.close()
        thread.join(30)
        assert taken.is_set()


def test_a_reservation_of_a_dead_process_ends(budget: PostgresBudget, connection: Connection) -> None:
    for pid, expires in ((0, "1 minute"), (connection.info.backend_pid, "-1 second")):
        connection.execute(
            "insert into github.budget_reservations"
            " (credential, resource, points, session_pid, session_started_at, expires_at)"
            " select %s, 'graphql', 4000, %s, backend_start, now() + %s::interval from pg_stat_activity"
            " where pid = pg_backend_pid()",
            (budget.credential, pid, expires),
        )
    spend(budget, left(4999))
    assert connection.execute("select count(*) as n from github.budget_reservations").fetchone() == {"n": 0}


def test_the_reservation_of_a_process_killed_while_it_asks_ends_with_it(
    database_url: str, connection: Connection
) -> None:
    code = (
        "import os, sys\n"
        "from contrib_pipeline.warehouse.budget import PostgresBudget\n"
        "from contrib_pipeline.warehouse.connection import connect\n"
        "with connect(sys.argv[1]) as c, PostgresBudget(c, 'secret').reserve(7):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, database_url], cwd=REPOSITORY, check=False)
    assert ended.returncode == -9
    row = connection.execute("select points, expires_at > now() as lasts from github.budget_reservations").fetchone()
    assert row == {"points": 7, "lasts": True}
    with PostgresBudget(connection, "secret", Limits(in_flight=1)).reserve(1):
        pass
    assert connection.execute("select from github.budget_reservations").rowcount == 0


def test_two_processes_never_spend_what_is_kept_for_others(database_url: str, connection: Connection) -> None:
    """Each takes points until none may be had; what GitHub has left is counted here as GitHub would."""
    spend(PostgresBudget(connection, "secret"), left(560))
    code = (
        "import sys\n"
        "from contrib_pipeline.warehouse.budget import BudgetWait, PostgresBudget\n"
        "from contrib_pipeline.warehouse.connection import connect\n"
        "taken = 0\n"
        "with connect(sys.argv[1]) as c:\n"
        "    budget = PostgresBudget(c, 'secret')\n"
        "    try:\n"
        "        while True:\n"
        "            with budget.reserve(1):\n"
        "                c.execute('update github.budgets set points_left = points_left - 1')\n"
        "                taken += 1\n"
        "    except BudgetWait:\n"
        "        print(taken)\n"
    )
    command = [sys.executable, "-c", code, database_url]
    both = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [int(process.communicate(timeout=60)[0]) for process in both]
    assert sum(taken) in (59, 60), "while one asks, its point counts twice"
    (state,) = budget_state(connection)
    assert state["points_left"] >= 500


def test_a_pause_that_github_asks_for_holds_for_all(connection: Connection, database_url: str) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    with PostgresBudget(connection, "secret").reserve(1) as reservation:
        reservation.pause(until, everywhere=False)
    with connect(database_url) as own, pytest.raises(BudgetWait) as wait, PostgresBudget(own, "secret").reserve(1):
        pass
    assert wait.value.until == until


def test_a_shorter_pause_does_not_end_a_longer_one(budget: PostgresBudget) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    with budget.reserve(1) as reservation:
        reservation.pause(until, everywhere=False)
        reservation.pause(until - timedelta(minutes=4), everywhere=False)
    with pytest.raises(BudgetWait) as wait, budget.reserve(1):
        pass
    assert wait.value.until == until


def test_a_pause_shorter_than_a_minute_is_waited_for(budget: PostgresBudget) -> None:
    with budget.reserve(1) as reservation:
        reservation.pause(datetime.now(UTC) + timedelta(seconds=0.2), everywhere=False)
    with budget.reserve(1):
        pass


def test_an_hour_that_is_over_counts_no_more(budget: PostgresBudget) -> None:
    spend(budget, left(0, reset_in=timedelta(seconds=-5)))
    spend(budget, left(4999))


def test_answers_that_come_in_another_order_leave_the_lower_count(
    budget: PostgresBudget, connection: Connection
) -> None:
    now = datetime.now(UTC)
    with budget.reserve(1) as reservation:
        reservation.settle(Quota(5000, 4000, now + HOUR))
        reservation.settle(Quota(5000, 4001, now + HOUR))
        reservation.settle(Quota(5000, 3, now))
    assert budget_state(connection)[0]["points_left"] == 4000


def test_the_limits_are_settings(connection: Connection) -> None:
    spend(PostgresBudget(connection, "secret"), left(10))
    greedy = PostgresBudget(connection, "secret", Limits(floor_share=0))
    spend(greedy, left(9))


# REST beside GraphQL


@pytest.fixture
def rest(connection: Connection) -> PostgresBudget:
    return PostgresBudget(connection, "secret", resource="core")


def test_rest_requests_are_counted_apart_from_points(
    budget: PostgresBudget, rest: PostgresBudget, connection: Connection
) -> None:
    spend(budget, left(501))
    spend(rest, Quota(60, 7, datetime.now(UTC) + HOUR))
    state = {row["resource"]: (row["points_limit"], row["points_left"]) for row in budget_state(connection)}
    assert state == {"graphql": (5000, 501), "core": (60, 7)}
    with budget.reserve(1), rest.reserve(1), pytest.raises(BudgetWait):
        spend(rest, left(0))


def test_rest_requests_leave_a_share_for_others_too(rest: PostgresBudget) -> None:
    spend(rest, left(501))
    spend(rest, left(500))
    with pytest.raises(BudgetWait):
        spend(rest, left(499))


def test_requests_of_both_resources_are_under_way_together(budget: PostgresBudget, rest: PostgresBudget) -> None:
    with budget.reserve(1), rest.reserve(1):
        assert budget._try(1, is_background=False) is None
        assert rest._try(1, is_background=False) is None


def test_a_pause_of_one_resource_leaves_the_other(budget: PostgresBudget, rest: PostgresBudget) -> None:
    with rest.reserve(1) as reservation:
        reservation.pause(datetime.now(UTC) + HOUR, everywhere=False)
    with budget.reserve(1), pytest.raises(BudgetWait), rest.reserve(1):
        pass


def test_a_slower_pace_is_asked_of_the_credential(budget: PostgresBudget, rest: PostgresBudget) -> None:
    with rest.reserve(1) as reservation:
        reservation.pause(datetime.now(UTC) + HOUR, everywhere=True)
    for each in (budget, rest):
        with pytest.raises(BudgetWait), each.reserve(1):
            pass


def test_after_the_hour_all_is_there_again(budget: PostgresBudget, connection: Connection) -> None:
    spend(budget, left(0, reset_in=timedelta(seconds=-5)))
    (state,) = budget_state(connection)
    assert (state["points_left"], state["reset_at"]) == (5000, None)
