"""Connections to the warehouse, and the spellings of its address.

One kind of connection: psycopg 3, autocommit, rows as dictionaries, instants in UTC. A transaction is opened
where it is needed (``with connection.transaction()``). What is written through it is other files' business.
No message of this file contains a password.
"""

import re
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from contrib_pipeline.warehouse.errors import WarehouseError

Connection = psycopg.Connection[dict[str, Any]]

MINIMUM_VERSION = 15

_URL = re.compile(r"^(?:postgres|postgresql)(?:\+\w+)?://(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
_MISPLACED_AT = re.compile(r"@.*@|[/?].*@", re.DOTALL)
_UNKNOWN_PARAMETER = re.compile(r'invalid URI query parameter: "(\w+)"')


def normalise_url(url: str) -> str:
    """``url`` as libpq reads it: whatever driver it names (``postgresql+psycopg2://``) is taken out.

    Raises :class:`WarehouseError` for what is not an address of Postgres.
    """
    if not (match := _URL.match(url.strip())):
        raise WarehouseError("DATABASE_URL must look like postgresql://user@host/name.")
    if _MISPLACED_AT.search(match["rest"]):  # libpq would take the end of such a password for the host, and show it
        raise WarehouseError("DATABASE_URL has a special character in its user or password: write @ as %40, / as %2F.")
    normal = f"postgresql://{match['rest']}"
    try:
        port = conninfo_to_dict(normal).get("port") or ""
    except psycopg.ProgrammingError as error:
        unknown = _UNKNOWN_PARAMETER.search(str(error))
        reason = (
            f"Postgres knows no parameter {unknown[1]!r}" if unknown else "a blank, % or bracket in it is misplaced"
        )
        raise WarehouseError(f"DATABASE_URL can't be read: {reason}.") from None
    if not re.fullmatch(r"[\d,]*", str(port)):  # it may be a password without its host
        raise WarehouseError("DATABASE_URL can't be read: the port is not a number.")
    return normal


def dagster_url(url: str) -> str:
    """The same database for Dagster's storage: its driver, and its own schema first on the search path."""
    parts = {name: str(value) for name, value in conninfo_to_dict(normalise_url(url)).items() if value}
    parts["options"] = f"{parts.get('options', '')} -csearch_path=dagster".strip()
    account = ":".join(quote(parts.pop(name), safe="") for name in ("user", "password") if name in parts)
    database = quote(parts.pop("dbname", ""), safe="")
    # SQLAlchemy decodes no host before the slash, so sockets and lists of hosts go behind the question mark.
    return f"postgresql+psycopg2://{account}@/{database}?{urlencode(parts, quote_via=quote)}"


def without_password(url: str) -> str:
    """``url`` fit for a log line."""
    parts = conninfo_to_dict(normalise_url(url))
    return " ".join(f"{name}={parts[name]}" for name in ("host", "port", "dbname", "user") if parts.get(name))


def socket_url(folder: str, database: str, *, user: str) -> str:
    """The address of a server that listens on a Unix socket in ``folder``, whatever PGPORT says."""
    return f"postgresql://{user}@/{database}?{urlencode({'host': folder, 'port': 5432}, quote_via=quote)}"


def connect(url: str, *, application_name: str = "contrib-pipeline") -> Connection:
    """Open a connection; the caller closes it, as ``with`` does.

    Raises :class:`WarehouseError` when the server does not answer or is older than Postgres 15.
    """
    normal = normalise_url(url)
    try:
        connection = psycopg.connect(
            normal,
            autocommit=True,
            row_factory=dict_row,
            application_name=application_name,
            connect_timeout=10,
            prepare_threshold=None,  # a transaction-mode pooler has no prepared statements
        )
    except psycopg.OperationalError as error:
        raise WarehouseError(f"No connection to Postgres ({without_password(url)}): {first_line(error)}") from error
    if (version := connection.info.server_version // 10_000) < MINIMUM_VERSION:
        connection.close()
        raise WarehouseError(f"Postgres {MINIMUM_VERSION} or newer is needed; this server is {version}.")
    connection.execute("set time zone 'UTC'")
    return connection


def first_line(error: Exception) -> str:
    """The first line of a driver's message: the rest repeats it."""
    return str(error).strip().partition("\n")[0]
