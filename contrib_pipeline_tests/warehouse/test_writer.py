"""Pages of rows: absent columns stay, newer wins, what is so already is not written, writers don't block each other."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.tables import COMMENTS, CONTRIBUTORS, PULL_REQUESTS, REPOSITORIES
from contrib_pipeline.warehouse.writer import Written, in_transaction, write

T0 = datetime(2026, 6, 1, tzinfo=UTC)


def person(id_: int, login: str = "ana", at: datetime = T0, **fields: Any) -> dict[str, Any]:
    row = {"id": id_, "node_id": f"U_{id_}", "login": login, "kind": "user", "is_bot": False, "name": None}
    return {**row, "avatar_url": None, "read_at": at, **fields}


def comment(id_: int, body: str, at: datetime = T0) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "issue", "id": id_, "node_id": f"IC_{id_}", "pull_request_id": 1, "review_id": None}
    row |= {"repository_id": 1, "author_id": None, "body": body, "path": None, "created_at": T0, "updated_at": at}
    return {**row, "deleted_at": None}


def stored(connection: Connection, table: str = "github.contributors") -> list[dict[str, Any]]:
    return connection.execute(f"select *, xmin::text as version from {table} order by id").fetchall()  # type: ignore[arg-type]


def test_what_is_new_changed_and_the_same_is_counted(connection: Connection) -> None:
    assert write(connection, CONTRIBUTORS, [person(1), person(2)]) == Written(2, 2, 0)
    later = T0 + timedelta(hours=1)
    page = [person(1, at=later), person(2, "ben", later), person(3, at=later)]
    assert write(connection, CONTRIBUTORS, page) == Written(3, 1, 1)
    assert [row["login"] for row in stored(connection)] == ["ana", "ben", "ana"]


def test_no_rows_are_no_statement(connection: Connection) -> None:
    assert write(connection, CONTRIBUTORS, []) == Written()


def test_rows_that_are_so_already_are_not_written(connection: Connection) -> None:
    write(connection, CONTRIBUTORS, [person(1), person(2)])
    before = stored(connection)
    assert write(connection, CONTRIBUTORS, [person(1, at=T0 + timedelta(days=1)), person(2)]).changed == 0
    assert stored(connection) == before, "nor is the time at which they were read"


def test_columns_that_a_page_does_not_have_are_left_as_they_are(connection: Connection) -> None:
    write(connection, CONTRIBUTORS, [person(1, name="Ana Silva", avatar_url="https://picture")])
    thin = {k: v for k, v in person(1, "ana2", T0 + timedelta(1)).items() if k not in ("name", "avatar_url")}
    assert write(connection, CONTRIBUTORS, [thin]).updated == 1
    (row,) = stored(connection)
    assert (row["login"], row["name"], row["avatar_url"]) == ("ana2", "Ana Silva", "https://picture")


def test_null_overwrites_where_the_page_has_the_column(connection: Connection) -> None:
    write(connection, CONTRIBUTORS, [person(1, name="Ana Silva")])
    write(connection, CONTRIBUTORS, [person(1, name=None, at=T0 + timedelta(1))])
    assert stored(connection)[0]["name"] is None


def test_an_older_reading_changes_nothing(connection: Connection) -> None:
    write(connection, COMMENTS, [comment(1, "new", T0 + timedelta(days=1))])
    assert write(connection, COMMENTS, [comment(1, "old")]) == Written(1, 0, 0)
    assert stored(connection, "github.comments")[0]["body"] == "new"


def test_a_reading_of_the_same_age_that_differs_is_taken(connection: Connection) -> None:
    write(connection, COMMENTS, [comment(1, "one")])
    assert write(connection, COMMENTS, [comment(1, "two")]).updated == 1


def test_the_newest_of_what_comes_twice_in_a_page_wins(connection: Connection) -> None:
    page = [comment(1, "old"), comment(1, "new", T0 + timedelta(days=1)), comment(1, "older", T0 - timedelta(days=1))]
    assert write(connection, COMMENTS, page) == Written(1, 1, 0)
    assert stored(connection, "github.comments")[0]["body"] == "new"


def test_the_same_number_of_two_kinds_are_two_comments(connection: Connection) -> None:
    write(connection, COMMENTS, [comment(1, "a"), {**comment(1, "b"), "kind": "review"}])
    assert len(stored(connection, "github.comments")) == 2


def test_numbers_of_64_bits_labels_and_odd_text_come_back_as_they_were(connection: Connection) -> None:
    row = {
        "id": 2**63 - 1, "node_id": "PR", "repository_id": 1, "number": 1, "title": "käse \U0001f9c0 'quoted' \\ %s {}",
        "body": "a\tb\nc \ufffd", "state": "open", "draft": False, "created_at": T0, "updated_at": T0,
        "labels": ["a,b", 'c"d', "{e}", ""], "url": "https://…",
    }  # fmt: skip
    write(connection, PULL_REQUESTS, [row])
    (back,) = stored(connection, "github.pull_requests")
    assert {name: back[name] for name in row} == row


def test_rows_of_different_columns_or_unknown_ones_are_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="do not all have the columns"):
        write(connection, CONTRIBUTORS, [person(1), {"id": 2}])
    with pytest.raises(ValueError, match="shoe_size"):
        write(connection, CONTRIBUTORS, [person(1, shoe_size=40)])
    with pytest.raises(ValueError, match="id"):
        write(connection, CONTRIBUTORS, [{"login": "ana"}])


def test_what_the_pipeline_keeps_about_a_repository_is_no_column_of_its_pages() -> None:
    kept = {"is_tracked", "size", "priority", "history_complete", "probed_at", "active_at"}
    assert not kept & REPOSITORIES.columns.keys()


def test_three_writers_of_the_same_rows_end_with_the_newest(database_url: str, connection: Connection) -> None:
    errors: list[BaseException] = []

    def work(writer: int) -> None:
        try:
            with connect(database_url) as own:
                for turn in range(15):
                    at = T0 + timedelta(seconds=3 * turn + writer)
                    rows = [person(id_, f"{writer}-{turn}", at) for id_ in range(60)]
                    rows = rows if writer % 2 else rows[::-1]
                    in_transaction(
                        own,
                        lambda rows=rows: [write(own, CONTRIBUTORS, rows[:30]), write(own, CONTRIBUTORS, rows[30:])],
                    )  # type: ignore[misc]
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert {row["login"] for row in stored(connection)} == {"2-14"}


def test_the_victim_of_a_deadlock_begins_anew(database_url: str, connection: Connection) -> None:
    write(connection, CONTRIBUTORS, [person(1), person(2)])
    at_the_same_time, tries = threading.Barrier(2, timeout=20), []

    def work(first: int, second: int) -> None:
        with connect(database_url) as own:

            def both() -> None:
                tries.append(first)
                own.execute("update github.contributors set name = %s where id = %s", (str(first), first))
                if len(tries) <= 2:
                    at_the_same_time.wait()
                own.execute("update github.contributors set name = %s where id = %s", (str(first), second))

            in_transaction(own, both)

    threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(tries) > 2, "one of them was the victim"
    names = {row["name"] for row in stored(connection)}
    assert len(names) == 1
