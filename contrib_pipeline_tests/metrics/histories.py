"""Random histories, small and full of the cases that go wrong, and the means to write them into the warehouse."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

Row = dict[str, Any]

FIRST_DAY = date(2024, 2, 28)
"""The days are 28 and 29 February and 1 March of a leap year."""
DAYS = [FIRST_DAY + timedelta(days=n) for n in range(3)]

CONTRIBUTORS = [
    (1, "user", False),
    (2, "user", False),
    (3, "user", False),
    (4, "mannequin", False),
    (5, "bot", True),
    (6, "user", True),  # counted as a bot by BOT_LOGINS
    (7, "organization", False),
    (8, "mannequin", True),
]
REPOSITORIES = [11, 12, 13, 14]
WORKSPACES = [UUID(int=n) for n in range(1, 5)]

_midnight = datetime(2024, 2, 28, tzinfo=UTC)
_seconds = [0, 1, 12 * 3600, 12 * 3600, 23 * 3600 + 59 * 60 + 59]
_instants = st.builds(
    lambda day, second, micro: _midnight + timedelta(days=day, seconds=second, microseconds=micro),
    st.integers(-1, 3),
    st.sampled_from(_seconds),
    st.sampled_from([0, 0, 999_999]),
)
_authors = st.sampled_from([None, *(contributor[0] for contributor in CONTRIBUTORS), 1, 2, 3])
_rarely_deleted = st.sampled_from([None, None, None, None, _midnight])
_repository = st.sampled_from(REPOSITORIES)


@st.composite
def repository(draw: st.DrawFn, id: int) -> Row:
    return {
        "id": id,
        "node_id": f"R_{id}",
        "owner": "o",
        "name": f"r{id}",
        "name_with_owner": f"o/r{id}",
        "is_tracked": draw(st.sampled_from([True, True, True, False])),
        "has_discussions": draw(st.booleans()),
        "history_complete": draw(st.sampled_from([True, True, True, False])),
        "terminal_reason": draw(st.sampled_from([None, None, None, "gone", "private", "blocked"])),
        "deleted_at": draw(_rarely_deleted),
        "read_at": _midnight,
    }


@st.composite
def pull_request(draw: st.DrawFn, id: int) -> Row:
    created, closed, ready = draw(_instants), draw(st.none() | _instants), draw(st.none() | _instants)
    merged = closed if closed and draw(st.booleans()) else None
    return {
        "id": id,
        "node_id": f"PR_{id}",
        "repository_id": draw(_repository),
        "number": id,
        "title": "t",
        "state": "merged" if merged else "closed" if closed else "open",
        "draft": False,
        "author_id": draw(_authors),
        "created_at": created,
        "updated_at": created,
        "closed_at": closed,
        "merged_at": merged,
        "ready_at": ready,
        "additions": draw(st.sampled_from([0, 1, 70, 70, None])),
        "deletions": draw(st.sampled_from([0, 3, 5])),
        "url": "u",
        "deleted_at": draw(_rarely_deleted),
    }


@st.composite
def review(draw: st.DrawFn, id: int, pull_requests: list[Row]) -> Row:
    of, at = draw(st.sampled_from(pull_requests)), draw(_instants)
    return {
        "id": id,
        "node_id": f"PRR_{id}",
        "pull_request_id": of["id"],
        "repository_id": of["repository_id"],
        "author_id": draw(st.sampled_from([of["author_id"], 1, 2, 3]) | _authors),
        "state": draw(st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"])),
        "submitted_at": at,
        "updated_at": at,
        "deleted_at": draw(_rarely_deleted),
    }


@st.composite
def comment(draw: st.DrawFn, id: int, pull_requests: list[Row]) -> Row:
    of, at = draw(st.sampled_from(pull_requests)), draw(_instants)
    return {
        "kind": draw(st.sampled_from(["issue", "review"])),
        "id": id,
        "node_id": f"IC_{id}",
        "pull_request_id": of["id"],
        "repository_id": of["repository_id"],
        "author_id": draw(_authors),
        "created_at": at,
        "updated_at": at,
        "deleted_at": draw(_rarely_deleted),
    }


@st.composite
def discussion(draw: st.DrawFn, id: int) -> Row:
    at = draw(_instants)
    return {
        "id": id,
        "node_id": f"D_{id}",
        "repository_id": draw(_repository),
        "number": id,
        "title": "t",
        "author_id": draw(_authors),
        "answer_chosen_at": draw(st.none() | _instants),
        "answer_chosen_by_id": draw(_authors),
        "created_at": at,
        "updated_at": at,
        "deleted_at": draw(_rarely_deleted),
    }


@st.composite
def discussion_comment(draw: st.DrawFn, id: int) -> Row:
    at = draw(_instants)
    return {
        "id": id,
        "node_id": f"DC_{id}",
        "discussion_id": 1,
        "repository_id": draw(_repository),
        "author_id": draw(_authors),
        "is_answer": False,
        "created_at": at,
        "updated_at": at,
        "deleted_at": draw(_rarely_deleted),
    }


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Rows by table. Workspace 3 has no repositories, workspace 4 is not active."""

    def some(make: Any, *given: Any, most: int = 8) -> list[Row]:
        return [draw(make(id, *given)) for id in range(1, draw(st.integers(0, most)) + 1)]

    pull_requests = some(pull_request)
    memberships = draw(
        st.lists(
            st.tuples(st.sampled_from([WORKSPACES[0], WORKSPACES[1], WORKSPACES[3]]), _repository),
            unique=True,
            max_size=7,
        )
    )
    verified = st.none() | _instants
    return {
        "github.contributors": [
            {"id": id, "node_id": f"U_{id}", "login": f"c{id}", "kind": kind, "is_bot": is_bot}
            for id, kind, is_bot in CONTRIBUTORS
        ],
        "github.repositories": [draw(repository(id)) for id in REPOSITORIES],
        "github.capture_state": [
            {"repository_id": id, "kind": kind, "verified_at": draw(verified)}
            for id in REPOSITORIES
            for kind in ("pull_requests", "discussions")
            if draw(st.booleans())
        ],
        "workspaces.workspaces": [
            {"id": id, "slug": f"w{id.int}", "name": f"W{id.int}", "is_active": id != WORKSPACES[3]}
            for id in WORKSPACES
        ],
        "workspaces.repositories": [{"workspace_id": workspace, "repository_id": id} for workspace, id in memberships],
        "github.pull_requests": pull_requests,
        "github.reviews": some(review, pull_requests) if pull_requests else [],
        "github.comments": some(comment, pull_requests) if pull_requests else [],
        "github.discussions": some(discussion, most=4),
        "github.discussion_comments": some(discussion_comment, most=4),
    }


