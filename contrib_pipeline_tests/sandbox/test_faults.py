"""Failures come on order, to the requests they were ordered for, in GitHub's shapes."""

import pytest
import requests

from contrib_pipeline.sandbox import faults
from contrib_pipeline_tests.sandbox.client import GitHub

QUERY = (
    'query Named { rateLimit { cost } repository(owner: "octo", name: "hello") { name pullRequests { totalCount } } }'
)


def order(github: GitHub, fault: faults.Fault, **options: object) -> None:
    github.app.state.faults.add(fault, **options)


def test_a_fault_spoils_as_many_requests_as_ordered_and_then_all_is_well(github: GitHub) -> None:
    order(github, faults.bad_gateway_html(), times=2)
    assert [github.post(QUERY).status_code for _ in range(3)] == [502, 502, 200]


def test_a_fault_waits_for_its_operation(github: GitHub) -> None:
    order(github, faults.bad_gateway_html(504), operation="Named")
    assert github.post("query Other { viewer { login } }").status_code == 200
    assert github.get("/rate_limit").status_code == 200
    assert github.post(QUERY).status_code == 504


def test_a_fault_spares_the_first_requests_if_told_so(github: GitHub) -> None:
    order(github, faults.bad_gateway_html(), after=2)
    assert [github.post(QUERY).status_code for _ in range(4)] == [200, 200, 502, 200]


def test_ordered_faults_come_one_after_the_other(github: GitHub) -> None:
    order(github, faults.bad_gateway_html(), operation="Named")
    order(github, faults.secondary_limit())
    assert [github.post(QUERY).status_code for _ in range(3)] == [502, 403, 200]


def test_forgotten_faults_do_not_come(github: GitHub) -> None:
    order(github, faults.bad_gateway_html())
    github.app.state.faults.clear()
    assert github.post(QUERY).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [(faults.bad_gateway_json(), 502), (faults.something_went_wrong(), 200)])
def test_a_timeout_in_json_has_no_type_and_no_rate_limit(github: GitHub, fault: faults.Fault, status: int) -> None:
    order(github, fault)
    response = github.post(QUERY)
    assert response.status_code == status
    assert response.json()["data"] is None
    assert response.json()["errors"][0]["message"].startswith("Something went wrong while executing your query.")
    assert "type" not in response.json()["errors"][0]
    assert "x-ratelimit-remaining" not in response.headers


def test_a_timeout_in_html_is_no_json(github: GitHub) -> None:
    order(github, faults.bad_gateway_html())
    response = github.post(QUERY)
    assert response.headers["content-type"].startswith("text/html")
    assert "502 Bad Gateway" in response.text


@pytest.mark.parametrize(
    ("fault", "kind"), [(faults.rate_limited(90), "RATE_LIMITED"), (faults.rate_limit(90), "RATE_LIMIT")]
)
def test_a_spent_limit_is_a_200_with_a_reset(github: GitHub, fault: faults.Fault, kind: str) -> None:
    order(github, fault)
    response = github.post(QUERY)
    assert (response.status_code, response.json()["errors"][0]["type"]) == (200, kind)
    assert response.headers["x-ratelimit-remaining"] == "0"
    assert "data" not in response.json()


def test_a_secondary_limit_is_a_403_that_may_say_how_long(github: GitHub) -> None:
    order(github, faults.secondary_limit(7))
    order(github, faults.secondary_limit(None))
    first, second = github.post(QUERY), github.post(QUERY)
    assert (first.status_code, first.headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in first.json()["message"]
    assert "retry-after" not in second.headers


@pytest.mark.parametrize(
    ("fault", "kind", "path"),
    [
        (faults.resource_limits(), "RESOURCE_LIMITS_EXCEEDED", ["repository"]),
        (faults.resource_limits(("repository", "pullRequests")), "RESOURCE_LIMITS_EXCEEDED",
         ["repository", "pullRequests"]),
        (faults.saml(), "FORBIDDEN", ["repository"]),
        (faults.forbidden(), "FORBIDDEN", ["repository"]),
    ],
)  # fmt: skip
def test_partial_data_is_null_at_the_path_of_its_error(
    github: GitHub, fault: faults.Fault, kind: str, path: list[str]
) -> None:
    order(github, fault)
    response = github.post(QUERY)
    payload = response.json()
    value = payload["data"]
    for step in path:
        value = value[step]
    assert value is None
    assert [(error["type"], error["path"]) for error in payload["errors"]] == [(kind, path)]
    assert payload["data"]["rateLimit"] == {"cost": 1}
    assert response.headers["x-ratelimit-remaining"] == "4999"


def test_a_truncated_answer_is_no_json(github: GitHub) -> None:
    order(github, faults.truncated())
    response = github.post(QUERY)
    assert response.status_code == 200
    assert response.text.startswith('{"data"')
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


def test_a_reset_breaks_the_connection(github: GitHub) -> None:
    order(github, faults.connection_reset())
    with pytest.raises(requests.exceptions.ConnectionError, match=r"[Rr]eset"):
        github.post(QUERY)
    assert github.post(QUERY).ok


def test_a_hanging_answer_comes_too_late_for_a_client_in_a_hurry(github: GitHub) -> None:
    order(github, faults.hang(30))
    with pytest.raises(requests.exceptions.ReadTimeout):
        github.post(QUERY, timeout=1)
    assert github.post(QUERY).ok


def test_latency_lengthens_every_answer(github: GitHub) -> None:
    github.app.state.faults.latency_seconds = 30
    with pytest.raises(requests.exceptions.ReadTimeout):
        github.post(QUERY, timeout=0.2)
    with pytest.raises(requests.exceptions.ReadTimeout):
        github.get("/rate_limit", timeout=0.2)
    github.app.state.faults.latency_seconds = 0
    assert github.post(QUERY).ok


def test_bad_credentials_are_a_401_for_a_token_that_was_fine(github: GitHub) -> None:
    order(github, faults.bad_credentials())
    response = github.post(QUERY)
    assert (response.status_code, response.headers["x-ratelimit-limit"]) == (401, "0")
    assert github.post(QUERY).ok


def test_what_was_served_is_counted_spoilt_requests_too(github: GitHub) -> None:
    order(github, faults.bad_gateway_html())
    github.post(QUERY)
    github.post(QUERY)
    github.get("/rate_limit")
    served = github.app.state.served
    assert (served.requests, served.points) == (3, 1)
    assert served.operations == {"Named": 2, "/rate_limit": 1}
