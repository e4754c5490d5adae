"""``up``: everything on one machine, in the foreground: which processes, in which order, with what environment.

Keeping them running is ``supervisor``'s business.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import psycopg
import requests
from rich.console import Console

from contrib_pipeline import daemon
from contrib_pipeline.capture.repositories import claim_host
from contrib_pipeline.cli import showcase
from contrib_pipeline.cli.instance import database, exports
from contrib_pipeline.cli.local_github import announced, use_sandbox
from contrib_pipeline.instance import fork_server
from contrib_pipeline.settings import Settings, read_settings
from contrib_pipeline.supervisor import Child, Supervisor
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline.warehouse.contributors import flag_bots

HOST = "127.0.0.1"
_SANDBOX_PORTS = range(8099, 8200)
_READY_SECONDS = 90.0
# Each waiting sensor holds a thread of the code server; Dagster would have six on two cores.
_CODE_SERVER_THREADS = 24


class AlreadyUp(Exception):
    """Another daemon runs on this database, or a port is taken."""


@dataclass(frozen=True)
class Addresses:
    """Where the processes listen."""

    ui: int
    events: int
    code: int
    sandbox: int | None


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option("--events-port", default=8288, show_default=True, help="Port of the event receiver.")
@click.option("--sandbox", "with_sandbox", is_flag=True, help="Capture from a local GitHub instead of the real one.")
def up(port: int, events_port: int, with_sandbox: bool) -> None:
    """Run everything on this machine until Ctrl-C: Postgres, Dagster, the event receiver.

    Without a GitHub credential, and without DATABASE_URL, a local GitHub with repositories and a workspace is
    started too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell starts background jobs with it ignored
        signal.signal(number, _interrupt)
    console = Console(stderr=True, highlight=False)
    settings = read_settings()
    if not with_sandbox and not settings.has_credential and not settings.database_url:
        console.print("No GITHUB_TOKEN: starting with the sandbox, a local GitHub.")
        with_sandbox = True
    addresses = Addresses(port, events_port, _free_port(), _sandbox_port() if with_sandbox else None)
    if addresses.sandbox:
        settings = use_sandbox(f"http://{HOST}:{addresses.sandbox}")
    console.print("Starting Postgres …")
    with database(settings) as url, _alone(url, settings) as connection:
        _refuse_taken_ports(addresses)
        environment = _environment(settings, url)
        _prepare_dagster(environment)
        flag_bots(connection, settings.bot_logins)
        supervisor = Supervisor(environment, settings.logs, lambda text: console.print(text, style="yellow"))
        try:
            _run(supervisor, addresses, settings, connection, console)
        finally:
            console.print("Stopping …")
            supervisor.stop()


def _run(
    supervisor: Supervisor, addresses: Addresses, settings: Settings, connection: Connection, console: Console
) -> None:
    for child in _children(addresses, settings):
        supervisor.start(child)
    with console.status("Starting Dagster …"):
        supervisor.wait_until_ready(_READY_SECONDS)
    if addresses.sandbox:
        showcase.set_up(connection)
    with announced(settings) if addresses.sandbox else nullcontext():
        _tell(addresses, settings)
        supervisor.watch(_database_watch(settings, connection))


def _children(addresses: Addresses, settings: Settings) -> Iterator[Child]:
    """The processes in the order in which they are started."""
    workspace = _workspace_file(settings, addresses.code)
    if addresses.sandbox:
        arguments = ["sandbox", "--port", str(addresses.sandbox), *showcase.SANDBOX_OPTIONS]
        yield Child("sandbox", "contrib_pipeline", arguments, _answers(f"http://{HOST}:{addresses.sandbox}/health"))
    yield Child(
        "events",
        "contrib_pipeline",
        ["serve-events", "--port", str(addresses.events)],
        _answers(f"http://{HOST}:{addresses.events}/health"),
    )
    yield Child(
        "code",
        "dagster",
        ["api", "grpc", "-h", HOST, "-p", str(addresses.code), "-m", "contrib_pipeline.definitions"],
        _listens(addresses.code),
    )
    if settings.celery_broker_url is None:
        yield Child(
            "runs",
            "contrib_pipeline.instance.fork_server",
            [],
            lambda: fork_server.serves(settings.dagster_home),
            watches_lifeline=True,
        )
    yield Child(
        "daemon",
        "contrib_pipeline.daemon",
        [f"{HOST}:{addresses.code}", "-w", str(workspace)],
        gives_up_with=daemon.ALREADY_RUNNING,
    )
    yield Child(
        "ui",
        "dagster_webserver",
        ["-h", HOST, "-p", str(addresses.ui), "-w", str(workspace)],
        _answers(f"http://{HOST}:{addresses.ui}/server_info"),
    )


