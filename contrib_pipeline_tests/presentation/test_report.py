"""The report of a workspace: one file that needs nothing else, with every number's meaning, and plain about gaps."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contrib_pipeline.metrics.definitions import TRENDS
from contrib_pipeline.metrics.trends import workspace_trends
from contrib_pipeline.presentation import report as reports
from contrib_pipeline.presentation.report import ReportError, report, write_report
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.presentation.conftest import LAST_DAY


class Page(HTMLParser):
    """What a page says, and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.feed(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
        self.text = " ".join(" ".join(self.words).split())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset", "href", "data")]


@pytest.fixture
def page(connection: Connection, team: workspaces.Workspace) -> Page:
    return Page(report(connection, team))


def test_a_report_needs_nothing_else(page: Page) -> None:
    assert len(page.loads) == 8  # four pictures, each for a desk and for a phone
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.loads)


def test_every_trend_is_there_with_its_meaning(page: Page, connection: Connection, team: workspaces.Workspace) -> None:
    for metric in TRENDS:
        assert metric.sentence.rstrip(".") in page.text
    (merged,) = (
        row
        for row in workspace_trends(connection, team.id, LAST_DAY)
        if (row["metric"], row["window_days"]) == ("pull_requests_merged", 30)
    )
    assert f"Pull requests merged {merged['current']:.0f} " in page.text
    assert "Time to merge, median Median hours from opening to merge" in page.text
    assert "30.0 h" in page.text


def test_names_are_text_and_not_markup(page: Page) -> None:
    assert page.text.startswith("The <Team>: contributions until")


def test_humans_stand_beside_bots(page: Page) -> None:
    persons, bots = page.text.split("Who did most")[1].split("Bots Pull requests")
    assert "ana" in persons
    assert "renovate" not in persons
    assert "renovate" in bots


def test_the_bus_factor_names_who_opened_half(page: Page, connection: Connection, team: workspaces.Workspace) -> None:
    (factor,) = (
        row["current"]
        for row in workspace_trends(connection, team.id, LAST_DAY)
        if (row["metric"], row["window_days"]) == ("contributor_absence_factor", 90)
    )
    named = re.search(r"(\d+) persons together opened at least half .*?: (.*?)\.", page.text)
    assert named
    assert int(named[1]) == factor == len(named[2].split(", "))


def test_whole_repositories_are_said_to_be_whole(page: Page) -> None:
    assert "All are complete and were looked at after the end of" in page.text


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            "update github.repositories set history_complete = false where id = 1",
            "Partial: its history is still being read; 89 of 90 pull requests are stored.",
        ),
        (
            "update github.capture_state set verified_at = '2026-01-02 03:04+00' where repository_id = 1",
            "Behind: last looked at 2026-01-02 03:04 UTC; what happened since is missing.",
        ),
        ("delete from github.capture_state where repository_id = 1", "Behind: not looked at yet."),
        (
            "update github.repositories set terminal_reason = 'gone' where id = 1",
            "No longer read (gone): its past counts on.",
        ),
        (
            "update github.repositories set is_tracked = false, history_complete = false where id = 1",
            "No longer read (deleted, or not tracked): only 89 pull requests of its past were stored before.",
        ),
    ],
)
def test_what_is_missing_is_said_plainly(
    connection: Connection, team: workspaces.Workspace, harm: str, said: str
) -> None:
    connection.execute(harm)
    text = Page(report(connection, team)).text
    assert f"octo/r1 {said}" in text
    assert "1 of 2 repositories is partial, behind or no longer read" in text
    assert "The others are complete" in text


def test_a_workspace_without_repositories_has_a_report(connection: Connection, team: workspaces.Workspace) -> None:
    connection.execute("delete from workspaces.repositories")
    connection.execute("delete from metrics.workspace_contributors")
    text = Page(report(connection, team)).text
    for said in ("No person's pull request was merged", "No person did anything.", "There are none in this workspace."):
        assert said in text
    assert "All are complete" not in text


def test_a_workspace_that_was_never_computed_says_how(connection: Connection, tmp_path: Path) -> None:
    idle = workspaces.create(connection, "Idle")
    with pytest.raises(ReportError, match="contrib-pipeline aggregate --workspace idle"):
        write_report(connection, idle, tmp_path / "idle.html")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_line(
    connection: Connection, team: workspaces.Workspace, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=r"nowhere/team\.html can't be written: No such file or directory"):
        write_report(connection, team, tmp_path / "nowhere" / "team.html")


@pytest.mark.parametrize(
    ("percent", "shown"),
    [(None, "–"), (0.2, "±0 %"), (-0.4, "±0 %"), (12.5, "+12 %"), (-8.0, "−8 %"), (1234.0, "+1,234 %")],
)
def test_a_change_is_a_signed_percentage(percent: float | None, shown: str) -> None:
    assert reports._change(percent) == shown
