"""Which accounts count as bots besides those of that kind: what ``BOT_LOGINS`` says, as it is now.

Accounts that are read get their flag from the capture; those that are stored get it here, when the setting changed.
What follows from a changed flag (first reviews, re-opened days) is done by a trigger (migration 0004).
"""

import re
from collections.abc import Iterable

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.writer import in_transaction

_SQL = load("contributors")


def is_named(login: str, logins: Iterable[str]) -> bool:
    """Whether ``logins`` name this one: case does not matter, ``*`` stands for anything, all else for itself."""
    return re.fullmatch(_pattern(logins), login.lower()) is not None


def flag_bots(connection: Connection, logins: Iterable[str]) -> int:
    """Make ``is_bot`` of all stored accounts what ``logins`` say; how many changed."""
    values = {"pattern": _pattern(logins)}
    return in_transaction(connection, lambda: connection.execute(_SQL["flag_bots"], values).rowcount)


def _pattern(logins: Iterable[str]) -> str:
    """A regular expression, for Python and Postgres alike, of names in lower case; without ``logins`` it fits none."""
    words = (".*".join(re.escape(part) for part in login.lower().split("*")) for login in logins)
    return f"^({'|'.join(words)})$"
