"""Rows as files: Parquet or CSV, by the file's ending, in Postgres's types and in bounded memory."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from psycopg import errors, sql

from contrib_pipeline.warehouse.connection import Connection

_CHUNK = 50_000

_TYPES = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


class ExportError(Exception):
    """Nothing could be written; the message says why."""


def export_table(connection: Connection, source: str, output: Path) -> int:
    """Write all rows of the table or view ``schema.name`` to ``output``; the number of rows."""
    schema, dot, name = source.partition(".")
    if not dot:
        raise ExportError(f"Expected SCHEMA.NAME, like reporting.workspace_daily, got {source!r}.")
    query = sql.SQL("select * from {}").format(sql.Identifier(schema, name))
    try:
        return export_query(connection, query, {}, output)
    except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
        raise ExportError(f"There is no table or view {source}.") from error


def export_query(connection: Connection, query: sql.Composed, values: Mapping[str, Any], output: Path) -> int:
    """Write the rows of ``query`` to ``output``, whole or not at all; the number of rows."""
    if output.suffix.lower() not in (".parquet", ".csv"):
        raise ExportError(f"Expected a file ending in .parquet or .csv, got {output.name!r}.")
    partial = output.with_name(f"{output.name}.part")
    try:
        with connection.transaction(), connection.cursor("export") as cursor:
            cursor.itersize = _CHUNK
            cursor.execute(query, values)
            rows = _write(cursor, partial, is_csv=output.suffix.lower() == ".csv")
        partial.replace(output)
    except OSError as error:
        raise ExportError(f"{output} can't be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _write(cursor: Any, path: Path, *, is_csv: bool) -> int:
    schema = _schema(cursor, is_csv=is_csv)
    count = 0
    with pa.csv.CSVWriter(path, schema) if is_csv else pa.parquet.ParquetWriter(path, schema) as writer:
        for rows in _chunks(cursor):
            count += len(rows)
            columns = {f.name: [_plain(row[f.name], f.type) for row in rows] for f in schema}
            writer.write_table(pa.table(columns, schema=schema))
    return count


def _chunks(cursor: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _schema(cursor: Any, *, is_csv: bool) -> pa.Schema:
    """The columns of a query in Arrow's types; what has no counterpart, and lists in CSV, as text."""
    fields = []
    for column in cursor.description or ():
        name = column.type_display
        if name == "text[]" and not is_csv:
            fields.append((column.name, pa.list_(pa.string())))
        else:
            fields.append((column.name, _TYPES.get(name, pa.string())))
    return pa.schema(fields)


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is None or not pa.types.is_string(kind):
        return value
    return ", ".join(value) if isinstance(value, list) else str(value)
