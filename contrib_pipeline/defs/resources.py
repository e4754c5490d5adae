"""What assets and sensors work with: settings turned into connections and clients, one set per run.

The settings are read when a run asks, not when Dagster loads the code: no secret is in a resource's config, where the
UI would show it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.settings import Settings, SettingsError, read_settings
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import Connection, connect


class Pipeline(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse and GitHub, as this process's environment names them."""

    @property
    def settings(self) -> Settings:
        return read_settings()

    @contextmanager
    def warehouse(self) -> Iterator[Connection]:
        """A connection to the warehouse."""
        with connect(self.database_url, application_name="contrib-pipeline run") as connection:
            yield connection

    @contextmanager
    def captures(self, run_id: str) -> Iterator[Captures]:
        """Captures with a connection, a client and the shared budget of their own."""
        settings = self.settings
        if settings.github_token is None:
            raise SettingsError("GITHUB_TOKEN is not set: GitHub can't be asked without a credential.")
        token = settings.github_token.get_secret_value()
        with (
            self.warehouse() as rows,
            self.warehouse() as points,
            GitHubClient(settings.github_graphql_url, token, PostgresBudget(points, token)) as client,
        ):
            yield Captures(
                client, rows, host=settings.github_host, run_id=run_id, bot_logins=tuple(settings.bot_logins)
            )

    @property
    def database_url(self) -> str:
        url = self.settings.database_url
        if url is None:
            raise SettingsError(
                "DATABASE_URL is not set: use `contrib-pipeline up`, or the exports of `contrib-pipeline env`."
            )
        return url
