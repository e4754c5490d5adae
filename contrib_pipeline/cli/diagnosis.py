"""What ``doctor`` looks at: settings, database, GitHub, what is running. Each finding has its remedy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import requests

from contrib_pipeline import daemon
from contrib_pipeline.cli.instance import warehouse
from contrib_pipeline.events.forecast import read_forecast
from contrib_pipeline.events.inbox import depth
from contrib_pipeline.github.errors import GitHubError
from contrib_pipeline.settings import Settings, SettingsError
from contrib_pipeline.warehouse.budget import BudgetWait, budget_state
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.errors import WarehouseError

_TIMEOUT_SECONDS = 10
_WORKERS_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "note", "wrong"]
    what: str
    remedy: str = ""


def diagnose(settings: Settings) -> list[Finding]:
    """All findings; what depends on something that is wrong is left out."""
    findings = [*_token(settings), *_receiver(settings)]
    try:
        with warehouse(settings) as connection:
            findings += _database(settings, connection)
    except WarehouseError as error:
        findings.append(Finding("wrong", "database", str(error)))
    return findings


def _token(settings: Settings) -> Iterator[Finding]:
    """Whether GitHub takes the token; a GitHub App is looked at with the database, which its budget is in."""
    if settings.github_token is None and settings.has_credential:
        return
    if settings.github_token is None:
        yield Finding("note", "no GITHUB_TOKEN", "set one to capture from GitHub; without it `up` uses the sandbox")
        return
    try:
        answer = requests.get(
            f"{settings.github_api_url}/rate_limit",
            headers={"Authorization": f"Bearer {settings.github_token.get_secret_value()}"},
            timeout=_TIMEOUT_SECONDS,
        )
    except requests.RequestException:
        yield Finding("wrong", f"{settings.github_api_url} does not answer", "check GITHUB_API_URL and the network")
        return
    if answer.status_code == requests.codes.unauthorized:
        yield Finding("wrong", "GitHub does not accept GITHUB_TOKEN", "make a new token")
        return
    if answer.status_code == requests.codes.not_found:
        yield Finding(
            "note",
            f"{settings.github_api_url} tells no limits (404)",
            "right for an Enterprise Server without limits; else check GITHUB_API_URL",
        )
        return
    try:
        points = answer.json()["resources"]["graphql"]["remaining"]
    except (ValueError, LookupError, TypeError):
        what = f"{settings.github_api_url} does not answer as GitHub does ({answer.status_code})"
        yield Finding("wrong", what, "check GITHUB_API_URL and the network")
        return
    yield Finding("ok", f"GitHub accepts the token; {points} points left this hour")


def _receiver(settings: Settings) -> Iterator[Finding]:
    if not settings.github_webhook_secrets:
        yield Finding(
            "note", "no GITHUB_WEBHOOK_SECRET", "set it to receive webhooks; the endpoint answers 503 till then"
        )
    if not settings.event_keys:
        yield Finding("note", "no EVENT_KEYS", "any key is accepted, on this machine only")


def _database(settings: Settings, connection: Connection) -> Iterator[Finding]:
    version = connection.info.server_version
    where = "DATABASE_URL" if settings.database_url else f"embedded, below {settings.home}"
    yield Finding("ok", f"Postgres {version // 10_000}.{version % 10_000} ({where})")
    for look in _LOOKS:
        yield from look(settings, connection)


def _host(settings: Settings, connection: Connection) -> Iterator[Finding]:
    row = connection.execute("select host from github.host").fetchone()
    if row and settings.has_credential and row["host"] != settings.github_host:
        yield Finding(
            "wrong",
            f"the database holds data of {row['host']}, GITHUB_API_URL is {settings.github_host}",
            "use another DATABASE_URL or CONTRIB_HOME",
        )


def _app(settings: Settings, connection: Connection) -> Iterator[Finding]:
    """Whether GitHub knows the App by its id and key, where it is used."""
    if settings.github_token or not settings.has_credential:
        return
    from contrib_pipeline.defs.resources import github_app

    try:
        app = github_app(settings, connection)
        assert app is not None
        name = app.request("GET", "/app").json()
    except BudgetWait as wait:
        yield Finding("note", "the GitHub App was not looked at", str(wait))
    except (GitHubError, SettingsError) as error:
        yield Finding("wrong", "the GitHub App can't be used", str(error))
    else:
        yield Finding("ok", f"GitHub knows the App {name.get('slug', settings.github_app_id)}")


def _processes(_: Settings, connection: Connection) -> Iterator[Finding]:
    holder = daemon.holder(connection)
    if holder:
        yield Finding("ok", f"the daemon runs: {holder}")
    else:
        yield Finding("note", "no daemon runs on this database", "events wait until `contrib-pipeline up` is started")


def _workers(settings: Settings, _: Connection) -> Iterator[Finding]:
    """Whether there is room for as many runs as Dagster starts, where Celery's workers execute them."""
    if settings.celery_broker_url is None:
        return
    from contrib_pipeline.instance.celery_app import BrokerUnreachable, broker, celery_app, unreachable

    try:
        app = celery_app()
        with unreachable(app):
            workers = app.control.inspect(timeout=_WORKERS_SECONDS).stats() or {}
    except (BrokerUnreachable, SettingsError) as error:
        yield Finding("wrong", "Celery", str(error))
        return
    if not workers:
        yield Finding("wrong", f"no Celery worker answers at {broker(app)}", "start some: contrib-pipeline worker")
        return
    runs = sum(told["pool"]["max-concurrency"] for told in workers.values())
    yield Finding("ok", f"Celery workers: {len(workers)}, with room for {runs} runs")


def _queue(_: Settings, connection: Connection) -> Iterator[Finding]:
    waiting = depth(connection)
    yield Finding("ok", f"inbox: {waiting['due']} events due, {waiting['later']} for later")
    yield Finding("ok", f"queue: {read_forecast(connection)}")
    stuck = connection.execute(
        "select count(*) as n from events.inbox where state in ('failed', 'quarantined')"
    ).fetchone()
    if stuck and stuck["n"]:
        yield Finding("note", f"{stuck['n']} events failed or were not understood", "see contrib-pipeline events list")


def _budget(_: Settings, connection: Connection) -> Iterator[Finding]:
    for row in budget_state(connection):
        told = f"budget of {row['credential']}: {_left(row)}, {row['requests_in_flight']} requests in flight"
        if row["paused_until"]:
            yield Finding("note", told, f"GitHub asked for a pause until {row['paused_until']:%H:%M:%S} UTC")
        else:
            yield Finding("ok", told)


def _left(row: dict[str, Any]) -> str:
    """What is left of one credential and resource, in words."""
    what = {"graphql": "points", "core": "REST requests"}[row["resource"]]
    if row["points_left"] is None:
        return f"GitHub has named no limit of {what} yet"
    until = f" until {row['reset_at']:%H:%M} UTC" if row["reset_at"] else ""
    return f"{row['points_left']} of {row['points_limit']} {what} left{until}"


_LOOKS: tuple[Callable[[Settings, Connection], Iterator[Finding]], ...] = (
    _host, _app, _processes, _workers, _queue, _budget,
)  # fmt: skip