_FACTS = ("pull_requests", "reviews", "comments", "discussions", "discussion_comments")


@st.composite
def changes(draw: st.DrawFn, history: dict[str, list[Row]]) -> list[tuple[str, Row]]:
    """Some rows of ``history`` as a later reading shows them: other instants and authors, deleted, or back again."""
    rows = [(f"github.{table}", row) for table in _FACTS for row in history[f"github.{table}"]]
    if not rows:
        return []
    chosen = draw(st.lists(st.sampled_from(rows), max_size=4, unique_by=lambda item: (item[0], item[1]["id"])))
    changed = []
    for table, row in chosen:
        new = {"author_id": draw(_authors), "deleted_at": draw(st.none() | st.just(_midnight))}
        if table == "github.pull_requests":
            closed = draw(st.none() | _instants)
            new |= {
                "closed_at": closed,
                "merged_at": draw(st.sampled_from([closed, None])),
                "created_at": draw(_instants),
            }
        elif table == "github.reviews":
            new |= {"submitted_at": draw(_instants), "state": "DISMISSED"}
        else:
            new |= {"created_at": draw(_instants)}
        changed.append((table, row | new))
    return changed


_COMPUTED = (
    "metrics.workspace_daily",
    "metrics.repository_daily",
    "metrics.first_activity",
    "metrics.reopened",
)


def insert(connection: Connection, table: str, rows: list[Row]) -> None:
    """Write ``rows`` straight into ``table``."""
    for row in rows:
        names = ", ".join(row)
        values = ", ".join(f"%({name})s" for name in row)
        connection.execute(f"insert into {table} ({names}) values ({values})", row)


def update(connection: Connection, table: str, row: Row) -> None:
    """Overwrite the row of the same id (and kind)."""
    sets = ", ".join(f"{name} = %({name})s" for name in row)
    key = "id = %(id)s and kind = %(kind)s" if table == "github.comments" else "id = %(id)s"
    connection.execute(f"update {table} set {sets} where {key}", row)


def write(connection: Connection, history: dict[str, list[Row]]) -> None:
    """Empty the warehouse and write ``history`` into it, first reviews included."""
    with connection.transaction():
        for table in (*_COMPUTED, *history):
            connection.execute(f"delete from {table}")
        for table, rows in history.items():
            insert(connection, table, rows)
        refresh_first_reviews(connection)


def refresh_first_reviews(connection: Connection) -> None:
    """What the capture does for the pull requests of a page, for all of them."""
    ids = [row["id"] for row in connection.execute("select id from github.pull_requests")]
    connection.execute(load("first_review")["refresh"], {"pull_request_ids": ids})
