"""Names and states of repositories: renames, transfers, case, names taken over, gone, hidden, and visible again."""

import pytest

from contrib_pipeline.capture import many, repositories
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.verify import verify
from contrib_pipeline.github.client import RETRIES
from contrib_pipeline.sandbox import faults
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline_tests.capture.conftest import NAME, Bench

STATE = "select id, name_with_owner, terminal_reason, deleted_at is not null as is_deleted from github.repositories"


@pytest.fixture
def captured(bench: Bench, ana: Account) -> Bench:
    for title in ("One", "Two"):
        bench.world.add_pull_request(bench.repository, ana, title)
    bench.capture()
    return bench


def make_anew(bench: Bench, author: Account) -> None:
    """Another repository in place of the one that is deleted."""
    bench.world.delete_repository(bench.repository)
    other = bench.world.add_repository("octo/other")
    bench.world.add_pull_request(other, author, "Anew")
    bench.world.rename_repository(other, NAME)


def names(bench: Bench) -> dict[str, int]:
    return {row["name_with_owner"]: row["id"] for row in bench.rows(STATE + " where deleted_at is null")}


def test_a_rename_keeps_the_id_and_the_history(captured: Bench) -> None:
    captured.world.rename_repository(captured.repository, "octo/hallo")
    outcome = captured.capture()
    assert (outcome.name, outcome.names_changed, outcome.is_complete) == ("octo/hallo", True, True)
    assert names(captured) == {"octo/hallo": captured.repository.database_id}
    assert captured.count("pull_requests") == 2
    assert not captured.capture(repository="octo/hallo").names_changed


def test_a_transfer_is_a_rename_too(captured: Bench) -> None:
    captured.world.rename_repository(captured.repository, "moby/hello")
    assert captured.capture().name == "moby/hello"
    assert captured.rows("select owner, name from github.repositories") == [{"owner": "moby", "name": "hello"}]


def test_a_change_of_case_is_followed(captured: Bench) -> None:
    captured.world.rename_repository(captured.repository, "octo/Hello")
    outcome = captured.capture()
    assert (outcome.name, outcome.names_changed) == ("octo/Hello", True)
    assert names(captured) == {"octo/Hello": captured.repository.database_id}


def test_an_old_name_leads_to_the_repository_that_had_it(captured: Bench) -> None:
    captured.world.rename_repository(captured.repository, "octo/hallo")
    captured.capture()
    assert captured.capture(repository=NAME).name == "octo/hallo"
    assert captured.count("repositories") == 1


def test_a_new_repository_under_an_old_name_is_another_one(captured: Bench, ana: Account) -> None:
    captured.world.rename_repository(captured.repository, "octo/hallo")
    new = captured.world.add_repository(NAME)
    captured.world.add_pull_request(new, ana, "Of the new one")
    outcome = captured.capture()
    assert outcome.repository is not None
    assert outcome.repository.id == new.database_id, "the one that has the name now was asked for"
    assert names(captured) == {"octo/hallo": captured.repository.database_id, NAME: new.database_id}
    counts = captured.rows("select repository_id, count(*) as n from github.pull_requests group by 1")
    assert {row["repository_id"]: row["n"] for row in counts} == {
        captured.repository.database_id: 2,
        new.database_id: 1,
    }


def test_a_name_found_anew_is_taken_from_the_one_that_we_thought_had_it(captured: Bench) -> None:
    old = captured.repository
    captured.world.rename_repository(old, "octo/hallo")
    new = captured.world.add_repository(NAME)
    found, _ = repositories.find(captured.captures.client, captured.connection, NAME)
    assert found.id == new.database_id
    assert names(captured) == {"octo/hallo": old.database_id, NAME: new.database_id}


def test_two_that_swapped_names_keep_their_ids(captured: Bench) -> None:
    other = captured.world.add_repository("octo/other")
    captured.capture(repository="octo/other")
    captured.world.rename_repository(captured.repository, "octo/third")
    captured.world.rename_repository(other, NAME)
    captured.world.rename_repository(captured.repository, "octo/other")
    many.read_metadata(captured.captures, repositories.tracked(captured.connection))
    assert names(captured) == {"octo/other": captured.repository.database_id, NAME: other.database_id}


def test_metadata_of_many_repositories_is_read_in_one_request(captured: Bench) -> None:
    for number in range(30):
        captured.world.add_repository(f"octo/number-{number}", stargazer_count=number)
        captured.capture(repository=f"octo/number-{number}", subjects=())
    captured.world.rename_repository(captured.repository, "octo/hallo")
    gone = captured.world.find_repository("octo/number-3")
    assert gone is not None
    captured.world.delete_repository(gone)
    before = captured.requests
    outcomes = many.read_metadata(captured.captures, repositories.tracked(captured.connection))
    assert captured.requests - before == 1
    assert {o.name for o in outcomes if o.names_changed} == {"octo/hallo"}
    assert [o.name for o in outcomes if o.is_hopeless] == ["octo/number-3"]
    assert not [o for o in many.read_metadata(captured.captures, repositories.tracked(captured.connection)) if o.error]


