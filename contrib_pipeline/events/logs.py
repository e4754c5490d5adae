"""The receiver's log: a line for each thing that happened, readable or as JSON.

An event is in it with its id, never with its payload, since that is anybody's text; keys and secrets are never in it.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]


class Fields(dict[str, Any]):
    """What a line says: the message of a log record, by name."""

    def __str__(self) -> str:
        return " ".join(f"{name}={_readable(value)}" for name, value in self.items())


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, then the record's :class:`Fields`, or its ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **(record.msg if isinstance(record.msg, Fields) else {"message": record.getMessage()}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(log_format: LogFormat) -> None:
    """Let this process log to stderr in ``log_format``."""
    text = logging.Formatter("%(asctime)s level=%(levelname)s %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _readable(value: object) -> str:
    """``value`` as one word; quoted where it could be taken for more than one, or for a second line."""
    text = "-" if value is None else str(value)
    return text if text.isprintable() and text and not set(text) & {" ", '"', "="} else json.dumps(text)
