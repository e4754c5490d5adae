"""Ids by Inngest's rule: the same seed gives the same ids, in the order of the request."""

import base64

import pytest
from ulid import ULID

from contrib_pipeline.events.ulids import Seed, new_id


def test_a_seed_and_a_position_give_inngests_id() -> None:
    seed = Seed.parse("1700000000000," + base64.b64encode(bytes(10)).decode())
    assert seed is not None
    assert [str(ULID.from_str(seed.id(position)).bytes.hex()) for position in (1, 2, 256)] == [
        "018bcfe56800" + "00" * 9 + "01",
        "018bcfe56800" + "00" * 9 + "02",
        "018bcfe56800" + "00" * 8 + "0100",
    ]


def test_the_position_wraps_within_the_last_four_bytes() -> None:
    seed = Seed(1_700_000_000_000, b"\xaa" * 6 + b"\xff" * 4)
    assert ULID.from_str(seed.id(1)).bytes[6:] == b"\xaa" * 6 + b"\x00" * 4


@pytest.mark.parametrize(
    "header", [None, "", "x,y", "1700000000000", "1700000000000,AAAA", "-1,AAAAAAAAAAAAAA==", "9" * 20]
)
def test_what_is_no_seed_is_ignored(header: str | None) -> None:
    assert Seed.parse(header) is None


def test_fresh_ids_differ() -> None:
    assert len({new_id() for _ in range(100)}) == 100
