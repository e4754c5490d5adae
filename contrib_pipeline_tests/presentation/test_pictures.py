"""Pictures are well-formed, small, and show what the facts say."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.presentation import pictures
from contrib_pipeline.presentation.history import History, history, members
from contrib_pipeline.presentation.tables import MEANINGS, day_table
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.presentation.conftest import LAST_DAY

_EVENT = 150_000


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def shown(connection: Connection, team: workspaces.Workspace) -> History:
    return history(connection, members(connection, team.id), LAST_DAY)


def test_a_history_has_each_day_and_each_week(shown: History) -> None:
    assert [row["day"] for row in shown.days] == [LAST_DAY - timedelta(days=n) for n in range(90, -1, -1)]
    assert [row["day"] for row in shown.weeks] == [LAST_DAY - timedelta(weeks=n) for n in range(12, -1, -1)]


def test_a_history_agrees_with_the_daily_metrics(
    shown: History, connection: Connection, team: workspaces.Workspace
) -> None:
    row = connection.execute("select * from metrics.workspace_daily where day = %s", [LAST_DAY]).fetchone()
    assert row is not None
    last = shown.days[-1]
    assert (last["opened"], last["merged"], last["reviews"]) == (
        row["pull_requests_opened"],
        row["pull_requests_merged"],
        row["reviews"],
    )
    assert {week["merge_hours_p50"] for week in shown.weeks[:-1]} == {30}
    assert {week["first_review_hours_p90"] for week in shown.weeks[:-1]} == {6}


def test_reviewers_are_persons_first(shown: History) -> None:
    assert [row["is_bot"] for row in shown.reviewers] == [False, False, False, True]


@pytest.mark.parametrize("picture", pictures.PICTURES, ids=lambda picture: picture.title)
@pytest.mark.parametrize("width", [pictures.WIDE, pictures.NARROW])
def test_a_picture_is_text_in_the_readers_colours(picture: pictures.Picture, width: int, shown: History) -> None:
    drawn = pictures.svg(picture, shown, width)
    root = ElementTree.fromstring(drawn)
    assert root.attrib["viewBox"] == f"0 0 {width} {picture.height}"
    assert texts(drawn)
    assert "prefers-color-scheme:dark" in drawn
    assert "DejaVu" not in drawn


def test_the_load_names_who_carries_it_and_leaves_bots_out(shown: History) -> None:
    (picture,) = (p for p in pictures.PICTURES if p.title == "Who carries the load")
    labels = texts(pictures.svg(picture, shown))
    assert {"ana", "ben", "cleo"} <= set(labels)
    assert "renovate" not in labels


@pytest.mark.parametrize("picture", pictures.PICTURES, ids=lambda picture: picture.title)
def test_where_nothing_happened_there_is_a_picture_too(picture: pictures.Picture, connection: Connection) -> None:
    drawn = pictures.svg(picture, history(connection, [], LAST_DAY))
    assert ElementTree.fromstring(drawn) is not None
    assert not any(":" in label for label in texts(drawn)), "months on the axis, not the hours of some day"


def test_the_pictures_of_a_day_fit_into_an_event(shown: History) -> None:
    text = pictures.as_markdown(shown)
    assert text.count("](data:image/svg+xml;base64,") == len(pictures.PICTURES)
    assert len(text) < _EVENT


def test_a_days_table_has_twenty_rows_at_most_and_says_what_they_mean(
    connection: Connection, team: workspaces.Workspace
) -> None:
    for number in range(30):
        workspaces.create(connection, f"Idle {number}")
    compute_days(connection, [LAST_DAY])
    table = day_table(connection, LAST_DAY)
    assert (len(table.rows), table.workspaces) == (20, 31)
    assert table.rows[0]["workspace"] == team.slug  # the one in which something happened
    assert all(list(row) == list(MEANINGS) for row in table.rows)
    assert day_table(connection, LAST_DAY - timedelta(days=1)).rows == []
