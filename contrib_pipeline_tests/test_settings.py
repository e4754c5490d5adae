"""Settings: what the environment says, what is derived from it, what a wrong value is answered with."""

from pathlib import Path

import pytest

from contrib_pipeline.settings import PROJECT, SettingsError, read_settings


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings()
    assert settings.database_url is None
    assert settings.home == PROJECT / ".contrib"
    assert settings.github_api_url == "https://api.github.com"
    assert settings.metrics_retention_days == 90
    assert not settings.has_credential


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "")
    monkeypatch.setenv("CONTRIB_HOME", "")
    assert not read_settings().has_credential
    assert read_settings().home == PROJECT / ".contrib"


@pytest.mark.parametrize(
    ("api", "graphql", "web", "host"),
    [
        ("https://api.github.com", "https://api.github.com/graphql", "https://github.com", "api.github.com"),
        ("https://git.corp/api/v3/", "https://git.corp/api/graphql", "https://git.corp", "git.corp"),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099/graphql", "http://127.0.0.1:8099", "localhost"),
        ("http://localhost:1", "http://localhost:1/graphql", "http://localhost:1", "localhost"),
    ],
)
def test_githubs_addresses_follow_from_one(
    monkeypatch: pytest.MonkeyPatch, api: str, graphql: str, web: str, host: str
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", api)
    settings = read_settings()
    assert (settings.github_graphql_url, settings.github_web_url, settings.github_host) == (graphql, web, host)


def test_the_graphql_address_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_GRAPHQL_URL", "https://proxy/graphql/")
    assert read_settings().github_graphql_url == "https://proxy/graphql"


def test_keys_secrets_and_bots_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_KEYS", "one, two,")
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "old,new")
    monkeypatch.setenv("BOT_LOGINS", "*-robot,helper")
    settings = read_settings()
    assert [key.get_secret_value() for key in settings.event_keys] == ["one", "two"]
    assert [secret.get_secret_value() for secret in settings.github_webhook_secrets] == ["old", "new"]
    assert settings.bot_logins == ["*-robot", "helper"]


def test_inngests_name_for_the_key_works_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_EVENT_KEY", "theirs")
    assert [key.get_secret_value() for key in read_settings().event_keys] == ["theirs"]


def test_the_home_folder_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRIB_HOME", "somewhere")
    assert read_settings().home == Path.cwd() / "somewhere"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GITHUB_APP_PRIVATE_KEY", "EVENT_KEYS", "GITHUB_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "do-not-show")
    assert "do-not-show" not in repr(read_settings())


@pytest.mark.parametrize("around", ["{}\n", " {} ", "{}\r\n"])
def test_what_stands_around_a_token_is_not_part_of_it(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", around.format("ghp_x"))
    token = read_settings().github_token
    assert token is not None
    assert token.get_secret_value() == "ghp_x"


def test_a_token_of_spaces_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", " \n")
    assert not read_settings().has_credential


@pytest.mark.parametrize("token", ["do-not-show\nX: 1", "do-not-show ghp_y", "do-not-shöw", "do-not-show\x1b"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(SettingsError, match=r"^GITHUB_TOKEN: has characters") as caught:
        read_settings()
    assert "do-not-sh" not in str(caught.value)


def test_lines_of_the_apps_key_may_be_written_as_in_a_file_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", r"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----")
    key = read_settings().github_app_key
    assert key is not None
    assert key.get_secret_value().splitlines()[1] == "abc"


@pytest.mark.parametrize(
    ("name", "value"),
    [("METRICS_RETENTION_DAYS", "ninety"), ("METRICS_RETENTION_DAYS", "0"), ("GITHUB_API_URL", "api.github.com")],
)
def test_a_value_that_cannot_be_used_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        read_settings()
    assert "\n" not in str(caught.value)
