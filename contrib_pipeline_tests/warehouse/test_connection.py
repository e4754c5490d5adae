"""The spellings of an address, and what a connection is like."""

import socket
from datetime import UTC, datetime

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine import make_url

from contrib_pipeline.warehouse.connection import (
    Connection,
    connect,
    dagster_url,
    normalise_url,
    socket_url,
    without_password,
)
from contrib_pipeline.warehouse.errors import WarehouseError


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg", "PostgreSQL"]
)
def test_every_usual_spelling_is_the_same_address(scheme: str) -> None:
    assert normalise_url(f" {scheme}://u:p@h:5433/d?sslmode=require\n") == "postgresql://u:p@h:5433/d?sslmode=require"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgres:s3cret@host/name",
        "host=h user=u password=s3cret",
        "mysql://u:s3cret@host/name",
        "postgresql://u:s3@cret@host/name",
        "postgresql://u:s3/cret@host/name",
        "postgresql://u:s3?cret@host/name",
        "postgresql://u:s3%zzcret@host/name",
        "postgresql://u:s3 cret@host/name",
        "postgresql://u:s3cret/name",
        "postgresql://[::1]s3cret/name",
        "postgresql://u:s3cret@host/name?pgbouncer=true",
    ],
)
@pytest.mark.parametrize("function", [normalise_url, dagster_url, without_password, connect])
def test_what_is_no_address_is_refused_without_showing_a_secret(function: object, url: str) -> None:
    with pytest.raises(WarehouseError, match=r"^DATABASE_URL ") as refused:
        function(url)
    assert "s3" not in str(refused.value)
    assert "cret" not in str(refused.value)


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(WarehouseError, match="Postgres knows no parameter 'pgbouncer'"):
        normalise_url("postgresql://u@host/name?sslmode=require&pgbouncer=true")


def test_a_line_for_the_log_has_neither_password_nor_other_secrets() -> None:
    url = "postgresql+psycopg2://me:p%40ss@%2Fvar%2Frun:5433/name?sslpassword=other"
    assert without_password(url) == "host=/var/run port=5433 dbname=name user=me"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40%2Fw@host:5433/name?sslmode=require",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/name",
        "postgresql://u@[::1]:5433/name",
        "postgresql://u@one:1,two:2/name",
        "postgresql:///name?host=/a%20b/c:d&user=u",
        socket_url("/tmp/a b+ü", "name", user="u"),
    ],
)
def test_dagsters_driver_gets_the_same_database_with_its_schema_on_the_path(url: str) -> None:
    _, given = PGDialect_psycopg2().create_connect_args(make_url(dagster_url(url)))
    wanted = conninfo_to_dict(normalise_url(url))
    assert {name: str(value) for name, value in given.items()} == {**wanted, "options": "-csearch_path=dagster"}


def test_options_of_the_address_are_kept_for_dagster() -> None:
    _, given = PGDialect_psycopg2().create_connect_args(make_url(dagster_url("postgres://u@h/d?options=endpoint%3Dx")))
    assert given["options"] == "endpoint=x -csearch_path=dagster"


def test_an_instant_comes_back_in_utc_whatever_the_databases_time_zone(
    connection: Connection, database_url: str
) -> None:
    connection.execute(f"alter database {connection.info.dbname} set timezone = 'Asia/Tokyo'")
    with connect(database_url) as other:
        row = other.execute("select timestamptz '2024-01-01 00:00+09' as instant").fetchone()
    assert row == {"instant": datetime(2023, 12, 31, 15, tzinfo=UTC)}
    assert row["instant"].utcoffset().total_seconds() == 0


def test_each_statement_is_its_own_transaction(database_url: str) -> None:
    with connect(database_url) as writer, connect(database_url) as reader:
        writer.execute("create table seen (n int)")
        assert reader.execute("select count(*) as n from seen").fetchone() == {"n": 0}


def test_a_server_that_does_not_answer_is_one_line_with_its_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refused
        port = unused.getsockname()[1]
        with pytest.raises(WarehouseError) as refused:
            connect(f"postgresql://me:s3cret@127.0.0.1:{port}/name")
    message = str(refused.value)
    assert message.startswith(f"No connection to Postgres (host=127.0.0.1 port={port} dbname=name user=me): ")
    assert "Connection refused" in message
    assert "\n" not in message
    assert "s3cret" not in message


def test_a_database_that_is_not_there_is_named(database_url: str) -> None:
    name = conninfo_to_dict(database_url)["dbname"]
    with pytest.raises(WarehouseError, match=f'database "{name}x" does not exist'):
        connect(database_url.replace(name, f"{name}x"))
