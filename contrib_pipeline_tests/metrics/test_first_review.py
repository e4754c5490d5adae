"""What keeps ``first_review_at``: the capture in its page's transaction, a trigger where an account's kind changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline_tests.metrics.histories import CONTRIBUTORS, insert

_OPENED = datetime(2024, 2, 29, 12, tzinfo=UTC)
_AUTHOR, _PERSON, _MANNEQUIN, _BOT, _COUNTED_AS_BOT, _ORGANIZATION, _GHOST = 1, 2, 4, 5, 6, 7, None


@pytest.fixture(autouse=True)
def _pull_request(connection: Connection) -> None:
    for id, kind, is_bot in CONTRIBUTORS:
        row = {"id": id, "node_id": "n", "login": f"c{id}", "kind": kind, "is_bot": is_bot}
        insert(connection, "github.contributors", [row])
    insert(connection, "github.pull_requests", [_pull_request_row(1, _AUTHOR), _pull_request_row(2, _GHOST)])


def _pull_request_row(id: int, author: int | None) -> dict[str, Any]:
    return {
        "id": id, "node_id": "n", "repository_id": 1, "number": id, "title": "t", "state": "open", "draft": False,
        "author_id": author, "created_at": _OPENED, "updated_at": _OPENED, "url": "u",
    }  # fmt: skip


def _review(connection: Connection, hours: int, author: int | None, *, of: int = 1, deleted: bool = False) -> None:
    at = _OPENED + timedelta(hours=hours)
    row = {
        "id": hours * 10 + of, "node_id": "n", "pull_request_id": of, "repository_id": 1, "author_id": author,
        "state": "COMMENTED", "submitted_at": at, "updated_at": at, "deleted_at": at if deleted else None,
    }  # fmt: skip
    insert(connection, "github.reviews", [row])


def _refresh(connection: Connection, *ids: int) -> int:
    return connection.execute(load("first_review")["refresh"], {"pull_request_ids": list(ids)}).fetchone()["changed"]


def _hours(connection: Connection, id: int = 1) -> float | None:
    at = connection.execute("select first_review_at from github.pull_requests where id = %s", (id,)).fetchone()[
        "first_review_at"
    ]
    return None if at is None else (at - _OPENED) / timedelta(hours=1)


@pytest.mark.parametrize("reviewer", [_AUTHOR, _BOT, _COUNTED_AS_BOT, _ORGANIZATION, _GHOST])
def test_only_a_review_by_another_person_counts(connection: Connection, reviewer: int | None) -> None:
    _review(connection, 1, reviewer)
    _refresh(connection, 1)
    assert _hours(connection) is None


def test_the_earliest_living_review_by_another_person_is_the_first(connection: Connection) -> None:
    _review(connection, 1, _PERSON, deleted=True)
    _review(connection, 2, _BOT)
    _review(connection, 4, _PERSON)
    _review(connection, 3, _MANNEQUIN)
    _refresh(connection, 1)
    assert _hours(connection) == 3


def test_a_person_reviewing_a_deleted_account_s_pull_request_is_another_person(
    connection: Connection,
) -> None:
    _review(connection, 5, _PERSON, of=2)
    _refresh(connection, 1, 2)
    assert (_hours(connection, 1), _hours(connection, 2)) == (None, 5)


def test_a_deleted_first_review_gives_way_to_the_next_or_to_none(connection: Connection) -> None:
    _review(connection, 1, _PERSON)
    _review(connection, 2, _MANNEQUIN)
    _refresh(connection, 1)
    connection.execute("update github.reviews set deleted_at = now() where author_id = %s", (_PERSON,))
    _refresh(connection, 1)
    assert _hours(connection) == 2
    connection.execute("update github.reviews set deleted_at = now()")
    _refresh(connection, 1)
    assert _hours(connection) is None


def test_a_second_refresh_writes_no_row(connection: Connection) -> None:
    _review(connection, 1, _PERSON)
    assert (_refresh(connection, 1, 2), _refresh(connection, 1, 2)) == (1, 0)


def test_pull_requests_that_are_not_named_stay_as_they_are(connection: Connection) -> None:
    _review(connection, 1, _PERSON)
    assert _refresh(connection, 2) == 0
    assert _hours(connection) is None


def test_an_account_that_turns_out_to_be_no_person_gives_way_to_the_next(connection: Connection) -> None:
    for of in (1, 2):
        _review(connection, 1, _PERSON, of=of)
    _review(connection, 2, _MANNEQUIN, of=2)
    _refresh(connection, 1, 2)
    connection.execute("update github.contributors set kind = 'organization' where id = %s", (_PERSON,))
    assert (_hours(connection, 1), _hours(connection, 2)) == (None, 2)
    connection.execute("update github.contributors set kind = 'user' where id = %s", (_PERSON,))
    assert (_hours(connection, 1), _hours(connection, 2)) == (1, 1)


def test_an_account_whose_name_changes_leaves_first_reviews_alone(connection: Connection) -> None:
    _review(connection, 1, _PERSON)
    connection.execute("update github.contributors set name = 'Another' where id = %s", (_PERSON,))
    assert _hours(connection) is None
