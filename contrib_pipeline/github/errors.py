"""Every way in which GitHub's answer is not an answer, one class each, with what may be done about it.

Source of the classes: the shapes that GitHub documents and that others report (401 before anything else, both
spellings of the primary limit, secondary limits in 403 and 429, timeouts in HTML and JSON, 200 with an error).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class GitHubError(Exception):
    """GitHub did not give a usable answer; the message says to what request, why, and what now."""


class CannotContinue(GitHubError):
    """Asking again can't help: a person has to change something."""


class BadCredentials(CannotContinue):
    """401: the token is wrong, expired or revoked."""


class InvalidQuery(CannotContinue):
    """GitHub refused the document itself: a defect of ours, or a server older than the document."""


class NotVisible(GitHubError):
    """The object is not there for this credential; nothing to retry."""


class NotFound(NotVisible):
    """NOT_FOUND: deleted, never there, or private (they look the same)."""


class Forbidden(NotVisible):
    """FORBIDDEN: a permission or single sign-on is missing."""


class Blocked(NotVisible):
    """451 or a disabled repository: GitHub withholds it."""


class Partial(GitHubError):
    """Some objects below the one that was asked for could not be read; ``data`` is right outside ``paths``."""

    def __init__(
        self, message: str, data: dict[str, Any], paths: Sequence[Sequence[str | int]], read_at: datetime
    ) -> None:
        super().__init__(message)
        self.data = data
        self.paths = paths
        self.read_at = read_at


class BadCursor(GitHubError):
    """GitHub does not take the cursor any more: the walk has to begin anew."""


class TooMuch(GitHubError):
    """The request was too heavy (timeout, resource limits): ask for a smaller page."""


class TryAgain(GitHubError):
    """A fault of the moment: connection reset, truncated answer, a bad gateway."""


class MustWait(GitHubError):
    """GitHub or our own budget asks for a pause until ``until``."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class RateLimited(MustWait):
    """The hour's points, or REST requests, are spent."""


class SecondaryLimited(MustWait):
    """GitHub asks for a slower pace."""
