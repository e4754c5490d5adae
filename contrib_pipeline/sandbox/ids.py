"""GitHub's ids: numbers, and the opaque node ids that wrap them.

A node id of the present format is a prefix and, in base64, a MessagePack array: 0, the repository's number (unless the
object belongs to none), the object's own. One of the older format is base64 of ``011:PullRequest`` and a number.
Seen in public data, not documented; programs must not take them apart, this one has to make them.
"""

import hashlib
import re
import struct
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

_OLD = re.compile(rb"^\d+:[A-Za-z]+?(\d+)$")
_FORMATS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}


def node_id(prefix: str, *numbers: int) -> str:
    """The node id of the object that ``numbers`` name, its own last: ``node_id("PR", repository, pull_request)``."""
    packed = bytes([0x91 + len(numbers), 0]) + b"".join(_packed(number) for number in numbers)
    return f"{prefix}_{urlsafe_b64encode(packed).rstrip(b'=').decode()}"


def numbers(node: str) -> list[int]:
    """The numbers inside a node id of either format, its own last; empty where there are none to be read."""
    try:
        if "_" in node:
            return _unpacked(urlsafe_b64decode(_padded(node.partition("_")[2])))
        old = _OLD.match(b64decode(_padded(node), validate=True))
    except (ValueError, struct.error):
        return []
    return [int(old[1])] if old else []


def stable_number(text: str, low: int, high: int) -> int:
    """A number from ``low`` up to ``high`` that belongs to ``text``, the same on every machine."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return low + int.from_bytes(digest) % (high - low)


def _packed(number: int) -> bytes:
    return b"\xce" + struct.pack(">I", number) if number < 1 << 32 else b"\xcf" + struct.pack(">Q", number)


def _unpacked(packed: bytes) -> list[int]:
    found, at = [], 2
    while at < len(packed):
        layout = _FORMATS.get(packed[at])
        if layout is None:
            return []
        found.append(struct.unpack_from(layout, packed, at + 1)[0])
        at += 1 + struct.calcsize(layout)
    return found


def _padded(encoded: str) -> str:
    return encoded + "=" * (-len(encoded) % 4)
