"""What a table is and what its columns mean, read from the migrations: the one place where both are written.

For descriptions where no database is at hand (Dagster's asset pages, the docs). A test compares with a migrated
database's own catalogue.
"""

import re
from dataclasses import dataclass
from functools import cache

from contrib_pipeline.warehouse.migrate import migrations

_TABLE = re.compile(r"^create table (\S+) \(\n(.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^  (\w+) ([a-z]+(?: precision)?(?:\[\])?)", re.MULTILINE)
_COMMENT = re.compile(r"^comment on (?:table|column|view) (\S+) is '((?:[^']|'')*)';", re.MULTILINE)
_CONSTRAINTS = {"primary", "unique", "check", "foreign"}


@dataclass(frozen=True)
class Column:
    """One column: its Postgres type and its meaning."""

    name: str
    type: str
    description: str


def description(table: str) -> str:
    """The comment on ``schema.table``."""
    return _comments()[table]


def columns(table: str) -> list[Column]:
    """The columns of ``schema.table``, in order."""
    body = _tables()[table]
    found = [(name, kind) for name, kind in _COLUMN.findall(body) if name not in _CONSTRAINTS]
    return [Column(name, kind, _comments().get(f"{table}.{name}", "")) for name, kind in found]


@cache
def _tables() -> dict[str, str]:
    return {name: body for migration in migrations() for name, body in _TABLE.findall(migration.text)}


@cache
def _comments() -> dict[str, str]:
    found = (pair for migration in migrations() for pair in _COMMENT.findall(migration.text))
    return {name: text.replace("''", "'") for name, text in found}
