"""Bodies of Inngest's event API as events."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrib_pipeline.events.ulids import Seed
from contrib_pipeline.events.wire import LARGEST_EVENT, WireError, read_request

SEED = Seed(1_700_000_000_000, bytes(10))
ONE = {"name": "capture/repository.sync", "data": {"repository": "octo/kit"}}


def read(value: Any, content_type: str = "application/json") -> Any:
    return read_request(json.dumps(value).encode(), content_type, SEED)


def refused(value: Any) -> WireError:
    parsed = read(value)
    assert parsed.error is not None
    return parsed.error


def test_an_object_is_one_event_and_an_array_many() -> None:
    assert [event.name for event in read(ONE).events] == [ONE["name"]]
    parsed = read([ONE, ONE, ONE])
    assert parsed.error is None
    assert [event.id for event in parsed.events] == [SEED.id(1), SEED.id(2), SEED.id(3)]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_json_is_json_whatever_the_content_type_says(content_type: str) -> None:
    assert read(ONE, content_type).events[0].data == ONE["data"]


@pytest.mark.parametrize("body", [b"", b"  ", b"[]"])
def test_no_event_is_no_error(body: bytes) -> None:
    assert read_request(body, "application/json", SEED).events == ()


def test_a_form_is_one_event() -> None:
    body = b"name=capture%2Frepository.sync&data=%7B%22repository%22%3A%22octo%2Fkit%22%7D&ts=1700000000000"
    (event,) = read_request(body, "application/x-www-form-urlencoded", SEED).events
    assert (event.name, event.data) == (ONE["name"], ONE["data"])


def test_a_multipart_form_is_one_event() -> None:
    lines = ["--x", 'Content-Disposition: form-data; name="name"', "", "capture/repository.sync"]
    lines += [
        "--x",
        'Content-Disposition: form-data; name="data"',
        "",
        '{"repository": "octo/kit"}',
        "--x--",
        "",
    ]
    body = "\r\n".join(lines).encode()
    (event,) = read_request(body, "multipart/form-data; boundary=x", SEED).events
    assert (event.name, event.data) == (ONE["name"], ONE["data"])


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, "event name is empty"),
        ({"name": ""}, "event name is empty"),
        ({"name": 5}, "event name is empty"),
        ({"name": "Inngest/function.failed"}, "reserved for internal use"),
        ({"name": "x", "data": []}, "data must be an object"),
        ({"name": "x", "data": "y"}, "data must be an object"),
        ({"name": "x", "id": 5}, "id must be a string"),
        ({"name": "x", "ts": 1}, "before Jan 1, 1980"),
        ({"name": "x", "ts": 4_102_444_800_000}, "after Jan 1, 2100"),
        ({"name": "x", "ts": "now"}, "ts must be a whole number"),
        ({"name": "x", "ts": True}, "ts must be a whole number"),
        ("x", "event object or an array"),
        (None, "event object or an array"),
    ],
)
def test_a_bad_event_is_refused_with_the_reason(event: Any, words: str) -> None:
    error = refused([event])
    assert words in str(error)
    assert error.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "event", [{"data": None}, {"ts": 0}, {"ts": None}, {"ts": 1_700_000_000_000}, {"user": {}, "v": "1"}]
)
def test_what_may_be_absent_may_be_null_or_unknown(event: dict[str, Any]) -> None:
    assert read({"name": "x", **event}).events[0].data == {}


def test_events_before_a_bad_one_are_accepted() -> None:
    parsed = read([ONE, {"name": ""}, ONE])
    assert [event.id for event in parsed.events] == [SEED.id(1)]
    assert str(parsed.error) == "event name is empty"


def test_inngests_own_data_is_left_out() -> None:
    assert read({"name": "x", "data": {"_inngest": {"a": 1}, "b": 2}}).events[0].data == {"b": 2}


def test_five_thousand_events_are_accepted_and_one_more_is_not() -> None:
    assert len(read([ONE] * 5000).events) == 5000
    with pytest.raises(WireError, match="more than 5000 events"):
        read([ONE] * 5001)


def test_an_event_of_three_mebibytes_is_accepted_and_a_larger_one_is_not() -> None:
    def event(size: int) -> bytes:
        frame = len(json.dumps({"name": "x", "data": {"a": ""}}, separators=(",", ":")))
        return json.dumps({"name": "x", "data": {"a": "a" * (size - frame)}}, separators=(",", ":")).encode()

    fits, large = event(LARGEST_EVENT), event(LARGEST_EVENT + 1)
    assert len(read_request(b"[" + fits + b"," + fits + b"]", "", SEED).events) == 2
    assert len(read_request(fits, "", SEED).events) == 1
    with pytest.raises(WireError) as alone:
        read_request(large, "", SEED)
    among = read_request(b"[" + fits + b"," + large + b"]", "", SEED)
    assert among.error is not None
    assert len(among.events) == 1
    assert alone.value.status == among.error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": "x", "data": {"a": NaN}}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b'{"a": ' * 5000,
        b"\xff\xfe{",
        b"nonsense",
    ],
)
def test_what_is_not_json_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(WireError) as error:
        read_request(body, "application/json", SEED)
    assert error.value.status == HTTPStatus.BAD_REQUEST
    assert "\n" not in str(error.value)


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "application/json", "multipart/form-data", "multipart/form-data; boundary=x"]),
)
def test_no_body_makes_reading_raise_anything_else(body: bytes, content_type: str) -> None:
    try:
        parsed = read_request(body, content_type, SEED)
    except WireError:
        return
    assert parsed.events or parsed.error or not body.strip() or body.strip().startswith(b"[")