def test_one_that_github_withholds_is_recorded_so_and_one_that_is_only_too_heavy_is_not(captured: Bench) -> None:
    asked = repositories.tracked(captured.connection)
    place = ("nodes", 0)
    captured.app.state.faults.add(faults.resource_limits(place), operation="Repositories", times=RETRIES + 1)
    (outcome,) = many.read_metadata(captured.captures, asked)
    assert (outcome.is_hopeless, outcome.terminal_reason) == (False, None), "it is asked for again later"
    assert outcome.error
    assert captured.rows(STATE)[0]["terminal_reason"] is None
    captured.app.state.faults.add(faults.forbidden((*place, "owner")), operation="Repositories")
    (outcome,) = many.read_metadata(captured.captures, asked)
    assert (outcome.is_hopeless, outcome.terminal_reason) == (False, None), "a part is withheld, not the whole"
    captured.app.state.faults.add(faults.forbidden(place), operation="Repositories")
    (outcome,) = many.read_metadata(captured.captures, asked)
    assert outcome.terminal_reason == "private"
    assert captured.rows(STATE)[0]["terminal_reason"] == "private"


def test_a_repository_that_is_gone_is_ended_and_its_data_kept(captured: Bench) -> None:
    captured.world.delete_repository(captured.repository)
    outcome = captured.capture()
    assert (outcome.is_complete, outcome.is_hopeless) == (False, True)
    (row,) = captured.rows(STATE)
    assert (row["terminal_reason"], row["is_deleted"]) == ("gone", True)
    assert captured.count("pull_requests") == 2
    assert captured.capture().is_hopeless
    assert repositories.visible(captured.connection) == []


@pytest.mark.parametrize("depth", ["changed", "history"])
def test_another_one_that_has_taken_the_name_of_one_that_is_gone_is_what_was_asked_for(
    captured: Bench, depth: str, ana: Account
) -> None:
    make_anew(captured, ana)
    outcome = captured.capture(depth)
    assert (outcome.is_complete, outcome.error, outcome.terminal_reason) == (True, None, None)
    assert outcome.names_changed
    assert captured.count("pull_requests", "title = 'Anew'") == 1
    ends = "select terminal_reason, is_tracked from github.repositories order by terminal_reason"
    assert captured.rows(ends) == [
        {"terminal_reason": "gone", "is_tracked": True},
        {"terminal_reason": None, "is_tracked": True},
    ]


def test_the_proof_is_of_the_one_that_has_the_name_now(captured: Bench, ana: Account) -> None:
    make_anew(captured, ana)
    found = verify(captured.captures, NAME, mend=True)
    assert found.is_complete, found.outcome.error
    assert found.compared["pull_requests"].missing == [1]
    assert verify(captured.captures, NAME).is_complete


def test_discussions_that_are_switched_on_are_found_by_the_next_walk(captured: Bench, ana: Account) -> None:
    captured.repository.has_discussions_enabled = False
    captured.capture(subjects=())
    captured.repository.has_discussions_enabled = True
    captured.world.add_discussion(captured.repository, ana, "How?")
    assert captured.capture("history").is_complete
    assert captured.count("discussions") == 1


def test_discussions_that_somebody_asks_for_are_looked_for_although_they_were_off(
    captured: Bench, ana: Account
) -> None:
    captured.repository.has_discussions_enabled = False
    captured.capture(subjects=())
    captured.repository.has_discussions_enabled = True
    captured.world.add_discussion(captured.repository, ana, "How?")
    before = captured.requests
    captured.capture(subjects=("discussions",), is_background=True)
    assert captured.requests == before, "a sweep over many costs nothing where there were none"
    assert captured.capture(subjects=("discussions",)).is_complete
    assert captured.count("discussions") == 1


@pytest.mark.parametrize("reason", ["private", "blocked", "gone"])
def test_a_repository_that_is_visible_again_goes_on(captured: Bench, reason: str, ana: Account) -> None:
    repositories.mark_terminal(captured.connection, captured.repository.database_id, reason)
    captured.world.add_pull_request(captured.repository, ana, "Three", at="2027-01-01T00:00:00Z")
    outcome = captured.capture()
    assert outcome.is_complete
    (row,) = captured.rows(STATE)
    assert (row["terminal_reason"], row["is_deleted"]) == (None, False)
    assert captured.count("pull_requests") == 3


def test_a_repository_that_never_was_leaves_nothing(bench: Bench) -> None:
    outcome = bench.capture(repository="octo/nothing")
    assert (outcome.is_hopeless, outcome.repository) == (True, None)
    assert bench.count("repositories", "true") == 0


def test_what_is_no_name_is_said(bench: Bench) -> None:
    outcome = bench.captures.capture(CaptureRequest("nonsense"))
    assert outcome.error == "Expected a repository as OWNER/NAME, got 'nonsense'."


def test_a_login_that_changes_is_followed_by_id(captured: Bench, ana: Account) -> None:
    ana.login = "ana-silva"
    captured.capture(numbers=(1,), subjects=("pull_requests",))
    assert captured.rows("select id, login from github.contributors") == [{"id": ana.database_id, "login": "ana-silva"}]


def test_an_older_reading_does_not_bring_an_old_login_back(captured: Bench, ana: Account) -> None:
    captured.connection.execute("update github.contributors set login = 'newest', read_at = now() + interval '1 hour'")
    captured.capture(numbers=(1,), subjects=("pull_requests",))
    assert captured.rows("select login from github.contributors") == [{"login": "newest"}]


def test_a_database_belongs_to_one_host(captured: Bench) -> None:
    captured.captures.host = "github.example.com"
    with pytest.raises(Exception, match="holds data of localhost"):
        captured.capture()
