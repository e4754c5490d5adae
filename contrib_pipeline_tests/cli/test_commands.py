"""Commands on a scratch database: what they print, what they change, how they answer wrong input."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from contrib_pipeline.cli.captures import Bars
from contrib_pipeline.cli.main import main
from contrib_pipeline.cli.output import shown
from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.metrics.compute import compute_days
from contrib_pipeline.metrics.trends import compute_trends
from contrib_pipeline.settings import SettingsError
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.cli.conftest import Command, ok


def add_repository(connection: Connection, name: str) -> int:
    row = connection.execute(
        """
        insert into github.repositories
          (id, node_id, owner, name, name_with_owner, is_tracked, history_complete, read_at)
        values (7, 'R_7', 'octo', 'hello', %s, true, true, now())
        returning id
        """,
        (name,),
    ).fetchone()
    assert row is not None
    return int(row["id"])


def test_a_workspace_lives_through_its_commands(command: Command, connection: Connection) -> None:
    add_repository(connection, "octo/hello")
    assert ok(command("workspace", "create", "My Team")).startswith("my-team  ")
    assert ok(command("workspace", "add", "my-team", "Octo/Hello")) == "octo/hello added.\n"
    assert ok(command("workspace", "add", "my-team", "octo/hello")) == "octo/hello: nothing to do.\n"
    assert [m["name_with_owner"] for m in json.loads(ok(command("workspace", "show", "My Team", "--json")))] == [
        "octo/hello"
    ]
    assert ok(command("workspace", "rename", "my-team", "Editors")).startswith("editors  ")
    assert "inactive" in ok(command("workspace", "deactivate", "editors"))
    (listed,) = json.loads(ok(command("workspace", "list", "--json")))
    assert (listed["slug"], listed["is_active"], listed["repositories"]) == ("editors", False, 1)
    assert ok(command("workspace", "activate", "editors")) == "editors is active.\n"
    assert ok(command("workspace", "remove", "editors", "octo/hello")) == "octo/hello removed.\n"


def test_a_repository_that_github_no_longer_shows_can_be_removed(command: Command, connection: Connection) -> None:
    add_repository(connection, "octo/hello")
    ok(command("workspace", "create", "Team"))
    ok(command("workspace", "add", "team", "octo/hello"))
    connection.execute("update github.repositories set deleted_at = now(), terminal_reason = 'gone'")
    assert ok(command("workspace", "remove", "team", "Octo/Hello")) == "octo/hello removed.\n"
    assert json.loads(ok(command("workspace", "show", "team", "--json"))) == []
    assert ok(command("workspace", "remove", "team", "octo/hello")) == "octo/hello is not in team: nothing to do.\n"


def test_a_change_of_members_asks_for_the_metrics_again(command: Command, connection: Connection) -> None:
    add_repository(connection, "octo/hello")
    ok(command("workspace", "create", "Team"))
    connection.execute("delete from events.inbox")
    ok(command("workspace", "add", "team", "octo/hello"))
    (event,) = connection.execute("select function, state, source from events.inbox").fetchall()
    assert event == {"function": "aggregate/workspace-metrics", "state": "pending", "source": "cli"}


def test_a_new_member_whose_history_is_not_whole_gets_it(command: Command, connection: Connection) -> None:
    add_repository(connection, "octo/hello")
    connection.execute("update github.repositories set history_complete = false")
    ok(command("workspace", "create", "Team"))
    ok(command("workspace", "add", "team", "octo/hello"))
    asked = connection.execute(
        "select key, state from events.inbox where function = 'capture/repository.sync-enhanced'"
    ).fetchall()
    assert asked == [{"key": "octo/hello", "state": "pending"}]


def test_an_unknown_repository_stands_as_a_pending_event(command: Command, connection: Connection) -> None:
    ok(command("workspace", "create", "Team"))
    assert "is not known yet" in ok(command("workspace", "add", "team", "octo/new"))
    row = connection.execute(
        "select state, data from events.inbox where function = 'workspace/repository-change'"
    ).fetchone()
    assert row is not None
    assert (row["state"], row["data"]["repository"]) == ("pending", "octo/new")


def test_tracking_writes_an_event_and_untracking_keeps_the_data(command: Command, connection: Connection) -> None:
    ok(command("track", "octo/new", "https://github.com/octo/other.git"))
    rows = connection.execute("select key, function from events.inbox order by key").fetchall()
    assert [(r["key"], r["function"]) for r in rows] == [
        ("octo/new", "discover/new-repository"),
        ("octo/other", "discover/new-repository"),
    ]
    add_repository(connection, "octo/hello")
    assert "no longer tracked" in ok(command("untrack", "octo/hello"))
    assert connection.execute("select is_tracked from github.repositories").fetchall() == [{"is_tracked": False}]


@pytest.fixture
def computed(connection: Connection) -> workspaces.Workspace:
    """A workspace with one computed day."""
    team = workspaces.create(connection, "Team")
    compute_days(connection, [date(2026, 6, 1)])
    return team


def test_metrics_come_in_every_format(command: Command, computed: workspaces.Workspace, tmp_path: Path) -> None:
    days = ("--from", "2026-06-01", "--to", "2026-06-02")
    assert "2026-06-01" in ok(command("metrics", "team", *days))
    (row,) = json.loads(ok(command("metrics", "team", *days, "--json")))
    assert (row["day"], row["pull_requests_opened"]) == ("2026-06-01", 0)
    header, line = ok(command("metrics", "team", *days, "--format", "csv")).splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["reviews"] == "0"
    output = tmp_path / "team.parquet"
    ok(command("metrics", "team", *days, "--format", "parquet", "--output", str(output)))
    assert output.stat().st_size > 0


def test_zeros_of_a_workspace_without_repositories_say_why(command: Command, computed: workspaces.Workspace) -> None:
    result = command("metrics", "team", "--from", "2026-06-01", "--to", "2026-06-01")
    assert "Workspace team has no repositories yet" in result.stderr
    assert "no repositories" not in result.stdout


def test_metrics_are_the_same_numbers_in_every_format(
    command: Command, computed: workspaces.Workspace, connection: Connection, tmp_path: Path
) -> None:
    compute_days(connection, [date(2026, 6, 2)])
    connection.execute("update metrics.workspace_daily set merge_hours_p50 = 1 / 3.0::float8, lines_merged = 5")
    connection.execute("update metrics.workspace_daily set lines_merged = null where day = '2026-06-02'")
    for form in ("csv", "json", "parquet"):
        output = str(tmp_path / form)
        ok(command("metrics", "team", "--from", "2026-06-01", "--format", form, "--output", output))
    printed = json.loads(ok(command("metrics", "team", "--from", "2026-06-01", "--json")))
    assert json.loads((tmp_path / "json").read_text()) == printed
    table = pyarrow.parquet.read_table(tmp_path / "parquet")
    assert table.schema.field("lines_merged").type == pyarrow.int64()
    assert json.loads(json.dumps(table.drop_columns("computed_at").to_pylist(), default=str)) == [
        {name: value for name, value in row.items() if name != "computed_at"} for row in printed
    ]
    with (tmp_path / "csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["lines_merged"], float(line["merge_hours_p50"])) for line in lines] == [("5", 1 / 3), ("", 1 / 3)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("aggregate", "--day", "2007-12-31"), "not before 2008-01-01"),
        (("aggregate", "--from", "1999-01-01", "--to", "2020-01-01"), "not before 2008-01-01"),
        (("aggregate", "--to", "2020-01-01"), "--to needs --from"),
    ],
)
def test_days_that_cannot_be_computed_are_refused(command: Command, arguments: tuple[str, ...], said: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("days", [("9999-01-01", "9999-12-31"), ("1999-01-01", "1999-12-31")])
def test_days_that_have_no_numbers_are_not_to_be_computed(
    command: Command, computed: workspaces.Workspace, days: tuple[str, str]
) -> None:
    result = command("metrics", "team", "--from", days[0], "--to", days[1])
    assert "days go from 2008-01-01 to today" in result.stderr
    assert "aggregate" not in result.stderr


def test_days_that_are_not_computed_say_how_to_compute_them(command: Command, computed: workspaces.Workspace) -> None:
    result = command("metrics", "team", "--from", "2026-01-01", "--to", "2026-01-02")
    assert result.exit_code == 0
    assert "contrib-pipeline aggregate --from 2026-01-01 --workspace team" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("explain", "team", "2026-06-01", "stars"), 1, "There is no metric 'stars'; there are: pull_requests_opened"),
        (("explain", "team", "9999-12-31", "reviews"), 2, "9999-12-31 has not begun yet."),
        (("explain", "nobody", "2026-06-01", "reviews"), 1, "No workspace 'nobody'; known: team."),
        (("metrics", "team", "--from", "2026-06-02", "--to", "2026-06-01"), 2, "2026-06-02 is after 2026-06-01."),
        (("metrics", "team", "--to", "0001-01-02", "--output", "/nowhere/x.csv"), 1, "/nowhere/x.csv can't be written"),
        (("report", "team", "--output", "team.html"), 1, "Nothing is computed for workspace team yet"),
        (("report", "nobody", "--output", "nobody.html"), 1, "No workspace 'nobody'; known: team."),
    ],
)
def test_bad_input_about_metrics_is_one_clear_line(
    computed: workspaces.Workspace,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("sys.argv", ["contrib-pipeline", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert (ended.value.code, error.startswith(f"Error: {said}")) == (code, True), error


def test_a_report_is_a_file(
    command: Command, computed: workspaces.Workspace, connection: Connection, tmp_path: Path
) -> None:
    compute_trends(connection, [date(2026, 6, 1)])
    output = tmp_path / "team.html"
    ok(command("report", "team", "--output", str(output)))
    assert "<h1>Team</h1>" in output.read_text("utf-8")


def test_events_are_a_table_with_a_runs_first_eight_characters_or_all_of_it_in_json(
    command: Command, connection: Connection
) -> None:
    run_id = "1eb26ffa-e612-41b2-b1a0-ba3a5bab4efb"
    inbox.post(connection, [Event("capture/repository.sync", {"repository": "octo/hello"})], "cli")
    connection.execute("update events.inbox set run_id = %s", [run_id])
    assert run_id[:8] in (table := ok(command("events")))
    assert run_id not in table
    assert json.loads(ok(command("events", "--json"))) == json.loads(ok(command("events", "list", "--json")))
    assert json.loads(ok(command("events", "--json")))[0]["run_id"] == run_id


def test_usage_names_a_day_as_a_day(command: Command) -> None:
    assert "explain [OPTIONS] WORKSPACE DAY METRIC" in ok(command("explain", "--help"))
    assert "--from YYYY-MM-DD" in ok(command("metrics", "--help"))


def test_an_alias_is_learned(command: Command, connection: Connection) -> None:
    uuid = "6f1c0a52-7a3e-4c0e-9a43-0d8b5f6f2f10"
    assert uuid in ok(command("alias", uuid, "octo/hello"))
    assert connection.execute("select id::text, owner, name from events.aliases").fetchall() == [
        {"id": uuid, "owner": "octo", "name": "hello"}
    ]


def test_a_file_is_exported(command: Command, computed: workspaces.Workspace, tmp_path: Path) -> None:
    output = tmp_path / "workspaces.csv"
    ok(command("export", "workspaces.workspaces", "--output", str(output)))
    assert len(output.read_text().splitlines()) == 2


@pytest.mark.parametrize("arguments", [("capture", "a/b"), ("discussions", "a/b"), ("verify", "a/b")])
def test_without_a_credential_a_command_names_the_settings_and_a_sandbox_that_is_gone_is_none(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CONTRIB_HOME", str(tmp_path))
    (tmp_path / "sandbox").write_text("http://127.0.0.1:9")
    result = command(*arguments)
    assert isinstance(result.exception, SettingsError)
    assert "set GITHUB_TOKEN, or GITHUB_APP_ID" in str(result.exception)


def test_a_bar_keeps_the_historys_numbers_when_what_changed_meanwhile_follows() -> None:
    bars = Bars()
    for read, total in ((1000, 2000), (2000, 2000), (25, 2000), (28, 28)):
        bars.page("octo/hello", "pull_requests", read, total)
    (task,) = bars.drawn.tasks
    assert (task.description, task.completed, task.total) == ("octo/hello pull requests", 2000, 2000)


@pytest.mark.parametrize(
    "arguments",
    [
        ["capture"],
        ["capture", "no-slash"],
        ["capture", "a/b", "--number", "x"],
        ["workspace", "create"],
        ["aggregate", "--day", "yesterday"],
        ["aggregate", "--day", "2026-01-01", "--from", "2026-01-01"],
        ["aggregate", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["aggregate", "--day", "2999-01-01"],
        ["metrics", "team", "--format", "parquet"],
        ["send", "x", "--data", "not json"],
        ["send", "x", "--data", "[1]"],
        ["alias", "no-uuid", "a/b"],
        ["events", "list", "--state", "lost"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(command: Command, arguments: list[str]) -> None:
    result = command(*arguments)
    assert result.exit_code == 2, result.output
    assert "Error" in result.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (12345, "12,345"),
        (1.25, "1.2"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04:05"),
        (date(2026, 1, 2), "2026-01-02"),
        ("text", "text"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert shown(value) == text
