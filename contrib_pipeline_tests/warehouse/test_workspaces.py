from datetime import date
from uuid import UUID

import pytest

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.read import open_days
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.errors import WarehouseError

_ID = UUID("6a3f0f6e-7a40-4b43-9d0a-2f6f7c9d1e55")
_DAY = date(2024, 2, 29)


def _repository(connection: Connection, id: int, name: str) -> int:
    connection.execute(
        "insert into github.repositories"
        " (id, node_id, owner, name, name_with_owner, is_tracked, history_complete, read_at)"
        " values (%s, 'n', 'o', %s, %s, true, true, now())",
        (id, name, f"o/{name}"),
    )
    connection.execute(
        "insert into github.capture_state (repository_id, kind, verified_at) values (%s, 'pull_requests', now())",
        (id,),
    )
    return id


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Platform", "platform"),
        ("  Data & Tools_2 ", "data-tools-2"),
        ("Ängström", "ängström"),
        ("a--b", "a-b"),
    ],
)
def test_a_slug_is_the_name_in_lower_case_with_hyphens(name: str, slug: str) -> None:
    assert workspaces.slug_of(name) == slug


def test_a_name_without_a_letter_or_digit_is_refused(connection: Connection) -> None:
    with pytest.raises(WarehouseError, match="needs a letter or a digit"):
        workspaces.create(connection, " -- ")


def test_a_workspace_is_found_by_id_slug_and_name_whatever_the_case(connection: Connection) -> None:
    made = workspaces.create(connection, "Data Tools", workspace_id=_ID)
    for key in (
        str(_ID),
        str(_ID).upper(),
        _ID.hex,
        "data-tools",
        "DATA-tools",
        "data tools",
        " Data Tools ",
    ):
        assert workspaces.find(connection, key) == made


def test_an_unknown_workspace_is_an_error_that_names_the_known_ones(connection: Connection) -> None:
    with pytest.raises(workspaces.WorkspaceNotFound, match="there is none yet"):
        workspaces.find(connection, "x")
    for name in ("One", "Two"):
        workspaces.create(connection, name)
    with pytest.raises(workspaces.WorkspaceNotFound, match="No workspace 'x'; known: one, two"):
        workspaces.find(connection, "x")


def test_a_name_that_two_workspaces_have_is_an_error_that_gives_their_slugs(connection: Connection) -> None:
    connection.execute("insert into workspaces.workspaces (slug, name) values ('a1', 'Acme'), ('a2', 'acme')")
    with pytest.raises(workspaces.WorkspaceAmbiguous, match="a1, a2"):
        workspaces.find(connection, "ACME")
    assert workspaces.find(connection, "a2").slug == "a2"


def test_a_second_workspace_of_the_same_slug_or_id_is_refused_and_changes_nothing(
    connection: Connection,
) -> None:
    workspaces.create(connection, "Data Tools", workspace_id=_ID)
    with pytest.raises(workspaces.WorkspaceExists, match="data-tools"):
        workspaces.create(connection, "data tools")
    with pytest.raises(workspaces.WorkspaceExists, match=str(_ID)):
        workspaces.create(connection, "other", workspace_id=_ID)
    assert [row["slug"] for row in workspaces.list_workspaces(connection)] == ["data-tools"]


def test_a_rename_keeps_the_id_and_refuses_a_slug_that_is_taken(connection: Connection) -> None:
    made = workspaces.create(connection, "One")
    workspaces.create(connection, "Two")
    assert workspaces.rename(connection, made.id, "ONE").name == "ONE"
    with pytest.raises(workspaces.WorkspaceExists, match="two"):
        workspaces.rename(connection, made.id, "two")
    renamed = workspaces.rename(connection, made.id, "Three")
    assert (renamed.id, renamed.slug) == (made.id, "three")
    with pytest.raises(workspaces.WorkspaceNotFound):
        workspaces.rename(connection, _ID, "Four")


def test_a_deactivated_workspace_can_be_activated_again(connection: Connection) -> None:
    made = workspaces.create(connection, "One")
    assert not workspaces.set_active(connection, made.id, is_active=False).is_active
    assert workspaces.set_active(connection, made.id, is_active=True) == made
    with pytest.raises(workspaces.WorkspaceNotFound):
        workspaces.set_active(connection, _ID, is_active=True)


def test_adding_and_removing_say_which_repositories_changed(connection: Connection) -> None:
    made = workspaces.create(connection, "One")
    first, second = _repository(connection, 1, "b"), _repository(connection, 2, "a")
    assert workspaces.add_repositories(connection, made.id, [first, second, first]) == [1, 2]
    assert workspaces.add_repositories(connection, made.id, [first]) == []
    assert [row["name_with_owner"] for row in workspaces.members(connection, made.id)] == ["o/a", "o/b"]
    assert workspaces.remove_repositories(connection, made.id, [first, 99]) == [1]
    assert [row["repositories"] for row in workspaces.list_workspaces(connection)] == [1]


def test_adding_to_an_unknown_workspace_is_an_error_that_names_the_known_ones(connection: Connection) -> None:
    workspaces.create(connection, "One")
    with pytest.raises(workspaces.WorkspaceNotFound, match="known: one"):
        workspaces.add_repositories(connection, _ID, [1])


def test_a_change_of_members_reopens_the_days_of_that_workspace_only(connection: Connection) -> None:
    made, other = workspaces.create(connection, "One"), workspaces.create(connection, "Two")
    _repository(connection, 1, "a")
    workspaces.add_repositories(connection, other.id, [1])
    compute_days(connection, [_DAY])
    assert open_days(connection, _DAY, _DAY) == []
    workspaces.add_repositories(connection, made.id, [1])
    assert open_days(connection, _DAY, _DAY, workspace_ids=[made.id]) == [_DAY]
    assert open_days(connection, _DAY, _DAY, workspace_ids=[other.id]) == []
    compute_days(connection, [_DAY], workspace_ids=[made.id])
    workspaces.add_repositories(connection, made.id, [1])
    assert open_days(connection, _DAY, _DAY) == []


@pytest.mark.parametrize(("is_active", "priority"), [(True, "high"), (False, "medium")])
def test_a_member_of_an_active_workspace_is_polled_often_from_the_start(
    connection: Connection, is_active: bool, priority: str
) -> None:
    repository_id = _repository(connection, 1, "one")
    connection.execute("update github.repositories set is_tracked = false, priority = 'medium'")
    made = workspaces.create(connection, "Team")
    workspaces.set_active(connection, made.id, is_active)
    workspaces.add_repositories(connection, made.id, [repository_id])
    (row,) = connection.execute("select priority, is_tracked from github.repositories").fetchall()
    assert row == {"priority": priority, "is_tracked": is_active}
