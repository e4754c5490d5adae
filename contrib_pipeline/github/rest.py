"""Requests to GitHub's REST API: each has a place in the budget first, and obeys the pauses that GitHub asks for.

Only a GitHub App sends them, for its installations, their tokens and its webhook deliveries (``credentials``,
``deliveries``): what is captured is asked for in GraphQL (``client``). What another refusal means is the caller's
business.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import requests

from contrib_pipeline.github import answers
from contrib_pipeline.github.budget import Budget
from contrib_pipeline.github.errors import MustWait, SecondaryLimited, TryAgain
from contrib_pipeline.github.transport import CONNECT_AND_READ_SECONDS, Reply

_COST = 1
_PAUSES = 3


def send(
    budget: Budget, method: str, url: str, bearer: Callable[[], str], *, is_background: bool = False
) -> requests.Response:
    """GitHub's answer, whatever its status, but for one that asks to wait.

    Waits for a place, and through pauses of up to a minute. Raises what the budget raises for a longer one, and
    :class:`TryAgain` where no answer comes.
    """
    once = partial(_send_once, budget, method, url, bearer, is_background)
    for _ in range(_PAUSES):
        # The budget knows a pause now: it waits if that is short, and raises if it is not.
        with suppress(MustWait):
            return once()
    return once()


def clock_ahead(answer: requests.Response) -> timedelta:
    """How far GitHub's clock is ahead of ours, to the second; nothing where it does not tell."""
    return answers.read_at(_reply(answer)) - datetime.now(UTC)


def _send_once(
    budget: Budget, method: str, url: str, bearer: Callable[[], str], is_background: bool
) -> requests.Response:
    with budget.reserve(_COST, is_background=is_background) as reservation:
        answer = _exchange(method, url, bearer())
        reply = _reply(answer)
        if left := answers.quota(reply):
            reservation.settle(left)
        if wait := answers.pause(reply, f"{method} {url}"):
            reservation.pause(wait.until, everywhere=isinstance(wait, SecondaryLimited))
            raise wait
        return answer


def _reply(answer: requests.Response) -> Reply:
    return Reply(answer.status_code, answer.headers, answer.text[:2000], None)


def _exchange(method: str, url: str, bearer: str) -> requests.Response:
    headers = {
        "Authorization": f"Bearer {bearer}",
        "Accept": "application/vnd.github+json",
        "User-Agent": "contrib-pipeline",
    }
    try:
        # A session would let ~/.netrc replace the header.
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=CONNECT_AND_READ_SECONDS)
    except requests.RequestException as error:
        host = urlsplit(url)._replace(path="", query="").geturl()
        raise TryAgain(f"{host} does not answer for the GitHub App: {type(error).__name__}.") from None
