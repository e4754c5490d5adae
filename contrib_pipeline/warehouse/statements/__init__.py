"""SQL in files: each ``.sql`` holds statements under ``-- name:`` lines."""

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(file: str, package: str = __name__) -> dict[str, str]:
    """The statements of ``file`` (without ``.sql``) in ``package``, by name. Raises ValueError if one comes twice."""
    text = resources.files(package).joinpath(f"{file}.sql").read_text("utf-8")
    _, *parts = _NAME.split(text)
    statements = {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
    if 2 * len(statements) != len(parts):
        raise ValueError(f"{file}.sql in {package} uses a name twice.")
    return statements
