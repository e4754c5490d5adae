"""GitHub's nodes → rows of the warehouse, as dictionaries whose keys are the tables' columns.

The one place where GitHub's shape ends: numeric ids, lower-case states, ``merged`` from mergedAt, null authors for
deleted accounts. Which rows are written when is not here.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

Node = dict[str, Any]
Row = dict[str, Any]

_KINDS = {
    "User": "user",
    "Bot": "bot",
    "Mannequin": "mannequin",
    "Organization": "organization",
    "EnterpriseUserAccount": "user",
}
_BOT_SUFFIX = "[bot]"


class Contributors:
    """Collects the accounts that a page mentions, one row each."""

    def __init__(self, is_bot_login: Callable[[str], bool], read_at: datetime) -> None:
        self._is_bot_login = is_bot_login
        self._read_at = read_at
        self._rows: dict[int, Row] = {}

    def id_of(self, actor: Node | None) -> int | None:
        """The account's numeric id, its row noted; None for a deleted account."""
        if actor is None:
            return None
        account = actor.get("user") if actor["__typename"] == "EnterpriseUserAccount" else actor
        if account is None or account.get("databaseId") is None:
            return None
        row = self._row(actor, account)
        self._rows[row["id"]] = row
        return int(row["id"])

    def rows(self) -> list[Row]:
        return [self._rows[key] for key in sorted(self._rows)]

    def _row(self, actor: Node, account: Node) -> Row:
        kind = _KINDS[actor["__typename"]]
        login = actor["login"].removesuffix(_BOT_SUFFIX)
        return {
            "id": int(account["databaseId"]),
            "node_id": account["id"],
            "login": login,
            "kind": kind,
            "is_bot": kind == "bot" or self._is_bot_login(login),
            "name": account.get("name"),
            "avatar_url": actor["avatarUrl"],
            "read_at": self._read_at,
        }


def repository(node: Node, read_at: datetime) -> Row:
    """A row of ``github.repositories``."""
    return {
        "id": node["databaseId"],
        "node_id": node["id"],
        "owner": node["owner"]["login"],
        "name": node["name"],
        "name_with_owner": node["nameWithOwner"],
        "description": node["description"],
        "is_private": node["isPrivate"],
        "is_archived": node["isArchived"],
        "is_fork": node["isFork"],
        "stars": node["stargazerCount"],
        "forks": node["forkCount"],
        "primary_language": (node["primaryLanguage"] or {}).get("name"),
        "has_discussions": node["hasDiscussionsEnabled"],
        "pull_requests_total": node["pullRequests"]["totalCount"],
        "discussions_total": node["discussions"]["totalCount"],
        "created_at": node["createdAt"],
        "pushed_at": node["pushedAt"],
        "updated_at": node["updatedAt"],
        "read_at": read_at,
        "terminal_reason": None,
        "deleted_at": None,
    }


def pull_request(
    node: Node, repository_id: int, timeline: Iterable[Node], people: Contributors, read_at: datetime
) -> Row:
    """A row of ``github.pull_requests``; ``timeline`` are all its timeline items."""
    ready = [item["createdAt"] for item in timeline if item["__typename"] == "ReadyForReviewEvent"]
    return {
        "id": int(node["fullDatabaseId"]),
        "node_id": node["id"],
        "repository_id": repository_id,
        "number": node["number"],
        "title": node["title"],
        "body": node["body"],
        "state": "merged" if node["mergedAt"] else "closed" if node["closedAt"] else "open",
        "draft": node["isDraft"],
        "author_id": people.id_of(node["author"]),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "closed_at": node["closedAt"],
        "merged_at": node["mergedAt"],
        "merged_by_id": people.id_of(node["mergedBy"]),
        "ready_at": min(ready, default=None),
        "additions": node["additions"],
        "deletions": node["deletions"],
        "changed_files": node["changedFiles"],
        "commits": node["commits"]["totalCount"],
        "labels": sorted(label["name"] for label in (node["labels"] or {"nodes": []})["nodes"] if label),
        "base_ref": node["baseRefName"],
        "head_ref": node["headRefName"],
        "review_decision": node["reviewDecision"],
        "url": node["url"],
        "read_at": read_at,
        "deleted_at": None,
    }


