"""What commands stand on: the database, up to date, and the Dagster instance in it.

The environment of Dagster's own processes is made here (``exports``); which processes there are is ``up``'s business.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from contrib_pipeline.settings import PROJECT, Settings, SettingsError
from contrib_pipeline.warehouse.connection import Connection, connect, dagster_url, normalise_url
from contrib_pipeline.warehouse.migrate import migrate

if TYPE_CHECKING:
    import dagster as dg


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The address of the migrated database: DATABASE_URL's, else the embedded server's, running for that long."""
    if settings.database_url:
        url = normalise_url(settings.database_url)
        migrate(url)
        yield url
        return
    from contrib_pipeline.warehouse.embedded import EmbeddedServer

    with EmbeddedServer(settings.home) as url:
        migrate(url)
        yield url


@contextmanager
def warehouse(settings: Settings) -> Iterator[Connection]:
    """A connection to the migrated database."""
    with database(settings) as url, connect(url) as connection:
        yield connection


def exports(settings: Settings, url: str) -> dict[str, str]:
    """The variables with which stock Dagster works on this project (``dagster dev``, ``dg check defs``)."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    _link_instance_file(home / "dagster.yaml")
    return {
        "CONTRIB_HOME": str(settings.home),
        "DATABASE_URL": url,
        "CONTRIB_DAGSTER_URL": dagster_url(url),
        "CONTRIB_DAGSTER_FILES": str(home / "files"),
        "DAGSTER_HOME": str(home),
    }


def keep_running(settings: Settings) -> None:
    """Leave the embedded server to those who got the exports, until nobody has used it for a while."""
    if settings.database_url:
        return
    subprocess.Popen(
        [sys.executable, "-m", "contrib_pipeline.cli.keeper", str(settings.home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def as_shell(variables: dict[str, str]) -> str:
    """Lines ``export NAME=value``, quoted for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


@contextmanager
def dagster_instance(settings: Settings) -> "Iterator[dg.DagsterInstance]":
    """The Dagster instance of this project, with this process's environment set for code that Dagster runs."""
    with database(settings) as url:
        os.environ.update(exports(settings, url))
        import dagster as dg

        with dg.DagsterInstance.get() as instance:
            yield instance


def _link_instance_file(link: Path) -> None:
    """DAGSTER_HOME's dagster.yaml is the project's own: one file, in version control."""
    target = PROJECT / "dagster.yaml"
    if not target.exists():
        raise SettingsError(f"{target} is missing: run contrib-pipeline from its project folder (pip install -e .).")
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
