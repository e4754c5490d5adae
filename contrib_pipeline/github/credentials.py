"""What proves to GitHub who asks: a token, or a GitHub App's installation tokens, renewed before they end.

Whose points a credential spends is its ``account``: the budget is kept by that, since installation tokens change every
hour. No secret is in a repr, a message or a log line.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import jwt
import requests

from contrib_pipeline.github import rest
from contrib_pipeline.github.budget import Budget
from contrib_pipeline.github.errors import BadCredentials, CannotContinue, NotFound, TryAgain

_RENEW_BEFORE_END = timedelta(minutes=5)
# GitHub allows ten minutes, and its clock may be behind ours.
_JWT_LIFE, _CLOCK_SKEW = timedelta(minutes=9), timedelta(seconds=60)


class Credential(Protocol):
    """Something that requests can be made with."""

    @property
    def account(self) -> str:
        """Whose points are spent; names a row of the budget once it is digested."""

    def token(self) -> str:
        """The token to send now."""

    def renew(self) -> bool:
        """After GitHub refused the token: whether there is another one now."""


@dataclass(frozen=True)
class Token:
    """A personal or Actions token."""

    value: str = field(repr=False)

    @property
    def account(self) -> str:
        return self.value

    def token(self) -> str:
        return self.value

    def renew(self) -> bool:
        """There is no other one."""
        return False


def app_account(app_id: str) -> str:
    """Whose requests a GitHub App's own are, those for its installations and their tokens."""
    return f"app {app_id}"


@dataclass(frozen=True)
class App:
    """A GitHub App. Source of the rules: docs.github.com, "Generating an installation access token"."""

    api_url: str
    """REST base."""
    app_id: str
    private_key: str = field(repr=False)
    budget: Budget = field(repr=False)
    """Of :func:`app_account`: GitHub counts these requests apart from those of its installations."""

    def installation(self, repository: str) -> int:
        """The installation that sees ``owner/name``. Raises :class:`NotFound` where the App is not installed there."""
        found: int = self.request("GET", f"/repos/{repository}/installation").json()["id"]
        return found

    def new_token(self, installation_id: int) -> tuple[str, datetime]:
        """An installation's token, and when it ends (an hour from now), by our clock."""
        reply = self.request("POST", f"/app/installations/{installation_id}/access_tokens")
        made = reply.json()
        return made["token"], datetime.fromisoformat(made["expires_at"]) - rest.clock_ahead(reply)

    def request(self, method: str, path: str, *, is_background: bool = False) -> requests.Response:
        """What GitHub answers to the App itself; an error of :mod:`~contrib_pipeline.github.errors` for a refusal.

        Raises what the budget raises where that takes longer than a minute.
        """
        url = f"{self.api_url}{path}"
        reply = rest.send(self.budget, method, url, self._jwt, is_background=is_background)
        if reply.status_code == 401 and abs(ahead := rest.clock_ahead(reply)) > _CLOCK_SKEW:  # noqa: PLR2004
            # An Enterprise Server's clock may be hours from ours, and what we signed be over, or not begun.
            reply = rest.send(self.budget, method, url, partial(self._jwt, ahead), is_background=is_background)
        match reply.status_code:
            case 200 | 201 | 202:
                return reply
            case 401:
                raise BadCredentials("GitHub does not accept GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY.")
            case 404:
                raise NotFound(f"The GitHub App is not installed for {path.removesuffix('/installation')[7:]}.")
            case status if status >= 500:  # noqa: PLR2004
                raise TryAgain(f"GitHub answered {status} to {method} {path}.")
        raise CannotContinue(f"GitHub answered {reply.status_code} to {method} {path}.")

    def _jwt(self, ahead: timedelta = timedelta(0)) -> str:
        now = datetime.now(UTC) + ahead
        claims = {"iat": now - _CLOCK_SKEW, "exp": now + _JWT_LIFE, "iss": self.app_id}
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # The library's message may quote the key.
            raise BadCredentials("GITHUB_APP_PRIVATE_KEY is no RSA key in PEM: text, or the path of a file.") from None


@dataclass
class Installation:
    """One installation of a GitHub App, with a token that is renewed five minutes before it ends."""

    app: App
    id: int
    _token: str | None = field(default=None, repr=False)
    _ends_at: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def account(self) -> str:
        return f"{app_account(self.app.app_id)} installation {self.id}"

    def token(self) -> str:
        with self._lock:
            if self._token is None or self._ends_at is None or datetime.now(UTC) > self._ends_at - _RENEW_BEFORE_END:
                self._token, self._ends_at = self.app.new_token(self.id)
            return self._token

    def renew(self) -> bool:
        """Forget the token: the next one is new."""
        self._token = None
        return True
