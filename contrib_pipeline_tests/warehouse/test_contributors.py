"""Which accounts BOT_LOGINS names, and what a change of it does to stored ones."""

import pytest

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.contributors import flag_bots, is_named

_ACCOUNTS = (("ana", "user"), ("ben-ci", "user"), ("bob", "user"), ("renovate", "bot"), ("octo_corp", "organization"))


@pytest.fixture
def accounts(connection: Connection) -> Connection:
    for id, (login, kind) in enumerate(_ACCOUNTS):
        connection.execute(
            "insert into github.contributors (id, node_id, login, kind, is_bot) values (%s, 'n', %s, %s, %s)",
            (id, login, kind, kind == "bot"),
        )
    return connection


def bots(connection: Connection) -> list[str]:
    return [
        row["login"] for row in connection.execute("select login from github.contributors where is_bot order by id")
    ]


@pytest.mark.parametrize(
    ("logins", "named"),
    [
        ([], []),
        (["Ana"], ["ana"]),
        (["*-CI"], ["ben-ci"]),
        (["*"], [login for login, _ in _ACCOUNTS]),
        (["octo_*", "b*b"], ["bob", "octo_corp"]),
        (["*[bot]"], []),
        (["b.b", "an"], []),
    ],
)
def test_stored_accounts_are_flagged_as_those_that_are_read(
    accounts: Connection, logins: list[str], named: list[str]
) -> None:
    assert [login for login, _ in _ACCOUNTS if is_named(login, logins)] == named
    changed = flag_bots(accounts, logins)
    assert set(bots(accounts)) == {*named, "renovate"}
    assert changed == len(set(named) - {"renovate"})
    assert flag_bots(accounts, logins) == 0, "what is so already is not written"


def test_an_account_that_is_no_longer_named_is_a_person_again(accounts: Connection) -> None:
    flag_bots(accounts, ["ana"])
    assert flag_bots(accounts, []) == 1
    assert bots(accounts) == ["renovate"]
