"""Real pull requests and discussions from archive files, one JSON object a line.

``OWNER+NAME.jsonl.gz`` holds pull requests as an i-d-template ``archive.json`` has them,
``OWNER+NAME.discussions.jsonl.gz`` discussions; both may be given for one repository. What is in a file is served
unchanged. What it lacks is made up, the same every time: numbers not inside a node id, ids and authors of inline
comments (the review's author), their paths, submission times (the creation's), kinds of accounts (``dependabot`` and
``…[bot]`` are bots), no drafts.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from contrib_pipeline.sandbox.errors import SandboxError
from contrib_pipeline.sandbox.ids import numbers, stable_number
from contrib_pipeline.sandbox.records import Account, PullRequest, PullRequestReview, Repository
from contrib_pipeline.sandbox.world import World

Node = dict[str, Any]

_NAME = re.compile(r"^(?P<owner>[^+]+)\+(?P<name>.+?)(?P<discussions>\.discussions)?\.jsonl(\.gz)?$")
_AVATAR = re.compile(r"/u/(\d+)")
_CATEGORY = "Help"
_PATH = "draft.md"


def read_archives(files: Iterable[Path], now: str | None = None) -> World:
    """A world of what the files hold. Raises :class:`SandboxError` naming the file and line that cannot be read."""
    world = World(now)
    for file in files:
        named = _NAME.match(file.name)
        if not named:
            raise SandboxError(f"{file}: an archive is named OWNER+NAME.jsonl.gz, after its repository.")
        is_discussions = named["discussions"] is not None
        nodes = list(_lines(file, "discussion" if is_discussions else "pull request"))
        repository = _repository(world, f"{named['owner']}/{named['name']}", nodes)
        add = _add_discussion if is_discussions else _add_pull_request
        for number, node in enumerate(nodes, 1):
            try:
                add(world, repository, node)
            except (KeyError, TypeError, ValueError) as error:
                raise SandboxError(f"{file}, line {number}: not as archives have it ({error!r}).") from error
    return world


def _lines(file: Path, kind: str) -> Iterator[Node]:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rb") as lines:
            for number, line in enumerate(lines, 1):
                yield _node(line, f"{file}, line {number}", kind)
    except OSError as error:
        raise SandboxError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _node(line: bytes, place: str, kind: str) -> Node:
    try:
        node = orjson.loads(line)
    except ValueError as error:
        raise SandboxError(f"{place}: not JSON ({error}).") from error
    if not isinstance(node, dict) or not {"id", "createdAt"} <= node.keys():
        raise SandboxError(f"{place}: no {kind}.")
    return node


def _repository(world: World, name: str, nodes: list[Node]) -> Repository:
    """The repository; its number is the one inside its pull requests' node ids, where one of them has it."""
    if found := world.find_repository(name):
        return found
    first = min((node["createdAt"] for node in nodes), default=world.now)
    last = max((node.get("updatedAt") or node["createdAt"] for node in nodes), default=world.now)
    inside = (numbers(str(node["id"])) for node in nodes)
    number = next((found[0] for found in inside if len(found) > 1), None)
    dates = {"created_at": first, "updated_at": last, "pushed_at": last}
    repository = world.add_repository(name, database_id=number, requires_review=False, **dates)
    world.add_category(repository, _CATEGORY, ":pray:", is_answerable=True)
    return repository


def _add_pull_request(world: World, repository: Repository, node: Node) -> None:
    pull_request = world.add_pull_request(
        repository,
        _account(world, node["author"]),
        node["title"],
        node["body"],
        at=node["createdAt"],
        labels=node["labels"],
        id=node["id"],
        database_id=_number(node["id"]),
        number=node["number"],
        state=node["state"],
        updated_at=node["updatedAt"],
        closed_at=node["closedAt"],
        merged_at=node["mergedAt"],
        merged_by=_account(world, node["mergedBy"]),
        base_ref_name=node["baseRefName"],
        head_ref_name=node["headRefName"],
        author_association=node["authorAssociation"],
        additions=node["additions"] or 0,
        deletions=node["deletions"] or 0,
        changed_files=node["changedFiles"] or 0,
        commit_count=len(node["commits"] or ()),
    )
    for comment in node["comments"]:
        _add_comment(world, pull_request, comment)
    for review in node["reviews"]:
        _add_review(world, pull_request, review)
    pull_request.updated_at = node["updatedAt"]


def _add_comment(world: World, pull_request: PullRequest, node: Node) -> None:
    world.add_comment(
        pull_request,
        _account(world, node["author"]),
        node["body"],
        at=node["createdAt"],
        updated_at=node["updatedAt"],
        author_association=node["authorAssociation"],
    )


def _add_review(world: World, pull_request: PullRequest, node: Node) -> None:
    review: PullRequestReview = world.add_review(
        pull_request,
        _account(world, node["author"]),
        node["state"],
        node["body"],
        at=node["createdAt"],
        id=node["id"],
        database_id=_number(node["id"]),
        updated_at=node["updatedAt"],
        author_association=node["authorAssociation"],
    )
    for comment in node["comments"]:
        world.add_review_comment(
            review,
            comment["body"],
            _PATH,
            at=comment["createdAt"],
            updated_at=comment["updatedAt"],
            original_position=comment["originalPosition"] or 1,
        )


def _add_discussion(world: World, repository: Repository, node: Node) -> None:
    discussion = world.add_discussion(
        repository,
        _author(world, node["author"]),
        node["title"],
        node["body"],
        category=_CATEGORY,
        at=node["createdAt"],
        number=int(node["id"]),
        upvote_count=node["upvotes"],
    )
    answer = node["answer"]
    for comment in node["comments"]:
        added = world.add_discussion_comment(
            discussion, _author(world, comment["author"]), comment["body"], at=comment["createdAt"]
        )
        for reply in comment["replies"] or ():
            author = _author(world, reply["author"])
            world.add_discussion_comment(discussion, author, reply["body"], reply_to=added, at=reply["createdAt"])
        if answer and (comment["createdAt"], comment["body"]) == (answer["createdAt"], answer["body"]):
            world.choose_answer(added, _account(world, answer.get("chosenBy")), at=answer["chosenAt"])


def _account(world: World, login: str | None) -> Account | None:
    if login is None:
        return None
    is_bot = login == "dependabot" or login.endswith("[bot]")
    return world.account(login.removesuffix("[bot]"), "Bot" if is_bot else "User")


def _author(world: World, author: Node | None) -> Account | None:
    """The account of a discussion's author, whose number is in the address of its picture."""
    if not author or not author.get("name"):
        return None
    found = _AVATAR.search(author.get("avatar") or "")
    return world.account(author["name"], database_id=int(found[1]) if found else None)


def _number(node: str) -> int:
    """The number inside the node id, else one that belongs to it."""
    inside = numbers(node)
    return inside[-1] if inside else stable_number(node, 2**31, 2**32)