@contextmanager
def _alone(url: str, settings: Settings) -> Iterator[Connection]:
    """A connection for ``up`` itself, once it is clear that it is the only one on a database of the right host."""
    with connect(url, application_name="contrib-pipeline up") as connection:
        claim_host(connection, settings.github_host)
        if other := daemon.holder(connection):
            raise AlreadyUp(f"contrib-pipeline is already up on this database: {other}. Stop that one first.")
        yield connection


def _refuse_taken_ports(addresses: Addresses) -> None:
    for option, port in (("--port", addresses.ui), ("--events-port", addresses.events)):
        if _listens(port)():
            raise AlreadyUp(f"Port {port} is taken: stop what listens there, or choose another with {option}.")


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """The children's environment: ours, the exports, and bytecode, without which every start costs 1.5 s more."""
    environment = {
        **os.environ,
        **exports(settings, url),
        "DAGSTER_GRPC_MAX_WORKERS": str(_CODE_SERVER_THREADS),
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _prepare_dagster(environment: dict[str, str]) -> None:
    """Make Dagster's tables, once, before three processes would at the same time."""
    os.environ.update(environment)
    import dagster as dg

    with dg.DagsterInstance.get():
        pass


def _workspace_file(settings: Settings, port: int) -> Path:
    """workspace.yaml's code location, served once for both UI and daemon."""
    path = settings.dagster_home / "workspace.yaml"
    path.write_text(
        f"load_from:\n  - grpc_server: {{host: {HOST}, port: {port}, location_name: contrib_pipeline}}\n", "utf-8"
    )
    return path


def _database_watch(settings: Settings, connection: Connection) -> Callable[[], None]:
    """Brings the embedded server back when it was killed; an outside one is its keepers' business."""
    if settings.database_url:
        return lambda: None
    from contrib_pipeline.warehouse.embedded import EmbeddedServer

    held = [connection]

    def look() -> None:
        try:
            held[0].execute("select 1")
        except psycopg.Error:
            url = EmbeddedServer(settings.home).start()
            held[0] = connect(url, application_name="contrib-pipeline up")

    return look


def _tell(addresses: Addresses, settings: Settings) -> None:
    out = Console(highlight=False)
    out.print()
    out.print(f"  Dagster UI       [link]http://{HOST}:{addresses.ui}[/link]")
    out.print(f"  events           http://{HOST}:{addresses.events}/e/KEY")
    out.print(f"  GitHub           {settings.github_api_url}{' (the sandbox)' if addresses.sandbox else ''}")
    if settings.celery_broker_url:
        out.print("  runs             on Celery workers: start some with  contrib-pipeline worker")
    out.print("  SQL              contrib-pipeline env  prints DATABASE_URL")
    out.print(f"  logs             {settings.logs}")
    if addresses.sandbox:
        out.print(f"\n  In a minute: contrib-pipeline metrics {showcase.WORKSPACE}")
    out.print("\n  Ctrl-C stops all of it.")


def _answers(url: str) -> Callable[[], bool]:
    def is_ready() -> bool:
        try:
            return requests.get(url, timeout=2).ok
        except requests.RequestException:
            return False

    return is_ready


def _listens(port: int) -> Callable[[], bool]:
    def is_ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, port)) == 0

    return is_ready


def _sandbox_port() -> int:
    """The first port from 8099 on that nobody listens on: several checkouts may be up on one machine."""
    return next(port for port in _SANDBOX_PORTS if not _listens(port)())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _interrupt(*_: int | FrameType | None) -> None:
    raise KeyboardInterrupt


COMMANDS = [up]
