"""Writes pages of rows: one upsert per table, absent columns untouched, older readings refused.

The statement's columns are those that the rows carry, so a thin reading never overwrites a fuller one. Which rows
belong in one transaction is the caller's business.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from psycopg import errors, sql

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.tables import Table

Row = Mapping[str, Any]
Result = TypeVar("Result")

_TRIES = 4
_PAUSE_SECONDS = (0.02, 0.2)


@dataclass(frozen=True)
class Written:
    """What became of the rows of one statement."""

    captured: int = 0
    inserted: int = 0
    updated: int = 0

    @property
    def changed(self) -> int:
        return self.inserted + self.updated

    def __add__(self, other: "Written") -> "Written":
        return Written(self.captured + other.captured, self.inserted + other.inserted, self.updated + other.updated)


def write(connection: Connection, table: Table, rows: Sequence[Row]) -> Written:
    """Insert or update ``rows``; how many were given, new, and changed.

    Every row must carry the same columns, the key among them (ValueError otherwise: a page comes from one document).
    """
    if not rows:
        return Written()
    columns = tuple(rows[0])
    if any(tuple(row) != columns for row in rows):
        raise ValueError(f"Rows for {table.name} do not all have the columns {', '.join(columns)}.")
    if unknown := [c for c in (*columns, *table.key) if c not in table.columns or c not in columns]:
        raise ValueError(f"Rows for {table.name} have unknown or missing columns: {', '.join(unknown)}.")
    counts = connection.execute(_statement(table, columns), {"rows": orjson.dumps(list(rows)).decode()}).fetchone()
    assert counts is not None
    return Written(**counts)


def in_transaction(connection: Connection, work: Callable[[], Result]) -> Result:
    """The result of ``work`` in one transaction, done again when Postgres chose it as a deadlock's victim."""
    for _ in range(_TRIES - 1):
        try:
            with connection.transaction():
                return work()
        except (errors.DeadlockDetected, errors.SerializationFailure):
            # At once, it could take the lock before the one that waited for it, and be the victim again.
            time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311
    with connection.transaction():
        return work()


def _statement(table: Table, columns: tuple[str, ...]) -> sql.Composed:
    compared = [c for c in columns if c not in table.key and c not in table.unversioned]
    version = table.version if table.version in columns else None
    return sql.SQL(load("upsert")["upsert"]).format(
        table=sql.Identifier(*table.schema_and_name),
        key=_names(table.key),
        same_key=sql.SQL(" and ").join(sql.SQL("stored.{0} = given.{0}").format(sql.Identifier(c)) for c in table.key),
        first_key=sql.Identifier(table.key[0]),
        columns=_names(columns),
        typed_columns=sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(table.columns[c])) for c in columns
        ),
        given_row=_names(columns, "given"),
        given_compared=_names(compared, "given"),
        newest_first=sql.SQL(", {} desc").format(sql.Identifier(version)) if version else sql.SQL(""),
        stored_compared=_names(compared, "stored"),
        excluded_compared=_names(compared, "excluded"),
        stored_is_not_newer_than_given=_not_newer(version, "given"),
        stored_is_not_newer_than_excluded=_not_newer(version, "excluded"),
        assignments=sql.SQL(", ").join(
            sql.SQL("{} = excluded.{}").format(sql.Identifier(c), sql.Identifier(c))
            for c in columns
            if c not in table.key
        ),
    )


def _names(columns: Sequence[str], of: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(of, c) if of else sql.Identifier(c) for c in columns)


def _not_newer(version: str | None, other: str) -> sql.Composable:
    if version is None:
        return sql.SQL("true")
    return sql.SQL("stored.{0} <= {1}.{0}").format(sql.Identifier(version), sql.Identifier(other))
