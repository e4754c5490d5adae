"""The look at a GitHub App's deliveries, as a sensor: it needs an App and a secret, and never falls."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from contrib_pipeline.defs.deliveries import failed_deliveries
from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.github.credentials import app_account
from contrib_pipeline.sandbox.server import running_sandbox
from contrib_pipeline.sandbox.world import World
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline_tests.github.test_deliveries import Hook, private_key


@pytest.fixture(autouse=True)
def _database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the App's budget is kept."""
    monkeypatch.setenv("DATABASE_URL", database_url)


def look() -> str:
    result = failed_deliveries(dg.build_sensor_context(resources={"pipeline": Pipeline()}))
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


def test_without_an_app_nobody_is_asked() -> None:
    assert look() == "No GitHub App receives webhooks here."


def test_failures_of_the_last_day_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook()
    for guid, status in (("a", "timed out"), ("b", "OK")):
        hook.add(guid, status)
        hook.attempts[0]["delivered_at"] = datetime.now(UTC).isoformat()
    with running_sandbox(World(), hook.app) as base:
        monkeypatch.setenv("GITHUB_API_URL", base)
        monkeypatch.setenv("GITHUB_APP_ID", "1")
        monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", private_key())
        assert "GITHUB_WEBHOOK_SECRET" in look()
        assert hook.asked == []
        monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "a-secret")
        assert look() == "1 deliveries were asked for again, 0 failed three times."
    assert hook.asked == [1]


def test_a_budget_that_is_spent_puts_the_look_off_and_says_so(
    monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    hook = Hook()
    hook.add("a", "timed out")
    with running_sandbox(World(), hook.app) as base:
        for name, value in {
            "GITHUB_API_URL": base,
            "GITHUB_APP_ID": "1",
            "GITHUB_APP_PRIVATE_KEY": private_key(),
            "GITHUB_WEBHOOK_SECRET": "a-secret",
        }.items():
            monkeypatch.setenv(name, value)
        with PostgresBudget(connection, app_account("1"), resource="core").reserve(1) as reservation:
            reservation.pause(datetime.now(UTC) + timedelta(minutes=5), everywhere=False)
        assert look().startswith("Put off to the next look, in an hour: ")
    assert hook.pages == 0


def test_a_github_that_does_not_answer_is_a_reason_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GITHUB_API_URL": "http://127.0.0.1:1",
        "GITHUB_APP_ID": "1",
        "GITHUB_APP_PRIVATE_KEY": private_key(),
        "GITHUB_WEBHOOK_SECRET": "a-secret",
    }.items():
        monkeypatch.setenv(name, value)
    assert look().startswith("GitHub could not be asked: http://127.0.0.1:1 does not answer")
