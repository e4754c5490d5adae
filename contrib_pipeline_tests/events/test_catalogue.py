"""Every event of the contract, in every spelling, is understood as the same command; nothing raises."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrib_pipeline.events import commands
from contrib_pipeline.events.catalogue import (
    BY_NAME,
    CATALOGUE,
    FOREIGN,
    Ignored,
    NotUnderstood,
    Understood,
    understand,
)
from contrib_pipeline.events.references import RepositoryReference

UUID_1 = "4e419934-36e5-4681-946c-87a932ed9268"

CONTRACT = {
    "capture/pr.details": ["capture/pr.details.graphql", "capture/pr.reviews", "capture/pr.comments"],
    "capture/repository.sync": ["capture/repository.sync.graphql", "capture/repository.sync-graphql"],
    "capture/repository.sync-enhanced": ["capture/repository.sync.enhanced"],
    "classify/repository.size": [],
    "classify/single-repository": ["classify/repository.single"],
    "discover/new-repository": ["discover/repository.new"],
    "aggregate/workspace-metrics": ["workspace.metrics.aggregate"],
    "scheduled/workspace-aggregation": [],
    "workspace/repository-change": ["workspace.repository.changed"],
    "cleanup/workspace-metrics": [],
    "sync/workspace-priorities": ["workspace/priorities.sync"],
    "sync/discussions": ["sync/discussions-cron", "capture/repository.discussions"],
    "cancel/function": [],
}


def find(reference: RepositoryReference) -> str | None:
    """A look-up that knows one uuid and one number."""
    return reference.name or {UUID(UUID_1): "octo/kit"}.get(reference.uuid) or {77: "octo/kit"}.get(reference.github_id)


def command_of(name: str, data: dict[str, Any]) -> commands.Command:
    outcome = understand(name, data, find)
    assert isinstance(outcome, Understood), outcome
    return outcome.command


def reason_of(name: str, data: dict[str, Any]) -> str:
    outcome = understand(name, data, find)
    assert isinstance(outcome, NotUnderstood), outcome
    return outcome.reason


def test_the_catalogue_holds_the_names_of_the_contract_and_no_others() -> None:
    assert {entry.function: list(entry.aliases) for entry in CATALOGUE} == CONTRACT


def test_no_name_means_two_things() -> None:
    names = [name for entry in CATALOGUE for name in (entry.function, *entry.aliases)]
    assert len(names) == len(set(names))
    assert not set(names) & set(FOREIGN)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.function)
def test_the_example_of_every_entry_is_understood_under_all_its_names(entry: Any) -> None:
    outcomes = {understand(name, entry.example, find) for name in (entry.function, *entry.aliases)}
    assert len(outcomes) == 1
    (outcome,) = outcomes
    assert isinstance(outcome, Understood)
    assert outcome.function == entry.function
    assert entry.meaning.endswith(".")


@pytest.mark.parametrize(
    "repository",
    [
        {"repository": {"owner": "octo", "name": "kit", "github_id": "123456"}},
        {"repository": {"owner": "octo", "name": "kit"}},
        {"repository": {"owner": {"login": "octo", "id": 5}, "name": "kit", "id": 123}},
        {"repository": {"full_name": "octo/kit"}},
        {"repository": "octo/kit"},
        {"owner": "octo", "repo": "kit"},
        {"owner": "octo", "name": "kit"},
        {"owner": {"login": "octo"}, "repo": "kit"},
        {"owner": "octo", "repository": "kit"},
        {"owner": "octo", "repositoryName": "kit", "repositoryId": UUID_1},
        {"repositoryName": "octo/kit"},
        {"repositoryId": UUID_1},
        {"repositoryId": UUID_1.upper()},
        {"repositoryId": UUID_1, "repositoryName": "kit"},
        {"repositoryId": 77},
        {"repositoryId": "77"},
        {"repository_id": 77},
        {"repositoryId": UUID_1, "repository": {"owner": "octo", "name": "kit"}},
        {"repository": None, "owner": " octo ", "repo": "kit"},
    ],
)
def test_every_spelling_of_a_repository_is_the_same_repository(repository: dict[str, Any]) -> None:
    assert command_of("capture/repository.sync", repository) == commands.Sync("octo/kit")


def test_names_that_are_all_digits_are_names() -> None:
    assert command_of("capture/repository.sync", {"owner": "gabrielecirulli", "repo": "2048"}) == commands.Sync(
        "gabrielecirulli/2048"
    )


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"pr_number": 7}, (7,)),
        ({"prNumber": 7}, (7,)),
        ({"prNumber": "7"}, (7,)),
        ({"prNumbers": [7, "8", 7]}, (7, 8)),
        ({"prNumber": None, "prNumbers": [9]}, (9,)),
    ],
)
def test_every_spelling_of_a_pull_request_number_is_understood(
    numbers: dict[str, Any], expected: tuple[int, ...]
) -> None:
    data = {"repository": "octo/kit", **numbers}
    assert command_of("capture/pr.details", data) == commands.PullRequestDetails("octo/kit", expected)


@pytest.mark.parametrize("number", ["x", True, 0, -1, 1.5, 2**31, [], {}, [1, None]])
def test_what_is_no_pull_request_number_is_told_by_its_field(number: Any) -> None:
    assert "pr_number" in reason_of("capture/pr.details", {"repository": "octo/kit", "pr_number": number})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("capture/pr.details", {"repository": "octo/kit"}, ["pr_number is missing"]),
        ("capture/pr.details", {"pr_number": 1}, ["repository is missing", '"owner"']),
        ("capture/repository.sync", {"repository": {"name": "kit"}}, ["repository.owner is missing"]),
        ("capture/repository.sync", {"owner": "octo"}, ["repository.name is missing"]),
        ("capture/repository.sync", {"repository": "octo/.."}, ["owner/name", "octo/.."]),
        ("capture/repository.sync", {"repository": "octo/kit\nx"}, ["owner/name"]),
        ("capture/repository.sync", {"repository": ["octo"]}, ["repository must be"]),
        ("capture/repository.sync", {"repositoryId": "R_kgDO"}, ["repositoryId", "R_kgDO"]),
        ("capture/repository.sync", {"repositoryId": UUID_1.replace("4e", "5e")}, ["alias UUID OWNER/NAME"]),
        ("capture/repository.sync", {"repositoryId": 78}, ["repositoryId 78", "owner and name"]),
        ("aggregate/workspace-metrics", {}, ["workspace_id is missing"]),
        ("aggregate/workspace-metrics", {"workspaceId": "w", "day": "yesterday"}, ["day", "2026-01-31"]),
        ("aggregate/workspace-metrics", {"workspaceId": "w", "day": 20260131}, ["day", "2026-01-31"]),
        (
            "workspace/repository-change",
            {"workspace_id": "w", "action": "renamed"},
            ["action", "'added' or 'removed'"],
        ),
        ("cancel/function", {"reason": "bored"}, ["reason", "user_requested"]),
        (
            "cancel/function",
            {"reason": "user_requested", "repository": {"owner": "octo"}},
            ["repository.name"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_the_remedy(name: str, data: dict[str, Any], words: list[str]) -> None:
    reason = reason_of(name, data)
    assert all(word in reason for word in words), reason
    assert "events replay ID" in reason


def test_the_payloads_of_the_real_application_are_understood() -> None:
    details = {"repositoryId": UUID_1, "prNumber": "12", "prId": "x", "priority": "high"}
    assert command_of("capture/pr.details.graphql", details) == commands.PullRequestDetails("octo/kit", (12,))
    sync = {"repositoryId": UUID_1, "days": 30, "priority": "high", "reason": "manual"}
    assert command_of("capture/repository.sync.graphql", sync) == commands.Sync("octo/kit", "manual")
    change = {"workspaceId": "W", "action": "removed", "repositoryId": UUID_1, "repositoryName": "octo/kit"}
    assert command_of("workspace.repository.changed", change) == commands.ChangeMembership("W", "removed", "octo/kit")
    metrics = {
        "workspaceId": "W",
        "timeRange": "30d",
        "triggeredBy": "schedule",
        "day": "2026-01-31T05:00:00Z",
    }
    assert command_of("workspace.metrics.aggregate", metrics) == commands.AggregateWorkspace("W", date(2026, 1, 31))
    assert command_of("sync/discussions-cron", {}) == commands.SyncAllDiscussions()
    one = {"repositoryId": UUID_1, "maxItems": 100, "source": "cron"}
    assert command_of("capture/repository.discussions", one) == commands.SyncDiscussions("octo/kit")


def test_a_payloads_priority_moves_its_event_within_its_kind() -> None:
    def priority(**data: str) -> int:
        outcome = understand("capture/repository.sync", {"repository": "octo/kit", **data})
        assert isinstance(outcome, Understood)
        return outcome.priority

    assert priority(priority="high") > priority() > priority(priority="low")


def test_keys_are_in_lower_case_and_a_cancellation_has_none() -> None:
    assert command_of("capture/repository.sync", {"repository": "Octo/Kit"}).key == "octo/kit"
    assert command_of("aggregate/workspace-metrics", {"workspace_id": "Web"}).key == "web"
    assert command_of("cleanup/workspace-metrics", {}).key == "*"
    assert command_of("cancel/function", {"reason": "user_requested"}).key is None


def test_events_of_the_application_without_work_are_ignored_with_the_reason() -> None:
    outcome = understand("capture/issue.comments", {"repositoryId": UUID_1, "issueNumber": 3})
    assert isinstance(outcome, Ignored)
    assert "plain issues" in outcome.reason


def test_a_name_that_nobody_knows_is_not_understood() -> None:
    outcome = understand("capture/repository.snyc", {})
    assert isinstance(outcome, NotUnderstood)
    assert "capture/repository.snyc" in outcome.reason


FIELDS = st.sampled_from(
    (
        *(
            "repository",
            "owner",
            "name",
            "repo",
            "repositoryId",
            "repositoryName",
            "github_id",
            "id",
            "login",
            "full_name",
        ),
        *("pr_number", "prNumber", "prNumbers", "discussion_number", "workspace_id", "workspaceId", "day", "action"),
        *("reason", "priority", "event_id"),
    )
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["octo", "kit", "octo/kit", UUID_1, "77", "added", "manual", "user_requested", "2026-01-31"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([*BY_NAME, *FOREIGN, "other"]) | st.text(), st.dictionaries(FIELDS, VALUES, max_size=6))
def test_nothing_in_a_payload_makes_understanding_raise_and_nothing_is_without_an_answer(
    name: str, data: dict[str, Any]
) -> None:
    outcome = understand(name, data, find)
    if isinstance(outcome, Understood):
        assert outcome.function in CONTRACT
        assert outcome.key is None or outcome.key == outcome.key.lower()
    else:
        assert outcome.reason
        assert outcome.reason.isprintable()
