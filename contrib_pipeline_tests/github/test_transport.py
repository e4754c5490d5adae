"""What comes over the wire: text that Postgres takes, whatever GitHub sends."""

import json

import pytest

from contrib_pipeline.github.transport import _json_object


def test_nul_and_lone_surrogates_are_removed_and_pairs_kept() -> None:
    body = rb'{"a": "x\u0000y", "b": ["\ud83d\ude00", "\ud83d alone", "\\u0000"], "c\u0000": "\udc00"}'
    assert _json_object(body) == {"a": "xy", "b": ["\U0001f600", "\ufffd alone", "\\u0000"], "c\0": "\ufffd"}


def test_lone_surrogates_that_come_as_bytes_are_replaced() -> None:
    body = '{"a": "\ud83d alone", "b": "käse"}'.encode("utf-8", "surrogatepass")
    assert _json_object(body) == {"a": "\ufffd alone", "b": "käse"}


def test_numbers_of_64_bits_are_whole() -> None:
    assert _json_object(b'{"id": 9223372036854775807}') == {"id": 2**63 - 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": {"a"', b"[]", b"null", b'"text"'])
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert _json_object(body) is None


def test_clean_text_is_as_it_is() -> None:
    value = {"text": "käse 🧀 \\ud83d", "list": [1, None, True]}
    assert _json_object(json.dumps(value).encode()) == value
