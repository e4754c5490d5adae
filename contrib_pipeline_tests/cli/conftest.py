"""Commands run as a person would, on a scratch database."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from contrib_pipeline.cli.main import cli

Command = Callable[..., Result]


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command as a person would; fails on a traceback."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout
