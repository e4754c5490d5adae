"""The columns that pages are written to are those that the migrations make, and every one is described."""

import pytest

from contrib_pipeline.warehouse.columns import columns, description
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.migrate import migrations
from contrib_pipeline.warehouse.tables import WRITE_ORDER, Table

CATALOGUE = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
  coalesce(col_description(a.attrelid, a.attnum), '') as description
from pg_attribute a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
TYPES = {"timestamptz": "timestamp with time zone", "timestamptz[]": "timestamp with time zone[]"}


def catalogue(connection: Connection, table: str) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["type"], row["description"]) for row in connection.execute(CATALOGUE, (table,))}


@pytest.mark.parametrize("table", WRITE_ORDER, ids=lambda table: table.name)
def test_a_table_that_pages_are_written_to_has_these_columns_and_key(connection: Connection, table: Table) -> None:
    made = catalogue(connection, table.name)
    for name, kind in table.columns.items():
        assert made[name][0] == TYPES.get(kind, kind)
    key = connection.execute(
        "select array_agg(a.attname::text order by a.attnum) as key from pg_index i"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])"
        " where i.indrelid = %s::regclass and i.indisprimary",
        (table.name,),
    ).fetchone()
    assert key is not None
    assert sorted(key["key"]) == sorted(table.key)
    assert table.version is None or table.version in table.columns
    assert table.unversioned <= table.columns.keys()


def test_every_table_with_repository_contents_is_written_once_and_in_one_order() -> None:
    names = [table.name for table in WRITE_ORDER]
    assert len(set(names)) == len(names)
    assert names[0] == "github.contributors"


def made_tables() -> list[str]:
    import re

    text = "\n".join(migration.text for migration in migrations())
    return re.findall(r"^create table (github\.\S+) \(", text, re.MULTILINE)


@pytest.mark.parametrize("table", made_tables())
def test_a_description_read_off_the_migrations_is_the_databases_own(connection: Connection, table: str) -> None:
    read = {column.name: (TYPES.get(column.type, column.type), column.description) for column in columns(table)}
    assert read == catalogue(connection, table)
    comment = connection.execute("select obj_description(%s::regclass) as said", (table,)).fetchone()
    assert comment is not None
    assert description(table) == comment["said"]


@pytest.mark.parametrize("table", [table.name for table in WRITE_ORDER])
def test_every_column_that_analysts_see_is_described(table: str) -> None:
    assert [column.name for column in columns(table) if not column.description] == []
    assert description(table)