def reviews(timeline: Iterable[Node], pull_request_id: int, repository_id: int, people: Contributors) -> list[Row]:
    """Rows of ``github.reviews``. Pending ones, which only their writer sees, are left out."""
    return [
        {
            "id": int(node["fullDatabaseId"]),
            "node_id": node["id"],
            "pull_request_id": pull_request_id,
            "repository_id": repository_id,
            "author_id": people.id_of(node["author"]),
            "state": node["state"],
            "body": node["body"],
            "submitted_at": node["submittedAt"] or node["createdAt"],
            "updated_at": node["updatedAt"],
            "deleted_at": None,
        }
        for node in timeline
        if node["__typename"] == "PullRequestReview" and node["state"] != "PENDING"
    ]


def issue_comments(
    timeline: Iterable[Node], pull_request_id: int, repository_id: int, people: Contributors
) -> list[Row]:
    """Rows of ``github.comments`` of kind issue: the conversation."""
    return [
        _comment(node, "issue", pull_request_id, None, repository_id, people)
        for node in timeline
        if node["__typename"] == "IssueComment"
    ]


def review_comments(
    nodes: Iterable[Node], review_id: int, pull_request_id: int, repository_id: int, people: Contributors
) -> list[Row]:
    """Rows of ``github.comments`` of kind review: comments on lines of code, of one review."""
    return [_comment(node, "review", pull_request_id, review_id, repository_id, people) for node in nodes]


def _comment(
    node: Node, kind: str, pull_request_id: int, review_id: int | None, repository_id: int, people: Contributors
) -> Row:
    return {
        "kind": kind,
        "id": int(node["fullDatabaseId"]),
        "node_id": node["id"],
        "pull_request_id": pull_request_id,
        "review_id": review_id,
        "repository_id": repository_id,
        "author_id": people.id_of(node["author"]),
        "body": node["body"],
        "path": node.get("path"),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "deleted_at": None,
    }


def discussion(node: Node, repository_id: int, people: Contributors, read_at: datetime) -> Row:
    """A row of ``github.discussions``."""
    return {
        "id": node["databaseId"],
        "node_id": node["id"],
        "repository_id": repository_id,
        "number": node["number"],
        "title": node["title"],
        "body": node["body"],
        "category": node["category"]["name"],
        "author_id": people.id_of(node["author"]),
        "is_answered": node["isAnswered"],
        "answer_id": (node["answer"] or {}).get("databaseId"),
        "answer_chosen_at": node["answerChosenAt"],
        "answer_chosen_by_id": people.id_of(node["answerChosenBy"]),
        "upvotes": node["upvoteCount"],
        "comments_total": node["comments"]["totalCount"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "closed_at": node["closedAt"],
        "url": node["url"],
        "read_at": read_at,
        "deleted_at": None,
    }


def discussion_comments(
    nodes: Iterable[Node], parent_id: int | None, discussion_id: int, repository_id: int, people: Contributors
) -> list[Row]:
    """Rows of ``github.discussion_comments``; ``parent_id`` is None for top-level comments."""
    return [
        {
            "id": node["databaseId"],
            "node_id": node["id"],
            "discussion_id": discussion_id,
            "repository_id": repository_id,
            "parent_id": parent_id,
            "author_id": people.id_of(node["author"]),
            "body": node["body"],
            "is_answer": node["isAnswer"],
            "upvotes": node["upvoteCount"],
            "created_at": node["createdAt"],
            "updated_at": node["updatedAt"],
            "deleted_at": None,
        }
        for node in nodes
    ]
