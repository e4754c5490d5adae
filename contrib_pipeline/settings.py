"""Every setting once: its name in the environment, its default, what it means.

Nothing else in the package reads the environment. Settings are read when a command or a Dagster process starts,
never at import.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting has a value that can't be used; the message names it."""


class Settings(BaseSettings):
    """The settings of one process. Empty variables count as unset."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    database_url: str | None = Field(None, validation_alias="DATABASE_URL")
    """Postgres 15 or newer, a direct or session connection. Unset: the embedded server below CONTRIB_HOME."""

    home: Path = Field(PROJECT / ".contrib", validation_alias="CONTRIB_HOME")
    """The embedded server's data, Dagster's home, logs."""

    github_token: SecretStr | None = Field(None, validation_alias="GITHUB_TOKEN")
    """A personal or Actions token."""

    github_app_id: str | None = Field(None, validation_alias="GITHUB_APP_ID")
    github_app_private_key: SecretStr | None = Field(None, validation_alias="GITHUB_APP_PRIVATE_KEY")
    github_app_installation_id: int | None = Field(None, validation_alias="GITHUB_APP_INSTALLATION_ID")

    github_api_url: str = Field("https://api.github.com", validation_alias="GITHUB_API_URL")
    """REST base; GitHub Enterprise Server: https://HOST/api/v3."""

    github_graphql_url_setting: str | None = Field(None, validation_alias="GITHUB_GRAPHQL_URL")

    github_requests_in_flight: int = Field(2, ge=1, le=20, validation_alias="GITHUB_REQUESTS_IN_FLIGHT")
    """Requests of one credential at the same time, over all processes: GitHub's secondary limits allow few."""

    github_points_floor: float = Field(0.1, ge=0, lt=1, validation_alias="GITHUB_POINTS_FLOOR")
    """Share of the hour's points that is left for other users of the credential."""

    probe_minutes_high: int = Field(5, ge=1, validation_alias="PROBE_MINUTES_HIGH")
    probe_minutes_medium: int = Field(60, ge=1, validation_alias="PROBE_MINUTES_MEDIUM")
    probe_minutes_low: int = Field(24 * 60, ge=1, validation_alias="PROBE_MINUTES_LOW")
    """How often repositories of each priority are asked whether they moved."""

    github_webhook_secrets: Annotated[list[SecretStr], NoDecode] = Field([], validation_alias="GITHUB_WEBHOOK_SECRET")
    """Comma-separated, so that a secret can be rotated. Unset: the webhook endpoint answers 503."""

    event_keys: Annotated[list[SecretStr], NoDecode] = Field(
        [], validation_alias=AliasChoices("EVENT_KEYS", "INNGEST_EVENT_KEY")
    )
    """Comma-separated keys accepted in /e/{key}. Unset: any key, but only while bound to loopback."""

    log_format: Literal["text", "json"] = Field("text", validation_alias="CONTRIB_LOG_FORMAT")
    """How the event receiver logs: readable lines, or a JSON object a line."""

    metrics_retention_days: int = Field(90, ge=1, validation_alias="METRICS_RETENTION_DAYS")
    """Days of daily metrics that are kept; facts are always kept."""

    run_retention_days: int = Field(30, ge=1, validation_alias="CONTRIB_RUN_RETENTION_DAYS")
    """Days that Dagster's runs are kept; the newest run of a partition stays for as long as it is that."""

    celery_broker_url: SecretStr | None = Field(None, validation_alias="CELERY_BROKER_URL")
    """Set: runs are launched on Celery workers, which get them from this broker (redis://HOST:6379/0)."""

    bot_logins: Annotated[list[str], NoDecode] = Field([], validation_alias="BOT_LOGINS")
    """More accounts to count as bots: comma-separated logins, * stands for anything."""

    @field_validator("github_webhook_secrets", "event_keys", "bot_logins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("github_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None) -> SecretStr | None:
        # One that no header can hold is quoted by the library that builds the header, in its error.
        token = value.get_secret_value().strip() if value else ""
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("has characters that no token has: set it to the token alone")
        return SecretStr(token) if token else None

    @field_validator("github_api_url", "github_graphql_url_setting")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @cached_property
    def github_graphql_url(self) -> str:
        """The GraphQL endpoint: GITHUB_GRAPHQL_URL, else derived from GITHUB_API_URL."""
        if self.github_graphql_url_setting:
            return self.github_graphql_url_setting
        base = (
            self.github_api_url.removesuffix("/v3") if self.github_api_url.endswith("/api/v3") else self.github_api_url
        )
        return f"{base}/graphql"

    @property
    def github_host(self) -> str:
        """The host that captured data belongs to; loopback without its port, since the sandbox's may change."""
        parts = urlsplit(self.github_api_url)
        host = parts.hostname or ""
        return "localhost" if host in ("localhost", "127.0.0.1", "::1") else parts.netloc.lower()

    @property
    def github_web_url(self) -> str:
        """Where people look at GitHub: the base of links."""
        if self.github_api_url == "https://api.github.com":
            return "https://github.com"
        return self.github_api_url.removesuffix("/api/v3")

    @property
    def has_credential(self) -> bool:
        """Whether GitHub can be asked."""
        return self.github_token is not None or (
            self.github_app_id is not None and self.github_app_private_key is not None
        )

    @property
    def github_app_key(self) -> SecretStr | None:
        """The App's key in PEM, read from its file where the setting is a path."""
        key = self.github_app_private_key
        if key is None:
            return None
        if "PRIVATE KEY" in key.get_secret_value():
            return SecretStr(key.get_secret_value().replace(r"\n", "\n"))  # as files of variables hold lines
        try:
            return SecretStr(Path(key.get_secret_value()).expanduser().read_text("utf-8"))
        except (OSError, ValueError):
            raise SettingsError("GITHUB_APP_PRIVATE_KEY is neither a key in PEM nor the path of a file.") from None

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        return self.home / "logs"


def read_settings() -> Settings:
    """The settings of this process's environment. Raises :class:`SettingsError` with one line per bad value."""
    try:
        return Settings()
    except ValidationError as error:
        lines = (f"{e['loc'][0]}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors(include_input=False))
        raise SettingsError("; ".join(lines)) from error
