"""Ids of events: ULIDs, in the order of the request, the same again for the same seed.

The rule is Inngest's (``x-inngest-event-id-seed: <milliseconds>,<base64 of 10 bytes>``): the event at a position,
counted from 1, has the seed's randomness with the position added to its last four bytes. So a client's retry
brings the ids of its first try.
"""

import base64
import binascii
import os
import time
from dataclasses import dataclass

from ulid import ULID

_RANDOM_BYTES = 10
_TIME_BYTES = 6


@dataclass(frozen=True)
class Seed:
    """What the ids of one request are made of."""

    milliseconds: int
    randomness: bytes

    @classmethod
    def fresh(cls) -> "Seed":
        return cls(time.time_ns() // 1_000_000, os.urandom(_RANDOM_BYTES))

    @classmethod
    def parse(cls, header: str | None) -> "Seed | None":
        """The seed in a header; None where there is none or it is not one."""
        milliseconds, _, encoded = (header or "").partition(",")
        try:
            randomness = base64.b64decode(encoded, validate=True)
            number = int(milliseconds)
        except (binascii.Error, ValueError):
            return None
        fits = len(randomness) == _RANDOM_BYTES and 0 < number < 1 << 8 * _TIME_BYTES
        return cls(number, randomness) if fits else None

    def id(self, position: int) -> str:
        """The ULID of the event at ``position``, counted from 1."""
        last = (int.from_bytes(self.randomness[-4:], "big") + position) % (1 << 32)
        time_part = self.milliseconds.to_bytes(_TIME_BYTES, "big")
        return str(ULID(time_part + self.randomness[:-4] + last.to_bytes(4, "big")))


def new_id() -> str:
    """A ULID of now."""
    return Seed.fresh().id(1)
