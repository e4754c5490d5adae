"""What is captured: pull requests with all that hangs on them, discussions with all that hangs on them.

A subject turns nodes into rows, after asking for whatever did not come with them: long timelines, inline comments where
there are any, replies. Walking the pages is ``walks``' business, writing the rows ``store``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from contrib_pipeline.capture.pages import FULL_BATCH, Unread, by_ids, rest_of
from contrib_pipeline.github import rows
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.rows import Contributors, Node, Row
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.tables import Table


@dataclass
class PageRows:
    """Rows, table by table, and which parents were read whole."""

    contributors: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    whole: list[int] = field(default_factory=list)
    """Ids of the parents whose children were all read: stored children that are not among them have vanished."""
    unread: dict[int, str] = field(default_factory=dict)
    """Numbers of the parents of which something could not be read, with the reason."""

    def add(self, table: Table, new: list[Row]) -> None:
        self.rows.setdefault(table.name, []).extend(new)

    def of(self, table: Table) -> list[Row]:
        return self.rows.get(table.name, [])

    def leave_out(self, parents: set[int], key: str) -> None:
        """Take out these parents and their children, whose rows hold the parent's id in ``key``."""
        self.whole = [parent for parent in self.whole if parent not in parents]
        for name, page in self.rows.items():
            self.rows[name] = [row for row in page if row.get(key, row["id"]) not in parents]


@dataclass(frozen=True)
class _Parent:
    """Where a child belongs."""

    id: int
    top_id: int
    number: int


class Subject(Protocol):
    """One connection of a repository that can be walked."""

    kind: str
    """In ``github.capture_state`` and ``github.captures``."""
    singular: str
    connection: str
    page_operation: str
    one_operation: str
    numbers_operation: str
    updated_operation: str
    nodes_operation: str
    heads_operation: str
    table: Table
    parent_key: str
    """The column in which children hold the parent's id."""
    largest_page: int

    def requests_after(self, nodes: Sequence[Node]) -> float:
        """How many requests by id the nodes will need."""

    def bring_children(self, client: GitHubClient, nodes: Sequence[Node]) -> None:
        """Put into ``nodes``, of any repositories, what :meth:`complete` would ask for by id."""

    def complete(
        self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors, read_at: datetime
    ) -> PageRows:
        """The rows of nodes read at ``read_at``, with everything that belongs to them."""


class PullRequests:
    """Pull requests with reviews, comments and inline review comments."""

    kind = "pull_requests"
    singular = "pull request"
    connection = "pullRequests"
    page_operation = "PullRequests"
    one_operation = "PullRequest"
    numbers_operation = "PullRequestsByNumber"
    updated_operation = "PullRequestsUpdated"
    nodes_operation = "PullRequestNodes"
    heads_operation = "PullRequestHeads"
    table = tables.PULL_REQUESTS
    parent_key = "pull_request_id"
    # Four connections each and two of the page: 146 requests by GitHub's rule, the most that is one point.
    largest_page = 36

    def requests_after(self, nodes: Sequence[Node]) -> float:
        return len(_with_threads(nodes)) / FULL_BATCH

    def bring_children(self, client: GitHubClient, nodes: Sequence[Node]) -> None:
        _bring(client, "ReviewComments", "comments", _with_threads(nodes))

    def complete(
        self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors, read_at: datetime
    ) -> PageRows:
        page = PageRows()
        with_threads: dict[str, _Parent] = {}
        brought: dict[str, Node] = {}
        for node in nodes:
            try:
                timeline = rest_of(client, "TimelineItems", "timelineItems", node["id"], node["timelineItems"])
            except Unread as error:
                page.unread[node["number"]] = str(error)
                if error.shown is None:
                    continue
                timeline = error.shown
            pull_request = rows.pull_request(node, repository_id, timeline, people, read_at)
            reviews = rows.reviews(timeline, pull_request["id"], repository_id, people)
            if node["number"] in page.unread:
                del pull_request["ready_at"]  # its event may be what was not shown: unknown is not null
            else:
                page.whole.append(pull_request["id"])
            page.add(tables.PULL_REQUESTS, [pull_request])
            page.add(tables.REVIEWS, reviews)
            page.add(tables.COMMENTS, rows.issue_comments(timeline, pull_request["id"], repository_id, people))
            if node["reviewThreads"]["totalCount"]:
                with_threads |= {r["node_id"]: _Parent(r["id"], pull_request["id"], node["number"]) for r in reviews}
                brought |= _brought(timeline, "comments", with_threads)
        self._add_inline_comments(client, page, with_threads, brought, repository_id, people)
        page.contributors = people.rows()
        return page

    def _add_inline_comments(
        self,
        client: GitHubClient,
        page: PageRows,
        reviews: dict[str, _Parent],
        brought: dict[str, Node],
        repository_id: int,
        people: Contributors,
    ) -> None:
        found = by_ids(client, "ReviewComments", [review for review in reviews if review not in brought])
        for node_id, node in {**brought, **found.nodes}.items():
            review = reviews[node_id]
            try:
                nodes = rest_of(client, "MoreReviewComments", "comments", node_id, node["comments"])
            except Unread as error:
                found.unread[node_id] = str(error)
                nodes = error.shown or []
            comments = rows.review_comments(nodes, review.id, review.top_id, repository_id, people)
            page.add(tables.COMMENTS, comments)
        _note_unread(page, reviews, found.unread)


