"""What assets and sensors work with: settings turned into connections and clients, one set per run.

The settings are read when a run asks, not when Dagster loads the code: no secret is in a resource's config, where the
UI would show it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import App, Credential, Installation, Token, app_account
from contrib_pipeline.settings import Settings, SettingsError, read_settings
from contrib_pipeline.warehouse.budget import Limits, PostgresBudget
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
    def captures(self, run_id: str | None = None) -> Iterator[Captures]:
        """Captures with a connection, clients and the shared budget of their own."""
        with open_captures(self.settings, self.database_url, run_id) as captures:
            yield captures

    @property
    def database_url(self) -> str:
        url = self.settings.database_url
        if url is None:
            raise SettingsError(
                "DATABASE_URL is not set: use `contrib-pipeline up`, or the exports of `contrib-pipeline env`."
            )
        return url


@contextmanager
def open_captures(settings: Settings, url: str, run_id: str | None = None) -> Iterator[Captures]:
    """Captures into the database at ``url``. Raises :class:`SettingsError` where there is no credential."""
    name = "contrib-pipeline run"
    with (
        connect(url, application_name=name) as rows,
        connect(url, application_name=name) as points,
        ExitStack() as opened,
    ):
        yield Captures(
            _clients(settings, _credentials(settings, points), points, opened),
            rows,
            host=settings.github_host,
            run_id=run_id,
            bot_logins=tuple(settings.bot_logins),
        )


def github_app(settings: Settings, points: Connection) -> App | None:
    """The GitHub App that the settings name, None where they name none; its budget is kept through ``points``.

    Raises :class:`SettingsError` for a key that is none.
    """
    key = settings.github_app_key
    if settings.github_app_id is None or key is None:
        return None
    budget = PostgresBudget(points, app_account(settings.github_app_id), _limits(settings), "core")
    return App(settings.github_api_url, settings.github_app_id, key.get_secret_value(), budget)


def _credentials(settings: Settings, points: Connection) -> Callable[[str], Credential]:
    """What to ask GitHub about a repository with: the token, else the App's installation that sees its owner.

    Raises :class:`SettingsError` where there is neither.
    """
    if settings.github_token:
        token = Token(settings.github_token.get_secret_value())
        return lambda _: token
    app = github_app(settings, points)
    if app is None:
        raise SettingsError(
            "GITHUB_TOKEN is not set, nor are GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: "
            "GitHub can't be asked without a credential."
        )
    if settings.github_app_installation_id:
        installation = Installation(app, settings.github_app_installation_id)
        return lambda _: installation
    return _by_owner(app)


def _by_owner(app: App) -> Callable[[str], Credential]:
    """One installation for each owner, looked for at the first of its repositories."""
    found: dict[str, Installation] = {}

    def credential(repository: str) -> Credential:
        owner = repository.partition("/")[0].lower()
        if owner not in found:
            found[owner] = Installation(app, app.installation(repository))
        return found[owner]

    return credential


def _limits(settings: Settings) -> Limits:
    return Limits(floor_share=settings.github_points_floor, in_flight=settings.github_requests_in_flight)


def _clients(
    settings: Settings, credential_for: Callable[[str], Credential], points: Connection, opened: ExitStack
) -> Callable[[str], GitHubClient]:
    """One client for each account whose points are spent, closed with ``opened``."""
    clients: dict[str, GitHubClient] = {}

    def client(repository: str) -> GitHubClient:
        credential = credential_for(repository)
        if credential.account not in clients:
            budget = PostgresBudget(points, credential.account, _limits(settings))
            clients[credential.account] = opened.enter_context(
                GitHubClient(settings.github_graphql_url, credential, budget)
            )
        return clients[credential.account]

    return client
