"""The world changes as GitHub does."""

import pytest

from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import GitHub

NAMED = "query Named($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id nameWithOwner } }"


@pytest.fixture
def repository(world: World) -> Repository:
    return next(iter(world.repositories.values()))


def test_comments_reviews_edits_and_merges_move_the_update(world: World, repository: Repository) -> None:
    pull_request = repository.pull_requests[1]
    review = world.add_review(pull_request, None, "APPROVED")
    seen = [pull_request.updated_at]
    for change in (
        lambda: world.add_comment(pull_request, None, "Hm."),
        lambda: world.add_review_comment(review, "Typo."),
        lambda: world.submit_review(review, "DISMISSED"),
        lambda: world.edit(pull_request, title="Better"),
        lambda: world.close(pull_request),
        lambda: world.reopen(pull_request),
        lambda: world.merge(pull_request, None),
    ):
        change()
        seen.append(pull_request.updated_at)
    assert seen == sorted(set(seen))
    assert (pull_request.state, pull_request.merged_at) == ("MERGED", pull_request.updated_at)


def test_deletions_move_no_update(world: World, repository: Repository, github: GitHub) -> None:
    pull_request = repository.pull_requests[1]
    comment = world.add_comment(pull_request, None, "Hm.")
    review = world.add_review(pull_request, None, "COMMENTED")
    inline = world.add_review_comment(review, "Typo.")
    before = pull_request.updated_at
    for record in (inline, comment, review):
        world.delete(record)
        assert record.id not in world.nodes
    assert (pull_request.updated_at, pull_request.timeline, review.comments) == (before, [], [])
    world.delete(pull_request)
    assert github.ask("query N($id: ID!) { node(id: $id) { id } }", id=pull_request.id)["data"]["node"] is None


def test_what_is_below_a_deleted_record_is_gone_too(world: World, repository: Repository) -> None:
    nodes = len(world.nodes)
    pull_request = world.add_pull_request(repository, None, "All of it")
    world.add_comment(pull_request, None, "Hm.")
    world.add_review_comment(world.add_review(pull_request, None, "COMMENTED"), "Typo.")
    discussion = world.add_discussion(repository, None, "Why?")
    answer = world.add_discussion_comment(discussion, None, "Because.")
    world.add_discussion_comment(discussion, None, "Thanks.", reply_to=answer)
    world.delete(pull_request)
    world.delete(discussion)
    assert len(world.nodes) == nodes


def test_an_old_name_leads_to_the_renamed_repository(world: World, repository: Repository, github: GitHub) -> None:
    world.rename_repository(repository, "octo-org/hello-world")
    found = github.data(NAMED, owner="octo", name="hello")["repository"]
    assert found == {"id": repository.id, "nameWithOwner": "octo-org/hello-world"}
    query = '{ repository(owner: "octo", name: "hello", followRenames: false) { id } }'
    assert github.ask(query)["errors"][0]["type"] == "NOT_FOUND"


def test_a_new_repository_takes_an_old_name_over(world: World, repository: Repository, github: GitHub) -> None:
    world.rename_repository(repository, "octo/other")
    new = world.add_repository("octo/hello", database_id=42)
    assert github.data(NAMED, owner="OCTO", name="Hello")["repository"]["id"] == new.id
    assert github.data(NAMED, owner="octo", name="other")["repository"]["id"] == repository.id
    world.delete_repository(new)
    assert github.ask(NAMED, owner="octo", name="hello")["errors"][0]["type"] == "NOT_FOUND"


def test_a_repository_renamed_back_has_its_name_again(world: World, repository: Repository, github: GitHub) -> None:
    world.rename_repository(repository, "octo/other")
    world.rename_repository(repository, "octo/hello")
    for name in ("hello", "other"):
        assert github.data(NAMED, owner="octo", name=name)["repository"]["nameWithOwner"] == "octo/hello"


def test_a_deleted_repository_is_gone_with_all_that_was_in_it(
    world: World, repository: Repository, github: GitHub
) -> None:
    ids = [repository.id, repository.pull_requests[1].id]
    world.delete_repository(repository)
    payload = github.ask("query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert payload["data"]["nodes"] == [None, None]
    assert github.ask(NAMED, owner="octo", name="hello")["errors"][0]["type"] == "NOT_FOUND"


def test_a_hidden_repository_looks_deleted_and_comes_back_whole(
    world: World, repository: Repository, github: GitHub
) -> None:
    ids = [repository.id, repository.pull_requests[1].id]
    repository.is_hidden = True
    assert github.ask("query Ids($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)["data"]["nodes"] == [None, None]
    assert github.get(f"/repositories/{repository.database_id}").status_code == 404
    repository.is_hidden = False
    assert github.data(NAMED, owner="octo", name="hello")["repository"]["id"] == repository.id


def test_discussions_have_comments_replies_and_a_chosen_answer(
    world: World, repository: Repository, github: GitHub
) -> None:
    discussion = world.add_discussion(repository, world.account("ada"), "Why?")
    answer = world.add_discussion_comment(discussion, world.account("bea"), "Because.")
    world.add_discussion_comment(discussion, world.account("ada"), "Thanks.", reply_to=answer)
    world.choose_answer(answer, world.account("ada"))
    found = github.data("""query Discussed { repository(owner: "octo", name: "hello") { discussions(first: 5) { nodes {
      isAnswered answer { databaseId } answerChosenBy { login } category { name }
      comments(first: 5) { totalCount nodes { body isAnswer
        replies(first: 5) { totalCount nodes { body } } } } } } } }""")
    (node,) = found["repository"]["discussions"]["nodes"]
    (comment,) = node["comments"]["nodes"]
    assert (node["isAnswered"], node["answer"]["databaseId"]) == (True, answer.database_id)
    assert (node["answerChosenBy"]["login"], node["category"]["name"]) == ("ada", "Q&A")
    assert comment["isAnswer"]
    assert comment["replies"] == {"totalCount": 1, "nodes": [{"body": "Thanks."}]}
    world.delete(answer)
    assert (discussion.is_answered, discussion.answer_chosen_at, discussion.comments) == (False, None, [])


def test_a_category_without_answers_has_no_word_on_them(world: World, repository: Repository) -> None:
    assert world.add_discussion(repository, None, "An idea", category="Ideas").is_answered is None


def test_numbers_are_shared_by_pull_requests_and_discussions(world: World, repository: Repository) -> None:
    discussion = world.add_discussion(repository, None, "Why?")
    pull_request = world.add_pull_request(repository, None, "So.")
    assert (discussion.number, pull_request.number) == (6, 7)
