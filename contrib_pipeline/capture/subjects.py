"""What is captured: pull requests with all that hangs on them, discussions with all that hangs on them.

A subject turns the nodes of a page into rows, after asking for whatever did not fit the page: long timelines,
inline comments where there are any, replies. Walking the pages is ``walks``' business, writing the rows ``store``'s.
"""

from dataclasses import dataclass, field
from typing import Protocol

from contrib_pipeline.capture.pages import by_ids, rest_of
from contrib_pipeline.github import rows
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.rows import Contributors, Node, Row
from contrib_pipeline.warehouse import tables
from contrib_pipeline.warehouse.tables import Table


@dataclass
class PageRows:
    """A page's rows, table by table, and which parents were read whole."""

    contributors: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    whole: list[int] = field(default_factory=list)
    """Ids of the parents whose children were all read: stored children that are not among them have vanished."""

    def add(self, table: Table, new: list[Row]) -> None:
        self.rows.setdefault(table.name, []).extend(new)

    def of(self, table: Table) -> list[Row]:
        return self.rows.get(table.name, [])


class Subject(Protocol):
    """One connection of a repository that can be walked."""

    kind: str
    """In ``github.capture_state`` and ``github.captures``."""
    operation: str
    connection: str

    def complete(self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors) -> PageRows:
        """The rows of a page's nodes, with everything that belongs to them."""


class PullRequests:
    """Pull requests with reviews, comments and inline review comments."""

    kind = "pull_requests"
    operation = "PullRequests"
    connection = "pullRequests"

    def complete(self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors) -> PageRows:
        page = PageRows()
        with_threads: dict[str, tuple[int, int]] = {}
        for node in nodes:
            timeline = rest_of(client, "TimelineItems", "timelineItems", node["id"], node["timelineItems"])
            pull_request = rows.pull_request(node, repository_id, timeline, people)
            reviews = rows.reviews(timeline, pull_request["id"], repository_id, people)
            page.whole.append(pull_request["id"])
            page.add(tables.PULL_REQUESTS, [pull_request])
            page.add(tables.REVIEWS, reviews)
            page.add(tables.COMMENTS, rows.issue_comments(timeline, pull_request["id"], repository_id, people))
            if node["reviewThreads"]["totalCount"]:
                with_threads |= {review["node_id"]: (review["id"], pull_request["id"]) for review in reviews}
        self._add_inline_comments(client, page, with_threads, repository_id, people)
        page.contributors = people.rows()
        return page

    def _add_inline_comments(
        self,
        client: GitHubClient,
        page: PageRows,
        reviews: dict[str, tuple[int, int]],
        repository_id: int,
        people: Contributors,
    ) -> None:
        for node in by_ids(client, "ReviewComments", list(reviews)):
            comments = rest_of(client, "MoreReviewComments", "comments", node["id"], node["comments"])
            review_id, pull_request_id = reviews[node["id"]]
            page.add(tables.COMMENTS, rows.review_comments(comments, review_id, pull_request_id, repository_id, people))


class Discussions:
    """Discussions with comments, replies and the chosen answer."""

    kind = "discussions"
    operation = "Discussions"
    connection = "discussions"

    def complete(self, client: GitHubClient, nodes: list[Node], repository_id: int, people: Contributors) -> PageRows:
        page = PageRows()
        top_level: dict[str, tuple[int, int]] = {}
        for node in nodes:
            comments = rest_of(client, "DiscussionComments", "comments", node["id"], node["comments"])
            discussion = rows.discussion(node, repository_id, people)
            page.whole.append(discussion["id"])
            page.add(tables.DISCUSSIONS, [discussion])
            page.add(
                tables.DISCUSSION_COMMENTS,
                rows.discussion_comments(comments, None, discussion["id"], repository_id, people),
            )
            top_level |= {c["id"]: (c["databaseId"], discussion["id"]) for c in comments}
        # Asking every comment costs a point per hundred; asking the page which have replies costs 26 points a page.
        for node in by_ids(client, "Replies", list(top_level)):
            replies = rest_of(client, "MoreReplies", "replies", node["id"], node["replies"])
            parent_id, discussion_id = top_level[node["id"]]
            page.add(
                tables.DISCUSSION_COMMENTS,
                rows.discussion_comments(replies, parent_id, discussion_id, repository_id, people),
            )
        page.contributors = people.rows()
        return page


PULL_REQUESTS = PullRequests()
DISCUSSIONS = Discussions()
