"""Each check passes on a true copy, and fails, naming the offender, on one that is not."""

from typing import Any

import dagster as dg
import pytest

from contrib_pipeline.definitions import defs
from contrib_pipeline.defs.checks import CHECKS
from contrib_pipeline.sandbox.records import Repository
from contrib_pipeline_tests.defs.conftest import Bench

SPOILT: dict[str, tuple[str, str]] = {
    "pull_request_totals": (
        "update github.captures set github_total = 4 where kind not like 'discussions%'",
        "octo/hello: GitHub counts 4 pull requests, 3 are stored",
    ),
    "discussion_totals": (
        "update github.captures set github_total = 7 where kind like 'discussions%'",
        "octo/hello: GitHub counts 7 discussions, 1 are stored",
    ),
    "review_and_comment_totals": (
        "update github.pull_requests set reviews_total = 5, comments_total = 0, totals_read_at = now()"
        " where number = 1",
        "octo/hello#1: GitHub counts 5 reviews and 0 comments, 1 and 0 are stored",
    ),
    "freshness": (
        "update github.capture_state set verified_at = now() - interval '27 hours'",
        "octo/hello: last looked at",
    ),
    "unique_keys": ("update github.pull_requests set node_id = 'PR'", "github.pull_requests PR: 3 rows"),
    "no_orphans": ("delete from github.pull_requests where number = 1", "its pull request"),
    "dates_in_order": (
        "update github.pull_requests set updated_at = created_at - interval '1 day' where number = 2",
        "/octo/hello/pull/2: closed, merged or updated before it was opened",
    ),
    "merged_means_merged_at": (
        "update github.pull_requests set state = 'merged' where number = 3",
        "/octo/hello/pull/3: state merged",
    ),
    "last_capture_succeeded": (
        "update github.captures set error = 'It went wrong.'",
        "octo/hello: ",
    ),
}


@pytest.fixture
def captured(bench: Bench, hello: Repository) -> Bench:
    hello.has_discussions_enabled = True
    ana = bench.world.account("ana")
    bench.world.add_discussion_comment(bench.world.add_discussion(hello, ana, "How?"), ana, "So")
    assert bench.capture(repositories=["octo/hello"], depth="history").success
    return bench


def check(bench: Bench) -> dict[str, dg.AssetCheckEvaluation]:
    run = defs.resolve_job_def("check").execute_in_process(instance=bench.instance)
    return {evaluation.check_name: evaluation for evaluation in run.get_asset_check_evaluations()}


def test_every_check_passes_on_a_true_copy(captured: Bench) -> None:
    found = check(captured)
    assert found.keys() == CHECKS.keys()
    assert {name: result.passed for name, result in found.items()} == dict.fromkeys(CHECKS, True)
    assert all(result.metadata["offenders"].value == 0 for result in found.values())


def test_every_check_is_known_to_fail() -> None:
    assert SPOILT.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", SPOILT)
def test_a_check_fails_and_names_the_offender(captured: Bench, name: str) -> None:
    statement, named = SPOILT[name]
    captured.connection.execute(statement)  # type: ignore[arg-type]
    result = check(captured)[name]
    assert not result.passed
    metadata: dict[str, Any] = dict(result.metadata)
    assert metadata["offenders"].value >= 1
    assert named in metadata["named"].value


def test_what_github_named_and_is_not_stored_an_hour_later_is_not_fresh(captured: Bench) -> None:
    captured.connection.execute(
        "update github.repositories set active_at = now() + interval '1 second', probed_at = now() - interval '2 hours'"
    )
    result = check(captured)["freshness"]
    assert not result.passed
    assert "GitHub was updated at" in str(result.metadata["named"].value)


def test_what_github_does_not_show_any_more_is_no_offender(captured: Bench) -> None:
    captured.connection.execute("update github.captures set error = 'Gone.', github_total = 9")
    captured.connection.execute("update github.capture_state set verified_at = now() - interval '27 hours'")
    captured.connection.execute("update github.repositories set terminal_reason = 'gone'")
    found = check(captured)
    assert [name for name, result in found.items() if not result.passed] == []


def test_a_capture_that_waits_for_the_budget_is_no_failure(captured: Bench) -> None:
    captured.connection.execute("update github.captures set error = 'Deferred: points are spent.'")
    assert check(captured)["last_capture_succeeded"].passed
