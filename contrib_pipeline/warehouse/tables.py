"""Which columns of which tables are written from GitHub's answers, with their types and keys.

The tables themselves (constraints, indexes, the meaning of each column) are in ``migrations/``; a test compares.
Columns that the pipeline keeps about a repository (``is_tracked``, ``size`` …) are not here: no answer sets them.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table that pages of rows are written to."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    """Column → Postgres type."""
    version: str | None = None
    """The instant that tells an older reading from a newer one; None where GitHub gives none."""
    unversioned: frozenset[str] = field(default=frozenset())
    """Columns whose change alone is no change of the row."""

    @property
    def schema_and_name(self) -> tuple[str, str]:
        schema, _, name = self.name.partition(".")
        return schema, name


CONTRIBUTORS = Table(
    "github.contributors",
    key=("id",),
    version="read_at",
    unversioned=frozenset({"read_at"}),
    columns={
        "id": "bigint",
        "node_id": "text",
        "login": "text",
        "kind": "text",
        "is_bot": "boolean",
        "name": "text",
        "avatar_url": "text",
        "read_at": "timestamptz",
    },
)

REPOSITORIES = Table(
    "github.repositories",
    key=("id",),
    version="read_at",
    unversioned=frozenset({"read_at"}),
    columns={
        "id": "bigint",
        "node_id": "text",
        "owner": "text",
        "name": "text",
        "name_with_owner": "text",
        "description": "text",
        "is_private": "boolean",
        "is_archived": "boolean",
        "is_fork": "boolean",
        "stars": "bigint",
        "forks": "bigint",
        "primary_language": "text",
        "has_discussions": "boolean",
        "pull_requests_total": "integer",
        "discussions_total": "integer",
        "created_at": "timestamptz",
        "pushed_at": "timestamptz",
        "updated_at": "timestamptz",
        "read_at": "timestamptz",
        "terminal_reason": "text",
        "deleted_at": "timestamptz",
    },
)

PULL_REQUESTS = Table(
    "github.pull_requests",
    key=("id",),
    version="updated_at",
    unversioned=frozenset({"read_at"}),
    columns={
        "id": "bigint",
        "node_id": "text",
        "repository_id": "bigint",
        "number": "integer",
        "title": "text",
        "body": "text",
        "state": "text",
        "draft": "boolean",
        "author_id": "bigint",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "closed_at": "timestamptz",
        "merged_at": "timestamptz",
        "merged_by_id": "bigint",
        "ready_at": "timestamptz",
        "additions": "integer",
        "deletions": "integer",
        "changed_files": "integer",
        "commits": "integer",
        "labels": "text[]",
        "base_ref": "text",
        "head_ref": "text",
        "review_decision": "text",
        "url": "text",
        "read_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
)

REVIEWS = Table(
    "github.reviews",
    key=("id",),
    version="updated_at",
    columns={
        "id": "bigint",
        "node_id": "text",
        "pull_request_id": "bigint",
        "repository_id": "bigint",
        "author_id": "bigint",
        "state": "text",
        "body": "text",
        "submitted_at": "timestamptz",
        "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
)

COMMENTS = Table(
    "github.comments",
    key=("kind", "id"),
    version="updated_at",
    columns={
        "kind": "text",
        "id": "bigint",
        "node_id": "text",
        "pull_request_id": "bigint",
        "review_id": "bigint",
        "repository_id": "bigint",
        "author_id": "bigint",
        "body": "text",
        "path": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
)

DISCUSSIONS = Table(
    "github.discussions",
    key=("id",),
    version="updated_at",
    unversioned=frozenset({"read_at"}),
    columns={
        "id": "bigint",
        "node_id": "text",
        "repository_id": "bigint",
        "number": "integer",
        "title": "text",
        "body": "text",
        "category": "text",
        "author_id": "bigint",
        "is_answered": "boolean",
        "answer_id": "bigint",
        "answer_chosen_at": "timestamptz",
        "answer_chosen_by_id": "bigint",
        "upvotes": "integer",
        "comments_total": "integer",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "closed_at": "timestamptz",
        "url": "text",
        "read_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
)

DISCUSSION_COMMENTS = Table(
    "github.discussion_comments",
    key=("id",),
    version="updated_at",
    columns={
        "id": "bigint",
        "node_id": "text",
        "discussion_id": "bigint",
        "repository_id": "bigint",
        "parent_id": "bigint",
        "author_id": "bigint",
        "body": "text",
        "is_answer": "boolean",
        "upvotes": "integer",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "deleted_at": "timestamptz",
    },
)

WRITE_ORDER = (CONTRIBUTORS, REPOSITORIES, PULL_REQUESTS, REVIEWS, COMMENTS, DISCUSSIONS, DISCUSSION_COMMENTS)
"""The one order in which tables are written in a transaction: two writers in the same order don't deadlock."""
