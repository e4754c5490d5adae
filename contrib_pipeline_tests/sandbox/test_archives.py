"""Real archives are served as they are; what they lack is made up the same every time."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from contrib_pipeline.sandbox.archives import read_archives
from contrib_pipeline.sandbox.errors import SandboxError
from contrib_pipeline.sandbox.ids import node_id, numbers
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import serving


@pytest.fixture(scope="module")
def files(real_data: Path) -> list[Path]:
    return sorted((real_data / "github/archives").glob("*.jsonl.gz"))


@pytest.fixture(scope="module")
def world(files: list[Path]) -> World:
    return read_archives(files)


def lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt") as opened:
        return [json.loads(line) for line in opened]


def repository_of(world: World, file: Path) -> Repository:
    found = world.find_repository(file.name.partition(".")[0].replace("+", "/"))
    assert found is not None
    return found


def test_every_pull_request_of_the_files_is_there_with_everything_below(world: World, files: list[Path]) -> None:
    for file in files:
        if ".discussions." in file.name:
            continue
        nodes, found = lines(file), repository_of(world, file).pull_requests
        assert found.keys() == {node["number"] for node in nodes}
        for node in nodes:
            pull_request = found[node["number"]]
            inline = [len(review.comments) for review in pull_request.reviews]
            assert len(pull_request.comments) == len(node["comments"])
            assert inline == [len(review["comments"]) for review in node["reviews"]]


def test_the_fields_of_the_files_are_kept(world: World, files: list[Path]) -> None:
    for file in files:
        if ".discussions." in file.name:
            continue
        for node in lines(file):
            found = repository_of(world, file).pull_requests[node["number"]]
            kept = (found.id, found.title, found.body, found.state, found.created_at, found.updated_at)
            assert kept == tuple(node[key] for key in ("id", "title", "body", "state", "createdAt", "updatedAt"))
            assert (found.url, found.merged_at, found.closed_at) == (node["url"], node["mergedAt"], node["closedAt"])
            assert [label.name for label in found.labels] == node["labels"]
            assert [r.id for r in found.reviews] == [review["id"] for review in node["reviews"]]


def test_numbers_are_the_ones_inside_the_node_ids(world: World, files: list[Path]) -> None:
    dap = next(file for file in files if "ppm-dap" in file.name)
    repository = repository_of(world, dap)
    assert repository.id == "R_kgDOFEJYQg"
    for pull_request in repository.pull_requests.values():
        assert numbers(pull_request.id)[-1] == pull_request.database_id


def test_discussions_are_there_with_comments_replies_and_answers(world: World, files: list[Path]) -> None:
    file = next(file for file in files if ".discussions." in file.name)
    nodes, found = lines(file), repository_of(world, file).discussions
    assert found.keys() == {int(node["id"]) for node in nodes}
    for node in nodes:
        discussion = found[int(node["id"])]
        assert [len(comment.replies) for comment in discussion.comments] == [
            len(comment["replies"] or ()) for comment in node["comments"]
        ]
        assert discussion.answer is not None
        assert (discussion.answer.body, discussion.answer_chosen_at) == (
            node["answer"]["body"],
            node["answer"]["chosenAt"],
        )


def test_bots_are_bots(world: World) -> None:
    bot = world.find_account("dependabot")
    assert bot is not None
    assert bot.kind == "Bot"


def test_a_file_read_twice_makes_the_same_world(files: list[Path]) -> None:
    assert read_archives(files[:1]).nodes.keys() == read_archives(files[:1]).nodes.keys()


def test_all_pages_of_a_real_repository_are_its_file(world: World, files: list[Path]) -> None:
    file = next(file for file in files if "mls-protocol" in file.name)
    query = """query Walk($after: String) { repository(owner: "mlswg", name: "mls-protocol") {
      pullRequests(first: 100, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
        pageInfo { hasNextPage endCursor } nodes { number body } } } }"""
    bodies, after, more = {}, None, True
    with serving(world) as github:
        while more:
            page = github.data(query, after=after)["repository"]["pullRequests"]
            bodies |= {node["number"]: node["body"] for node in page["nodes"]}
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert bodies == {node["number"]: node["body"] for node in lines(file)}


def test_a_line_is_kept_and_what_it_lacks_is_made_up(tmp_path: Path) -> None:
    comment = {"author": None, "authorAssociation": "NONE", "body": "Late", "createdAt": "2026-02-01T00:00:00Z"}
    comment["updatedAt"] = comment["createdAt"]
    review = comment | {"id": "PRR_x", "author": "helper[bot]", "state": "COMMENTED", "comments": []}
    inline = {"body": "Typo.", "createdAt": "2026-02-01T00:00:00Z", "updatedAt": "2026-02-01T00:00:00Z"}
    line = {
        "number": 4, "id": "PR_x", "title": "T", "body": "B", "state": "OPEN", "author": "ada", "labels": ["a"],
        "authorAssociation": "MEMBER", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z",
        "closedAt": None, "mergedAt": None, "mergedBy": None, "baseRefName": "main", "headRefName": "x",
        "additions": None, "deletions": None, "changedFiles": None, "commits": None, "comments": [comment],
        "reviews": [review | {"comments": [inline | {"originalPosition": None}]}],
    }  # fmt: skip
    file = tmp_path / "o+n.jsonl"
    file.write_text(json.dumps(line))
    found = repository_of(read_archives([file]), file).pull_requests[4]
    (made_up,) = found.reviews[0].comments
    bot = found.reviews[0].author
    assert found.updated_at == "2026-01-02T00:00:00Z"
    assert (found.additions, found.commit_count, found.is_draft, found.comments[0].author) == (0, 0, False, None)
    assert found.reviews[0].submitted_at == "2026-02-01T00:00:00Z"
    assert bot is not None
    assert (bot.kind, bot.login, made_up.author) == ("Bot", "helper", bot)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("archive.jsonl", "", "an archive is named OWNER"),
        ("o+n.jsonl", '{"number": 1', r"o\+n.jsonl, line 1: not JSON"),
        ("o+n.jsonl", "[]\n", r"o\+n.jsonl, line 1: no pull request"),
        ("o+n.jsonl", '{"number": 1}\n', r"o\+n.jsonl, line 1: no pull request"),
        ("o+n.discussions.jsonl", "{}\n", r"o\+n.discussions.jsonl, line 1: no discussion"),
        (
            "o+n.jsonl",
            '{"id": "x", "createdAt": "2026-01-01T00:00:00Z"}\n',
            "line 1: not as archives have it .*'author'",
        ),
        ("o+n.jsonl.gz", "plain", r"o\+n.jsonl.gz: cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SandboxError, match=message):
        read_archives([tmp_path / name])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"gone\+file.jsonl: cannot be read \(No such file"):
        read_archives([tmp_path / "gone+file.jsonl"])


@pytest.mark.parametrize("number", [7, 2**31, 2**32 - 1, 2**32, 2**40])
def test_a_node_id_holds_its_numbers(number: int) -> None:
    assert numbers(node_id("PR", 12, number)) == [12, number]


def test_known_node_ids_of_both_formats_are_read() -> None:
    assert numbers("PR_kwDOFEJYQs5e1BRW") == [339892290, 1590957142]
    assert numbers("MDExOlB1bGxSZXF1ZXN0NTcyMTQwMDEw") == [572140010]
    assert numbers("nonsense") == numbers("31") == []
