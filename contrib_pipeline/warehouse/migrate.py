"""Applies ``migrations/NNNN_name.sql`` in order: forward only, one transaction each, checksummed.

Safe with any number of starters: an advisory lock lets one apply while the others wait and then find nothing to
do. An applied file that was edited since is refused. Dagster's own schema is created here too; its tables are
Dagster's business.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql

from contrib_pipeline.warehouse.connection import Connection, connect, first_line
from contrib_pipeline.warehouse.errors import MigrationChanged, WarehouseError

# Any number that nothing else in the database locks: sha256("contrib-pipeline migrate") begins with these bytes.
_LOCK = 0x0E32B365
_FILE = re.compile(r"^(\d{4})_\w+\.sql$")
_OURS = resources.files(f"{__package__}.migrations")

_LEDGER = """
create schema if not exists dagster;
create table if not exists public.contrib_migrations (
  number integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, order=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Traversable | None = None) -> list[Migration]:
    """All migrations in order. Raises :class:`WarehouseError` for a gap, a number used twice or a misspelt name."""
    files = [file for file in (folder or _OURS).iterdir() if file.name.endswith(".sql")]
    found = sorted(Migration(_number(file.name), file.name, file.read_text("utf-8")) for file in files)
    for position, migration in enumerate(found, start=1):
        if migration.number != position:
            raise WarehouseError(f"Migration {migration.name} should have the number {position:04d}.")
    return found


def migrate(url: str, folder: Traversable | None = None) -> list[str]:
    """Bring the database at ``url`` up to date; the names of the files that were applied now.

    Raises :class:`MigrationChanged` when an applied file differs from what was applied, and
    :class:`WarehouseError` when the database is newer than this code or refuses a statement.
    """
    wanted = migrations(folder)
    with connect(url, application_name="contrib-pipeline migrate") as connection:
        try:
            connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
            connection.execute(_LEDGER)
            return _apply(connection, wanted)
        except psycopg.Error as error:
            raise WarehouseError(f"The database could not be brought up to date: {first_line(error)}") from error


def _number(name: str) -> int:
    if match := _FILE.match(name):
        return int(match[1])
    raise WarehouseError(f"Migration {name} must be named like 0001_words.sql.")


def _apply(connection: Connection, wanted: list[Migration]) -> list[str]:
    applied = {row["number"]: row for row in connection.execute("select * from public.contrib_migrations")}
    if newer := set(applied) - {migration.number for migration in wanted}:
        raise WarehouseError(f"The database has migration {max(newer):04d}; this version does not know it: upgrade it.")
    done = []
    for migration in wanted:
        if (row := applied.get(migration.number)) is None:
            _run(connection, migration)
            done.append(migration.name)
        elif row["checksum"] != migration.checksum:
            day = f"{row['applied_at']:%Y-%m-%d}"
            raise MigrationChanged(f"{migration.name}, applied on {day}, was edited since: restore it, add a new file.")
    return done


def _run(connection: Connection, migration: Migration) -> None:
    """Apply one file, or nothing of it."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL(migration.text))
            connection.execute(
                "insert into public.contrib_migrations (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
    except psycopg.Error as error:
        raise WarehouseError(f"Migration {migration.name} failed: {first_line(error)}") from error
