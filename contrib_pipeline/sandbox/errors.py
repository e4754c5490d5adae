"""GitHub's errors, in its words and types. Those of a query that its schema refuses are in ``validation``."""

from typing import Any

from graphql import GraphQLError

LARGEST_PAGE = 100
DOCUMENTATION = "https://docs.github.com/graphql"


class SandboxError(Exception):
    """The sandbox cannot be started; the message says why, and what to do."""


class BadRequest(Exception):
    """A posted body that is no GraphQL request; the message is GitHub's."""


class GitHubError(GraphQLError):
    """An error of one field, which GitHub answers with a type and a path beside the data."""

    def __init__(self, kind: str, message: str, path: list[str | int] | None = None) -> None:
        super().__init__(message, path=path, extensions={"type": kind})


class NotFound(GitHubError):
    """``what`` does not exist, or may not be seen."""

    def __init__(self, what: str) -> None:
        super().__init__("NOT_FOUND", f"Could not resolve to {what}")


class InvalidCursor(GitHubError):
    """``after`` or ``before`` is no cursor of GitHub's."""

    def __init__(self, cursor: str) -> None:
        super().__init__("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.")


class BadPageSize(GitHubError):
    """A connection whose nodes are read without ``first`` or ``last``, or with too large a one."""

    @classmethod
    def missing(cls, connection: str) -> "BadPageSize":
        return cls(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{connection}` connection.",
        )

    @classmethod
    def excessive(cls, connection: str, argument: str, size: int) -> "BadPageSize":
        return cls(
            "EXCESSIVE_PAGINATION",
            f"Requesting {size} records on the `{connection}` connection exceeds the `{argument}` limit of "
            f"{LARGEST_PAGE} records.",
        )

    @classmethod
    def invalid(cls, connection: str, argument: str) -> "BadPageSize":
        """Wording and type of this one are a guess."""
        return cls(
            "INVALID_PAGINATION_BOUNDARIES", f"`{argument}` on the `{connection}` connection must be at least 1."
        )

    @classmethod
    def both(cls, connection: str) -> "BadPageSize":
        return cls(
            "INVALID_PAGINATION_BOUNDARIES",
            f"Passing both `first` and `last` to paginate the `{connection}` connection is not supported.",
        )


def formatted(error: GraphQLError) -> dict[str, Any]:
    """The error as GitHub writes it: type, path, locations, message."""
    extensions = dict(error.extensions or {})
    kind = extensions.pop("type", None)
    parts = {
        "type": kind,
        "path": error.path,
        "extensions": extensions or None,
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
        "message": error.message,
    }
    return {name: value for name, value in parts.items() if value is not None}


def too_many_nodes(nodes: int, limit: int) -> dict[str, Any]:
    return {
        "type": "MAX_NODE_LIMIT_EXCEEDED",
        "message": f"This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of {limit:,}.",
    }


def too_many_ids(count: int, limit: int, field: str) -> dict[str, Any]:
    return {
        "type": "ARGUMENT_LIMIT",
        "path": [field],
        "message": f"You may not provide more than {limit} node ids; you provided {count}.",
    }


def rate_limited(user: int) -> dict[str, Any]:
    return {"type": "RATE_LIMITED", "message": f"API rate limit exceeded for user ID {user}."}


def refusal(message: str, status: int) -> dict[str, Any]:
    """The body of a refused request."""
    return {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
