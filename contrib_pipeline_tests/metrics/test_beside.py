"""Computations side by side keep their order, use connections of their own, and end with the first failure."""

from collections.abc import Callable
from functools import partial

import pytest

from contrib_pipeline.metrics.beside import side_by_side
from contrib_pipeline.warehouse.connection import Connection, connect


def pid(connection: Connection) -> int:
    return connection.info.backend_pid


def slow_then(connection: Connection, seconds: float, result: int) -> int:
    connection.execute("select pg_sleep(%s)", [seconds])
    return result


def test_results_come_in_order_though_a_later_one_is_done_first(connection: Connection, database_url: str) -> None:
    works = [partial(slow_then, seconds=0.2 / (n + 1), result=n) for n in range(5)]
    assert list(side_by_side(connection, lambda: connect(database_url), works)) == [0, 1, 2, 3, 4]


def test_one_alone_is_done_on_the_callers_connection_and_several_are_not(
    connection: Connection, database_url: str
) -> None:
    assert list(side_by_side(connection, lambda: connect(database_url), [pid])) == [pid(connection)]
    used = set(side_by_side(connection, lambda: connect(database_url), [pid] * 20))
    assert pid(connection) not in used
    assert len(used) <= 2


def test_a_failure_is_the_callers_and_ends_what_has_not_begun(connection: Connection, database_url: str) -> None:
    begun: list[int] = []

    def work(number: int) -> Callable[[Connection], None]:
        def do(own: Connection) -> None:
            begun.append(number)
            own.execute("select pg_sleep(0.05)")
            if number == 1:
                raise ZeroDivisionError

        return do

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(connection, lambda: connect(database_url), [work(number) for number in range(40)]))
    assert len(begun) < 40
