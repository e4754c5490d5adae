"""Migrations on real databases: ours, and small folders made here."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contrib_pipeline.warehouse.connection import connect
from contrib_pipeline.warehouse.errors import MigrationChanged, WarehouseError
from contrib_pipeline.warehouse.migrate import migrate, migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations, the second on top of the first."""
    (tmp_path / "0001_shelves.sql").write_text("create table public.shelves (n int);\n")
    (tmp_path / "0002_books.sql").write_text(
        "alter table public.shelves add width int default 5 % 3;\ninsert into public.shelves values (1);\n"
    )
    return tmp_path


def _shelves(url: str) -> list[dict[str, int]]:
    with connect(url) as connection:
        return connection.execute("select n, width from public.shelves").fetchall()


def _ledger(url: str) -> list[str]:
    with connect(url) as connection:
        return [row["name"] for row in connection.execute("select name from public.contrib_migrations order by number")]


def test_migrations_are_applied_in_order_and_only_once(empty_database_url: str, folder: Path) -> None:
    assert migrate(empty_database_url, folder) == ["0001_shelves.sql", "0002_books.sql"]
    assert migrate(empty_database_url, folder) == []
    assert _shelves(empty_database_url) == [{"n": 1, "width": 2}]


def test_a_new_file_is_applied_on_top(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder)
    (folder / "0003_more.sql").write_text("insert into public.shelves values (2);")
    assert migrate(empty_database_url, folder) == ["0003_more.sql"]
    assert [row["n"] for row in _shelves(empty_database_url)] == [1, 2]


def test_eight_at_once_apply_each_file_once(empty_database_url: str, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: migrate(empty_database_url, folder), range(8)))
    assert sorted(applied) == [[]] * 7 + [["0001_shelves.sql", "0002_books.sql"]]
    assert len(_shelves(empty_database_url)) == 1


def test_a_failing_file_leaves_nothing_of_itself_and_is_applied_once_mended(
    empty_database_url: str, folder: Path
) -> None:
    broken = folder / "0003_broken.sql"
    broken.write_text("insert into public.shelves values (2);\nselect nonsense;")
    with pytest.raises(WarehouseError, match=r'^Migration 0003_broken.sql failed: column "nonsense" does not exist$'):
        migrate(empty_database_url, folder)
    assert [row["n"] for row in _shelves(empty_database_url)] == [1]
    assert _ledger(empty_database_url) == ["0001_shelves.sql", "0002_books.sql"]
    broken.write_text("insert into public.shelves values (3);")
    assert migrate(empty_database_url, folder) == ["0003_broken.sql"]


def test_an_applied_file_that_was_edited_is_refused_before_anything_new_is_applied(
    empty_database_url: str, folder: Path
) -> None:
    migrate(empty_database_url, folder)
    (folder / "0001_shelves.sql").write_text("create table public.shelves (n bigint);\n")
    (folder / "0003_more.sql").write_text("insert into public.shelves values (2);")
    with pytest.raises(MigrationChanged, match=r"^0001_shelves.sql, applied on \d{4}-\d\d-\d\d, was edited since"):
        migrate(empty_database_url, folder)
    assert len(_shelves(empty_database_url)) == 1


def test_line_ends_of_another_system_are_no_change(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder)
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty_database_url, folder) == []


def test_a_database_newer_than_the_code_is_refused(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder)
    (folder / "0002_books.sql").unlink()
    with pytest.raises(WarehouseError, match="has migration 0002; this version does not know it"):
        migrate(empty_database_url, folder)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("0004_gap.sql", "0004_gap.sql should have the number 0003"),
        ("0002_twice.sql", "0002_twice.sql should have the number 0003"),
        ("3_short.sql", "3_short.sql must be named like 0001_words.sql"),
        ("0003-dash.sql", "0003-dash.sql must be named like 0001_words.sql"),
    ],
)
def test_a_file_that_would_be_left_out_is_an_error(folder: Path, name: str, complaint: str) -> None:
    (folder / name).write_text("select 1;")
    with pytest.raises(WarehouseError, match=complaint):
        migrations(folder)


def test_a_role_that_may_not_create_is_told_so(empty_database_url: str, folder: Path) -> None:
    with connect(empty_database_url) as connection:
        role = f"{connection.info.dbname}_reader"
        connection.execute(f"create role {role} login")
    try:
        options = f"options=-crole%3D{role}"
        url = f"{empty_database_url}{'&' if '?' in empty_database_url else '?'}{options}"
        with pytest.raises(WarehouseError, match=r"^The database could not be brought up to date: permission denied"):
            migrate(url, folder)
    finally:
        with connect(empty_database_url) as connection:
            connection.execute(f"drop role {role}")


def test_our_own_migrations_apply_and_name_every_schema_of_the_contract(database_url: str) -> None:
    assert _ledger(database_url) == [migration.name for migration in migrations()]
    with connect(database_url) as connection:
        found = {row["nspname"] for row in connection.execute("select nspname from pg_namespace")}
    assert {"github", "workspaces", "metrics", "events", "reporting", "dagster"} <= found
