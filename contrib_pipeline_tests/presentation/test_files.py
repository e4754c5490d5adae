"""Files of rows: types as in Postgres, whole or not there."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from psycopg import sql

from contrib_pipeline.presentation.files import ExportError, export_query, export_table
from contrib_pipeline.presentation.frames import write_rows
from contrib_pipeline.warehouse.connection import Connection

QUERY = sql.SQL(
    """
    select n, (10000000000 + n)::bigint as id, n / 3.0::float8 as share, mod(n, 2) = 0 as is_even,
      'it''s ' || n as title, array['a', 'b'] as labels,
      date '2026-01-01' + n as day, timestamptz '2026-01-01 12:00+00' as at,
      case when n > 1 then 'x' end as sometimes, gen_random_uuid() as uuid
    from generate_series(1, {}) as n
    """
)


def test_parquet_has_postgress_types(connection: Connection, tmp_path: Path) -> None:
    output = tmp_path / "rows.parquet"
    assert export_query(connection, QUERY.format(3), {}, output) == 3
    table = pa.parquet.read_table(output)
    assert table.schema.field("id").type == pa.int64()
    assert table.schema.field("labels").type == pa.list_(pa.string())
    first = table.to_pylist()[0]
    assert (first["n"], first["id"], first["title"], first["labels"]) == (1, 10000000001, "it's 1", ["a", "b"])
    assert (first["day"], first["at"]) == (date(2026, 1, 2), datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert first["sometimes"] is None


def test_csv_has_a_header_and_every_row(connection: Connection, tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    assert export_query(connection, QUERY.format(2), {}, output) == 2
    with output.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["title"] for row in rows] == ["it's 1", "it's 2"]
    assert rows[0]["labels"] == "a, b"


def test_more_rows_than_fit_one_chunk_are_all_there(connection: Connection, tmp_path: Path) -> None:
    output = tmp_path / "many.parquet"
    assert export_query(connection, QUERY.format(120_001), {}, output) == 120_001
    assert pa.parquet.read_metadata(output).num_rows == 120_001


def test_a_table_is_exported_by_its_name(connection: Connection, tmp_path: Path) -> None:
    connection.execute("insert into workspaces.workspaces (slug, name) values ('team', 'Team')")
    output = tmp_path / "w.parquet"
    assert export_table(connection, "workspaces.workspaces", output) == 1
    assert pa.parquet.read_table(output).to_pylist()[0]["slug"] == "team"


@pytest.mark.parametrize(
    "source", ["nothing.here", "github.nothing", "workspaces", 'github.reviews"; drop table x; --']
)
def test_what_is_no_table_is_refused(connection: Connection, tmp_path: Path, source: str) -> None:
    with pytest.raises(ExportError):
        export_table(connection, source, tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.xlsx", "x", "missing/x.csv"])
def test_a_file_that_cannot_be_written_leaves_nothing(connection: Connection, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError):
        export_table(connection, "workspaces.workspaces", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_few_rows_go_into_any_format(tmp_path: Path, form: str) -> None:
    output = tmp_path / f"rows.{form}"
    write_rows(
        [{"day": date(2026, 1, 1), "n": 1, "hours": None}, {"day": date(2026, 1, 2), "n": 2, "hours": 1.5}],
        form,
        output,
    )
    assert output.stat().st_size > 0
    if form == "csv":
        assert output.read_text().splitlines() == ["day,n,hours", "2026-01-01,1,", "2026-01-02,2,1.5"]
