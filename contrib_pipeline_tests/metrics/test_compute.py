"""Every number of every workspace and day, against the slow computation in ``oracle.py``."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.definitions import DAILY
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.metrics import histories, oracle
from contrib_pipeline_tests.metrics.histories import DAYS, REPOSITORIES, WORKSPACES

_NUMBERS = [*(metric.name for metric in DAILY), "is_final"]
_histories = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


def _same(row: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    for name in _NUMBERS:
        assert row[name] == pytest.approx(expected[name]), f"{name} of {where}"


def _check_all(connection: Connection) -> None:
    history = oracle.read(connection)
    written = connection.execute("select * from metrics.workspace_daily").fetchall()
    assert {(row["workspace_id"], row["day"]) for row in written} == {(w, day) for w in WORKSPACES[:3] for day in DAYS}
    for row in written:
        expected = oracle.workspace_day(history, row["workspace_id"], row["day"])
        _same(row, expected, f"workspace {row['workspace_id'].int}, {row['day']}")
    written = connection.execute("select * from metrics.repository_daily").fetchall()
    assert {(row["repository_id"], row["day"]) for row in written} == {(r, day) for r in REPOSITORIES for day in DAYS}
    for row in written:
        expected = oracle.numbers(history, {row["repository_id"]}, row["day"])
        _same(row, expected, f"repository {row['repository_id']}, {row['day']}")


@_histories
@given(data=st.data())
def test_every_number_is_what_the_sentences_say_also_after_late_facts(
    connection: Connection, data: st.DataObject
) -> None:
    history = data.draw(histories.histories())
    histories.write(connection, history)
    compute_days(connection, DAYS)
    _check_all(connection)
    for table, row in data.draw(histories.changes(history)):
        histories.update(connection, table, row)
    histories.refresh_first_reviews(connection)
    compute_days(connection, DAYS)
    _check_all(connection)


@_histories
@given(data=st.data())
def test_a_workspace_computed_alone_gets_the_same_numbers(connection: Connection, data: st.DataObject) -> None:
    histories.write(connection, data.draw(histories.histories()))
    compute_days(connection, DAYS)
    together = _rows_without_time(connection)
    connection.execute("update metrics.workspace_daily set reviews = -1 where workspace_id = %s", (WORKSPACES[0],))
    connection.execute(
        "update metrics.repository_daily set reviews = -1 where repository_id in"
        " (select repository_id from workspaces.repositories where workspace_id = %s)",
        (WORKSPACES[0],),
    )
    compute_days(connection, DAYS, workspace_ids=[WORKSPACES[0]])
    assert _rows_without_time(connection) == together


def _rows_without_time(connection: Connection) -> list[dict[str, Any]]:
    rows = [
        *connection.execute("select * from metrics.workspace_daily order by workspace_id, day"),
        *connection.execute("select * from metrics.repository_daily order by repository_id, day"),
    ]
    return [{name: value for name, value in row.items() if name != "computed_at"} for row in rows]
