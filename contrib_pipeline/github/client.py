"""Executes our documents against GitHub: reserve the cost, send, understand, try again where that can help.

One client is one connection, used by one thread. Walking pages, and shrinking them, is ``capture``'s business.
"""

import random
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from gql import GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed

from contrib_pipeline.github import answers
from contrib_pipeline.github.answers import Answer
from contrib_pipeline.github.budget import Budget
from contrib_pipeline.github.cost import points
from contrib_pipeline.github.credentials import Credential
from contrib_pipeline.github.documents import document
from contrib_pipeline.github.errors import BadCredentials, MustWait, SecondaryLimited, TooMuch, TryAgain
from contrib_pipeline.github.transport import GitHubTransport, Reply

RETRIES = 3


@dataclass
class Spent:
    """What a client has cost GitHub so far."""

    requests: int = 0
    points: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.requests + other.requests, self.points + other.points)

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.requests - other.requests, self.points - other.points)

    def copy(self) -> "Spent":
        return Spent(self.requests, self.points)


@dataclass
class GitHubClient:
    """A connection to GitHub's GraphQL API with one credential."""

    url: str
    credential: Credential
    budget: Budget
    retry_seconds: float = 1.0
    """Wait before the first retry; it doubles, with jitter."""
    is_background: bool = False
    """Others go first: see ``budget``."""
    spent: Spent = field(default_factory=Spent)

    def __post_init__(self) -> None:
        self._transport = GitHubTransport(self.url)
        self._transport.connect()  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()  # type: ignore[no-untyped-call]

    def execute(self, name: str, /, **variables: Any) -> Answer:
        """The whole answer to the operation ``name``.

        Tries again after faults of the moment, after short waits that GitHub asks for, and once with a new token where
        there can be one; after what was too heavy, only where less can't be asked for. Raises the subclasses of
        :class:`~contrib_pipeline.github.errors.GitHubError`.
        """
        may_renew = True
        for attempt in range(RETRIES):
            try:
                return self._execute_once(name, variables)
            except TryAgain:
                self._back_off(attempt)
            except TooMuch:
                if _can_be_less(variables):
                    raise
                self._back_off(attempt)
            except MustWait:
                # The budget knows the pause now: it waits if that is short, and raises if it is not.
                continue
            except BadCredentials:
                if not may_renew or not self.credential.renew():
                    raise
                may_renew = False
        return self._execute_once(name, variables)

    def _back_off(self, attempt: int) -> None:
        time.sleep(self.retry_seconds * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311

    def _execute_once(self, name: str, variables: dict[str, Any]) -> Answer:
        self._transport.authorize(self.credential.token())
        with self.budget.reserve(points(name, variables), is_background=self.is_background) as reservation:
            reply = self._send(name, variables)
            self.spent.points += answers.cost(reply)
            if left := answers.quota(reply):
                reservation.settle(left)
            try:
                return answers.understand(reply, name)
            except MustWait as error:
                reservation.pause(error.until, everywhere=isinstance(error, SecondaryLimited))
                raise

    def _send(self, name: str, variables: dict[str, Any]) -> Reply:
        self.spent.requests += 1
        try:
            self._transport.execute(GraphQLRequest(document(name), variable_values=variables))
        except TransportConnectionFailed as error:
            raise TryAgain(f"{name}: no answer from {self.url}: {_innermost(error)}") from error
        reply = self._transport.reply
        assert reply is not None
        return reply


def _innermost(error: BaseException) -> str:
    """What went wrong itself: requests and urllib3 wrap it in a page of text."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__


def _can_be_less(variables: dict[str, Any]) -> bool:
    """Whether the caller can ask for a smaller page, or for fewer objects."""
    return "first" in variables or "items" in variables or len(variables.get("ids", ())) > 1
