"""How discussions come about and move on."""

from typing import Any

from contrib_pipeline.sandbox.records import Account, Discussion, DiscussionComment, Repository
from contrib_pipeline.sandbox.world.registry import Registry


class DiscussionChanges(Registry):
    """Changes of discussions. ``fields`` are further attributes of the new record, its ids among them."""

    def add_discussion(
        self,
        repository: Repository,
        author: Account | None,
        title: str,
        body: str = "",
        *,
        category: str = "Q&A",
        at: str | None = None,
        **fields: Any,
    ) -> Discussion:
        """A new discussion in the category of that name."""
        with self.lock:
            at = self._moment(at)
            number = self._number(repository, fields)
            discussion = Discussion(
                **self._identity("D", repository, fields),
                number=number,
                repository=repository,
                category=repository.categories[category],
                author=author,
                title=title,
                body=body,
                created_at=at,
                **{"updated_at": at, **fields},
            )
            repository.discussions[number] = discussion
            return self._register(discussion)

    def add_discussion_comment(
        self,
        discussion: Discussion,
        author: Account | None,
        body: str,
        *,
        reply_to: DiscussionComment | None = None,
        at: str | None = None,
        **fields: Any,
    ) -> DiscussionComment:
        """A new comment, or a reply to a top-level one."""
        with self.lock:
            at = self._moment(at)
            comment = DiscussionComment(
                **self._identity("DC", discussion.repository, fields),
                discussion=discussion,
                author=author,
                body=body,
                created_at=at,
                reply_to=reply_to,
                **{"updated_at": at, **fields},
            )
            (reply_to.replies if reply_to else discussion.comments).append(comment)
            self._touch(discussion, at)
            return self._register(comment)

    def choose_answer(self, comment: DiscussionComment, by: Account | None, *, at: str | None = None) -> None:
        """The comment becomes its discussion's answer."""
        with self.lock:
            discussion, at = comment.discussion, self._moment(at)
            discussion.answer, discussion.answer_chosen_at, discussion.answer_chosen_by = comment, at, by
            self._touch(discussion, at)

    def close_discussion(self, discussion: Discussion, *, at: str | None = None) -> None:
        """It is closed."""
        with self.lock:
            discussion.closed_at = self._moment(at)
            self._touch(discussion, discussion.closed_at)

    @staticmethod
    def _remove_discussion_comment(comment: DiscussionComment) -> None:
        discussion = comment.discussion
        (comment.reply_to.replies if comment.reply_to else discussion.comments).remove(comment)
        if discussion.answer is comment:
            discussion.answer = discussion.answer_chosen_at = discussion.answer_chosen_by = None
