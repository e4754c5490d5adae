"""How each field that is more than an attribute is answered.

A field without a resolver here is the attribute of the same name in snake case (``schema`` sees to that). Resolvers
read the world and change nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

from contrib_pipeline.sandbox.connections import Connection, Count
from contrib_pipeline.sandbox.errors import NotFound
from contrib_pipeline.sandbox.paging import OLDEST_FIRST, ordered, paged
from contrib_pipeline.sandbox.quota import RateLimit
from contrib_pipeline.sandbox.records import Account, Discussion, PullRequest, Repository
from contrib_pipeline.sandbox.world import World

LARGEST_INT = 2**31 - 1
VIEWER = "sandbox"
"""Whose tokens they all are."""

_TIMELINE_TYPES = {
    "ISSUE_COMMENT": "IssueComment",
    "PULL_REQUEST_REVIEW": "PullRequestReview",
    "READY_FOR_REVIEW_EVENT": "ReadyForReviewEvent",
}

Resolver = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """What the resolvers of one request know besides their record."""

    world: World
    rate_limit: RateLimit


# Query


def _node(_: Any, info: GraphQLResolveInfo, id: str) -> Any:
    return _world(info).find_node(id) or _missing_node(id)


def _nodes(_: Any, info: GraphQLResolveInfo, ids: list[str]) -> list[Any]:
    world = _world(info)
    # An error in the list becomes an error of its own place only.
    return [world.find_node(node) or _missing_node(node, raised=False) for node in ids]


def _repository(_: Any, info: GraphQLResolveInfo, *, owner: str, name: str, followRenames: bool) -> Repository:  # noqa: N803
    found = _world(info).find_repository(f"{owner}/{name}", follow_renames=followRenames)
    if found is None:
        raise NotFound(f"a Repository with the name '{owner}/{name}'.")
    return found


def _repository_owner(_: Any, info: GraphQLResolveInfo, login: str) -> Account | None:
    account = _world(info).find_account(login)
    return account if account and account.kind in ("User", "Organization") else None


def _user(_: Any, info: GraphQLResolveInfo, login: str) -> Account:
    account = _world(info).find_account(login)
    if account is None or account.kind != "User":
        raise NotFound(f"a User with the login of '{login}'.")
    return account


def _viewer(_: Any, info: GraphQLResolveInfo) -> Account:
    viewer = _world(info).find_account(VIEWER)
    assert viewer is not None
    return viewer


def _rate_limit(_: Any, info: GraphQLResolveInfo) -> RateLimit:
    context: Context = info.context
    return context.rate_limit


# Accounts and repositories


def _avatar_url(account: Account, _: GraphQLResolveInfo, size: int | None = None) -> str:
    url = f"https://avatars.githubusercontent.com/u/{account.database_id}?v=4"
    return f"{url}&s={size}" if size else url


def _repositories(account: Account, info: GraphQLResolveInfo, **page: Any) -> Connection:
    owned = [repository for repository in _world(info).repositories.values() if repository.owner is account]
    return paged(info, owned, lambda repository: (repository.name, repository.id), **page)


def _pull_request(repository: Repository, _: GraphQLResolveInfo, number: int) -> PullRequest:
    if number not in repository.pull_requests:
        raise NotFound(f"a PullRequest with the number of {number}.")
    return repository.pull_requests[number]


def _pull_requests(
    repository: Repository,
    info: GraphQLResolveInfo,
    orderBy: dict[str, str] | None = None,  # noqa: N803
    states: list[str] | None = None,
    **page: Any,
) -> Connection:
    found = _in_states(repository.pull_requests.values(), states)
    return ordered(info, found, orderBy or OLDEST_FIRST, **page)


def _discussion(repository: Repository, _: GraphQLResolveInfo, number: int) -> Discussion:
    if number not in repository.discussions:
        raise NotFound(f"a Discussion with the number of {number}.")
    return repository.discussions[number]


def _discussions(
    repository: Repository,
    info: GraphQLResolveInfo,
    orderBy: dict[str, str] | None = None,  # noqa: N803
    states: list[str] | None = None,
    answered: bool | None = None,
    **page: Any,
) -> Connection:
    found = _in_states(repository.discussions.values(), states)
    if answered is not None:
        found = [discussion for discussion in found if bool(discussion.is_answered) is answered]
    return ordered(info, found, orderBy or {"field": "UPDATED_AT", "direction": "DESC"}, **page)


def _repository_labels(repository: Repository, info: GraphQLResolveInfo, **page: Any) -> Connection:
    return paged(info, repository.labels.values(), lambda label: (label.name, label.id), **page)


# Pull requests


def _labels(pull_request: PullRequest, info: GraphQLResolveInfo, **page: Any) -> Connection:
    return paged(info, pull_request.labels, lambda label: (label.name, label.id), **page)


def _commits(pull_request: PullRequest, _: GraphQLResolveInfo, **__: Any) -> Count:
    return Count(pull_request.commit_count)


def _timeline_items(
    pull_request: PullRequest,
    info: GraphQLResolveInfo,
    itemTypes: list[str] | None = None,  # noqa: N803
    since: str | None = None,
    **page: Any,
) -> Connection:
    names = {_TIMELINE_TYPES[item] for item in itemTypes} if itemTypes else set(_TIMELINE_TYPES.values())
    items = [item for item in pull_request.timeline if item.typename in names and item.is_visible]
    if since:
        items = [item for item in items if item.happened_at >= since]
    return paged(info, items, lambda item: (item.happened_at, item.id), **page)


def _comments(
    pull_request: PullRequest,
    info: GraphQLResolveInfo,
    orderBy: dict[str, str] | None = None,  # noqa: N803
    **page: Any,
) -> Connection:
    return ordered(info, pull_request.comments, orderBy or OLDEST_FIRST, **page)


def _reviews(
    pull_request: PullRequest, info: GraphQLResolveInfo, states: list[str] | None = None, **page: Any
) -> Connection:
    found = _in_states(pull_request.reviews, states)
    return paged(info, found, lambda review: (review.happened_at, review.id), **page)


def _by_creation(attribute: str) -> Resolver:
    """The connection over a list attribute, oldest first."""

    def resolve(record: Any, info: GraphQLResolveInfo, **page: Any) -> Connection:
        return ordered(info, getattr(record, attribute), OLDEST_FIRST, **page)

    return resolve


def _database_id(record: Any, _: GraphQLResolveInfo) -> int | None:
    """What GitHub answers for a number that outgrew 32 bits is not documented; here it is null."""
    number: int = record.database_id
    return number if number <= LARGEST_INT else None


def _in_states(records: Iterable[Any], states: list[str] | None) -> list[Any]:
    return [record for record in records if not states or record.state in states]


def _missing_node(node: str, *, raised: bool = True) -> NotFound:
    error = NotFound(f"a node with the global id of '{node}'")
    if raised:
        raise error
    return error


def _world(info: GraphQLResolveInfo) -> World:
    context: Context = info.context
    return context.world


RESOLVERS: dict[str, Resolver] = {
    "Query.node": _node,
    "Query.nodes": _nodes,
    "Query.rateLimit": _rate_limit,
    "Query.repository": _repository,
    "Query.repositoryOwner": _repository_owner,
    "Query.user": _user,
    "Query.viewer": _viewer,
    **{
        f"{kind}.avatarUrl": _avatar_url
        for kind in ("User", "Organization", "Bot", "Mannequin", "EnterpriseUserAccount")
    },
    "User.repositories": _repositories,
    "Organization.repositories": _repositories,
    "Repository.pullRequest": _pull_request,
    "Repository.pullRequests": _pull_requests,
    "Repository.discussion": _discussion,
    "Repository.discussions": _discussions,
    "Repository.labels": _repository_labels,
    "PullRequest.comments": _comments,
    "PullRequest.commits": _commits,
    "PullRequest.labels": _labels,
    "PullRequest.reviews": _reviews,
    "PullRequest.reviewThreads": _by_creation("threads"),
    "PullRequest.timelineItems": _timeline_items,
    "PullRequestReview.comments": _by_creation("comments"),
    "PullRequestReviewThread.comments": _by_creation("comments"),
    "Discussion.comments": _by_creation("comments"),
    "DiscussionComment.replies": _by_creation("replies"),
    **{
        f"{kind}.databaseId": _database_id
        for kind in ("PullRequest", "PullRequestReview", "PullRequestReviewComment", "IssueComment")
    },
}
