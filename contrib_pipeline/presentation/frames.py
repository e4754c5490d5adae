"""A few rows as a file or on stdout: CSV, JSON, Parquet, through a pandas frame."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from contrib_pipeline.presentation.files import ExportError


def write_rows(rows: Sequence[Mapping[str, Any]], form: str, output: Path | None) -> None:
    """Write ``rows`` as ``csv``, ``json`` or ``parquet`` to ``output``; CSV and JSON to stdout where it is None.

    Raises :class:`ExportError`.
    """
    frame = pd.DataFrame(rows)
    for column in frame.columns[frame.dtypes == "object"]:
        # ids are uuids: text in every format
        frame[column] = frame[column].map(lambda value: value if value is None else str(value))
    try:
        if form == "parquet":
            frame.to_parquet(output, index=False)
        elif form == "json":
            frame.to_json(output or sys.stdout, orient="records", date_format="iso")
        else:
            frame.to_csv(output or sys.stdout, index=False)
    except OSError as error:
        raise ExportError(f"{output or 'stdout'} can't be written: {error.strerror or error}.") from error
