"""Which GitHub a command asks: the one of the settings, else the sandbox of an ``up`` that runs beside it.

Where that one listens is written in a file in CONTRIB_HOME for as long as it does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
import requests

from contrib_pipeline.settings import Settings, SettingsError, read_settings

_FILE = "sandbox"
_TIMEOUT_SECONDS = 2


def use_sandbox(url: str) -> Settings:
    """The settings of this process from now on, with the sandbox at ``url`` in GitHub's place."""
    os.environ["GITHUB_API_URL"] = url
    os.environ["GITHUB_TOKEN"] = "sandbox"  # noqa: S105  # the sandbox takes any
    os.environ.pop("GITHUB_GRAPHQL_URL", None)
    return read_settings()


@contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Tell commands beside this process where the sandbox is."""
    file = settings.home / _FILE
    file.write_text(settings.github_api_url, "utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def github_settings() -> Settings:
    """The settings of a command that asks GitHub.

    Raises :class:`SettingsError` where there is neither a credential nor a sandbox.
    """
    settings = read_settings()
    if settings.has_credential:
        return settings
    url = _sandbox(settings)
    if url is None:
        raise SettingsError(
            "GitHub can't be asked without a credential: set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY."
        )
    click.echo(f"No GITHUB_TOKEN: asking the sandbox, {url}", err=True)
    return use_sandbox(url)


def _sandbox(settings: Settings) -> str | None:
    try:
        url = (settings.home / _FILE).read_text("utf-8")
        return url if requests.get(f"{url}/health", timeout=_TIMEOUT_SECONDS).ok else None
    except (OSError, requests.RequestException):
        return None
