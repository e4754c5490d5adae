"""Where GitHub's shape ends: accounts of every kind, states, what is left out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contrib_pipeline.github import rows
from contrib_pipeline.github.rows import Contributors

AT = datetime(2026, 6, 1, tzinfo=UTC)


def actor(kind: str, login: str = "ana", **fields: Any) -> dict[str, Any]:
    return {"__typename": kind, "login": login, "avatarUrl": "https://…", "id": "X", "databaseId": 7, **fields}


def people() -> Contributors:
    return Contributors(lambda login: login == "robot", AT)


@pytest.mark.parametrize(
    ("given", "kind", "is_bot"),
    [
        (actor("User", name="Ana"), "user", False),
        (actor("User", "robot"), "user", True),
        (actor("Bot", "dependabot"), "bot", True),
        (actor("Mannequin"), "mannequin", False),
        (actor("Organization"), "organization", False),
        (
            {
                "__typename": "EnterpriseUserAccount",
                "login": "ana",
                "avatarUrl": "…",
                "user": {"id": "U", "databaseId": 7},
            },
            "user",
            False,
        ),
    ],
)
def test_an_account_has_its_kind(given: dict[str, Any], kind: str, is_bot: bool) -> None:
    found = people()
    assert found.id_of(given) == 7
    (row,) = found.rows()
    assert (row["kind"], row["is_bot"], row["read_at"]) == (kind, is_bot, AT)


@pytest.mark.parametrize("given", [None, actor("EnterpriseUserAccount", user=None), actor("User", databaseId=None)])
def test_an_account_without_a_number_is_a_ghost(given: dict[str, Any] | None) -> None:
    found = people()
    assert found.id_of(given) is None
    assert found.rows() == []


def test_the_suffix_of_bots_is_no_part_of_their_login() -> None:
    found = people()
    found.id_of(actor("Bot", "dependabot[bot]"))
    assert found.rows()[0]["login"] == "dependabot"


@pytest.mark.parametrize(
    ("closed_at", "merged_at", "state"),
    [(None, None, "open"), ("2026-01-02T00:00:00Z", None, "closed"), ("2026-01-02T00:00:00Z",) * 2 + ("merged",)],
)
def test_the_state_of_a_pull_request_is_read_off_its_times(closed_at: Any, merged_at: Any, state: str) -> None:
    names = (
        "id number title body isDraft author createdAt updatedAt mergedBy additions deletions changedFiles labels "
        "baseRefName headRefName reviewDecision url"
    )
    node: dict[str, Any] = dict.fromkeys(names.split())
    node |= {"fullDatabaseId": "3000000000", "commits": {"totalCount": 1}, "state": "CLOSED"}
    row = rows.pull_request({**node, "closedAt": closed_at, "mergedAt": merged_at}, 1, [], people(), AT)
    assert (row["state"], row["id"], row["ready_at"]) == (state, 3_000_000_000, None)


def test_a_pending_review_is_left_out() -> None:
    review = {
        "__typename": "PullRequestReview",
        "fullDatabaseId": "9",
        "id": "PRR",
        "author": None,
        "state": "PENDING",
        "body": "",
        "submittedAt": None,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
    }
    assert rows.reviews([review], 1, 1, people()) == []
    (kept,) = rows.reviews([{**review, "state": "COMMENTED"}], 1, 1, people())
    assert kept["submitted_at"] == "2026-01-01T00:00:00Z"
