"""The table that says who was active when first, kept in the transaction that changes a fact."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.metrics import histories
from contrib_pipeline_tests.metrics.histories import insert

_EARLY, _LATE = datetime(2024, 2, 28, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)

_FROM_FACTS = """
select repository_id, actor_id as contributor_id, min(at) as first_at
from metrics.facts where is_activity and actor_id is not null group by 1, 2 order by 1, 2
"""


def _comment(id: int, at: datetime) -> dict[str, Any]:
    return {
        "kind": "issue", "id": id, "node_id": "n", "pull_request_id": 1, "repository_id": 1, "author_id": 7,
        "created_at": at, "updated_at": at,
    }  # fmt: skip


def _known(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(
        "select repository_id, contributor_id, first_at from metrics.first_activity order by 1, 2"
    ).fetchall()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
def test_it_is_what_the_facts_say_after_every_change(connection: Connection, data: st.DataObject) -> None:
    history = data.draw(histories.histories())
    histories.write(connection, history)
    assert _known(connection) == connection.execute(_FROM_FACTS).fetchall()
    for _ in range(2):
        for table, row in data.draw(histories.changes(history)):
            histories.update(connection, table, row)
    assert _known(connection) == connection.execute(_FROM_FACTS).fetchall()


def test_a_fact_that_another_transaction_is_still_writing_is_not_forgotten(
    connection: Connection, database_url: str
) -> None:
    """One transaction deletes the first activity while another, not committed yet, has written a later one."""
    insert(connection, "github.comments", [_comment(1, _EARLY)])
    with connect(database_url) as other:
        deleting = threading.Thread(
            target=other.execute, args=("update github.comments set deleted_at = now() where id = 1",)
        )
        with connection.transaction():
            insert(connection, "github.comments", [_comment(2, _LATE)])
            deleting.start()
            deleting.join(timeout=0.5)
            assert deleting.is_alive(), "the second writer on the repository should wait for the first"
        deleting.join(timeout=30)
    assert [row["first_at"] for row in _known(connection)] == [_LATE]


@pytest.mark.parametrize("change", ["author_id = null", "deleted_at = now()"])
def test_a_contributor_whose_only_activity_is_gone_is_unknown(connection: Connection, change: str) -> None:
    insert(connection, "github.comments", [_comment(1, _EARLY)])
    connection.execute(f"update github.comments set {change}")
    assert _known(connection) == []