class Discussions:
    """Discussions with comments, replies and the chosen answer."""

    kind = "discussions"
    singular = "discussion"
    connection = "discussions"
    page_operation = "Discussions"
    one_operation = "Discussion"
    numbers_operation = "DiscussionsByNumber"
    updated_operation = "DiscussionsUpdated"
    nodes_operation = "DiscussionNodes"
    heads_operation = "DiscussionHeads"
    table = tables.DISCUSSIONS
    parent_key = "discussion_id"
    largest_page = 50

    def requests_after(self, nodes: Sequence[Node]) -> float:
        return sum(len(node["comments"]["nodes"]) for node in nodes) / FULL_BATCH

    def bring_children(self, client: GitHubClient, nodes: Sequence[Node]) -> None:
        comments = {comment["id"]: comment for node in nodes for comment in node["comments"]["nodes"] if comment}
        _bring(client, "Replies", "replies", comments)

    def complete(
        self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors, read_at: datetime
    ) -> PageRows:
        page = PageRows()
        top_level: dict[str, _Parent] = {}
        brought: dict[str, Node] = {}
        for node in nodes:
            try:
                comments = rest_of(client, "DiscussionComments", "comments", node["id"], node["comments"])
            except Unread as error:
                page.unread[node["number"]] = str(error)
                if error.shown is None:
                    continue
                comments = error.shown
            discussion = rows.discussion(node, repository_id, people, read_at)
            if node["number"] not in page.unread:
                page.whole.append(discussion["id"])
            page.add(tables.DISCUSSIONS, [discussion])
            page.add(
                tables.DISCUSSION_COMMENTS,
                rows.discussion_comments(comments, None, discussion["id"], repository_id, people),
            )
            top_level |= {c["id"]: _Parent(c["databaseId"], discussion["id"], node["number"]) for c in comments}
            brought |= _brought(comments, "replies", top_level)
        self._add_replies(client, page, top_level, brought, repository_id, people)
        page.contributors = people.rows()
        return page

    def _add_replies(
        self,
        client: GitHubClient,
        page: PageRows,
        comments: dict[str, _Parent],
        brought: dict[str, Node],
        repository_id: int,
        people: Contributors,
    ) -> None:
        # Asking every comment costs a point per 149; asking the page which have replies costs 26 points a page.
        found = by_ids(client, "Replies", [comment for comment in comments if comment not in brought])
        for node_id, node in {**brought, **found.nodes}.items():
            comment = comments[node_id]
            try:
                replies = rest_of(client, "MoreReplies", "replies", node_id, node["replies"])
            except Unread as error:
                found.unread[node_id] = str(error)
                replies = error.shown or []
            page.add(
                tables.DISCUSSION_COMMENTS,
                rows.discussion_comments(replies, comment.id, comment.top_id, repository_id, people),
            )
        _note_unread(page, comments, found.unread)


def _with_threads(nodes: Sequence[Node]) -> dict[str, Node]:
    """The reviews of pull requests that have inline comments, by id: which of them has any, GitHub does not say."""
    return {
        item["id"]: item
        for node in nodes
        if node["reviewThreads"]["totalCount"]
        for item in node["timelineItems"]["nodes"]
        if item and item["__typename"] == "PullRequestReview"
    }


def _bring(client: GitHubClient, operation: str, connection: str, parents: dict[str, Node]) -> None:
    """Put the first page of ``connection`` into each of ``parents`` that GitHub answers whole."""
    for node_id, node in by_ids(client, operation, list(parents)).nodes.items():
        parents[node_id][connection] = node[connection]


def _brought(nodes: Sequence[Node], connection: str, parents: dict[str, _Parent]) -> dict[str, Node]:
    """Those of ``parents`` whose ``connection`` came with them, by id. A pending review is among the nodes only."""
    return {node["id"]: node for node in nodes if connection in node and node["id"] in parents}


def _note_unread(page: PageRows, parents: dict[str, _Parent], unread: dict[str, str]) -> None:
    """Children of these could not be read: what hangs on the same parent is not whole."""
    for node_id, reason in unread.items():
        parent = parents[node_id]
        page.unread[parent.number] = reason
        page.whole = [whole for whole in page.whole if whole != parent.top_id]


PULL_REQUESTS = PullRequests()
DISCUSSIONS = Discussions()
SUBJECTS: dict[str, Subject] = {subject.kind: subject for subject in (PULL_REQUESTS, DISCUSSIONS)}
