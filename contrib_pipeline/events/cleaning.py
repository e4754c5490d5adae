"""What a payload loses before it is stored: secrets, and characters that Postgres can't hold."""

import re
from typing import Any

_SECRET = re.compile(
    r"token|secret|password|passwd|authorization|credential|api[-_]?key|private[-_]?key", re.IGNORECASE
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "�"


def clean_text(text: str) -> str:
    """``text`` without NUL and lone surrogates."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def clean(value: Any) -> Any:
    """``value`` (as JSON gives it) without keys named like secrets, at any depth, and with clean texts."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): clean(inner) for key, inner in value.items() if not _SECRET.search(key)}
    if isinstance(value, list):
        return [clean(inner) for inner in value]
    return value
