"""Who did it: people, bots, mannequins, organizations, and ghosts, who are null."""

from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import GitHub

TIMELINE = """query Timeline($number: Int!) { repository(owner: "octo", name: "hello") { pullRequest(number: $number) {
  author { __typename login ... on User { databaseId } ... on Bot { databaseId } ... on Mannequin { databaseId } }
  fullDatabaseId
  databaseId
  reviewDecision
  timelineItems(first: 50) { totalCount nodes { __typename
    ... on IssueComment { body author { login } }
    ... on PullRequestReview { state author { login } submittedAt }
    ... on ReadyForReviewEvent { createdAt }
  } }
  reviews(first: 50) { totalCount nodes { state } }
} } }"""


def pull_request(github: GitHub, number: int) -> dict:
    return github.data(TIMELINE, number=number)["repository"]["pullRequest"]


def test_a_deleted_account_leaves_its_work_without_an_author(github: GitHub, world: World) -> None:
    world.add_comment(only(world).pull_requests[1], world.account("ada"), "Mine")
    world.delete_account(world.account("ada"))
    found = pull_request(github, 1)
    assert found["author"] is None
    assert found["timelineItems"]["nodes"] == [{"__typename": "IssueComment", "body": "Mine", "author": None}]


def test_every_kind_of_account_has_its_type_and_number(github: GitHub, world: World) -> None:
    for kind in ("User", "Bot", "Mannequin", "Organization"):
        author = world.account(f"some-{kind.lower()}", kind)
        made = world.add_pull_request(only(world), author, kind)
        assert pull_request(github, made.number)["author"]["__typename"] == kind
        assert pull_request(github, made.number)["author"]["login"] == f"some-{kind.lower()}"
    assert pull_request(github, 7)["author"]["databaseId"] == world.account("some-bot").database_id


def test_an_account_selected_twice_is_answered_by_each_selection(github: GitHub, world: World) -> None:
    ada = world.account("ada")
    world.merge(only(world).pull_requests[1], ada)
    query = """query Twice { repository(owner: "octo", name: "hello") { pullRequest(number: 1) {
      author { login } mergedBy { __typename ... on User { databaseId } } } } }"""
    found = github.data(query)["repository"]["pullRequest"]
    assert found == {
        "author": {"login": "ada"},
        "mergedBy": {"__typename": "User", "databaseId": ada.database_id},
    }


def test_an_enterprise_account_leads_to_its_user(github: GitHub, world: World) -> None:
    user = world.account("ada")
    made = world.add_pull_request(only(world), world.account("ada_corp", "EnterpriseUserAccount", user=user), "Mine")
    query = """query Enterprise($number: Int!) { repository(owner: "octo", name: "hello") {
      pullRequest(number: $number) { author { login ... on EnterpriseUserAccount { user { databaseId } } } } } }"""
    found = github.data(query, number=made.number)["repository"]["pullRequest"]
    assert found["author"] == {"login": "ada_corp", "user": {"databaseId": user.database_id}}


def test_a_number_of_64_bits_is_text_and_does_not_fit_the_old_field(github: GitHub, world: World) -> None:
    made = world.add_pull_request(only(world), None, "Large", database_id=2**40)
    assert pull_request(github, made.number)["fullDatabaseId"] == str(2**40)
    assert pull_request(github, made.number)["databaseId"] is None


def test_the_timeline_mixes_its_kinds_in_time_order(github: GitHub, world: World) -> None:
    made = world.add_pull_request(only(world), None, "Draft", is_draft=True)
    world.add_review(made, None, "COMMENTED", at="2026-03-04T00:00:00Z")
    world.add_comment(made, None, "First", at="2026-03-02T00:00:00Z")
    world.mark_ready(made, at="2026-03-03T00:00:00Z")
    kinds = [node["__typename"] for node in pull_request(github, made.number)["timelineItems"]["nodes"]]
    assert kinds == ["IssueComment", "ReadyForReviewEvent", "PullRequestReview"]


def test_item_types_and_since_choose_from_the_timeline(github: GitHub, world: World) -> None:
    made = only(world).pull_requests[1]
    world.add_comment(made, None, "Old", at="2026-03-02T00:00:00Z")
    world.add_comment(made, None, "New", at="2026-03-04T00:00:00Z")
    world.add_review(made, None, "APPROVED", at="2026-03-05T00:00:00Z")
    query = """query Chosen { repository(owner: "octo", name: "hello") { pullRequest(number: 1) {
      timelineItems(first: 9, itemTypes: [ISSUE_COMMENT], since: "2026-03-03T00:00:00Z") {
        totalCount nodes { ... on IssueComment { body } } } } } }"""
    items = github.data(query)["repository"]["pullRequest"]["timelineItems"]
    assert items == {"totalCount": 1, "nodes": [{"body": "New"}]}


def test_a_pending_review_is_seen_by_nobody_until_it_is_submitted(github: GitHub, world: World) -> None:
    made = only(world).pull_requests[1]
    before = made.updated_at
    review = world.add_review(made, world.account("bea"), "PENDING")
    world.add_review_comment(review, "Not yet")
    assert pull_request(github, 1)["timelineItems"]["totalCount"] == 0
    assert pull_request(github, 1)["reviews"] == {"totalCount": 0, "nodes": []}
    assert made.updated_at == before
    world.submit_review(review, "APPROVED")
    assert pull_request(github, 1)["reviews"]["nodes"] == [{"state": "APPROVED"}]
    assert pull_request(github, 1)["reviewDecision"] == "APPROVED"
    assert made.updated_at > before


def only(world: World):
    return next(iter(world.repositories.values()))
