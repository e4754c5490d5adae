"""A few rows as a file or on stdout: CSV, JSON, Parquet, through a pandas frame."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd

from contrib_pipeline.presentation.files import ExportError


def write_rows(rows: Sequence[Mapping[str, Any]], form: str, output: Path | None) -> None:
    """Write ``rows`` as ``csv``, ``json`` or ``parquet`` to ``output``; CSV and JSON to stdout where it is None.

    Raises :class:`ExportError`.
    """
    try:
        if form == "json":
            text = json.dumps(list(rows), default=str) + "\n"
            output.write_text(text, "utf-8") if output else sys.stdout.write(text)
        elif form == "parquet":
            _frame(rows).to_parquet(output, index=False)
        else:
            _frame(rows).to_csv(output or sys.stdout, index=False)
    except OSError as error:
        raise ExportError(f"{output or 'stdout'} can't be written: {error.strerror or error}.") from error


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows in a frame that keeps what pandas would change: whole numbers beside nulls, uuids as text."""
    frame = pd.DataFrame(rows)
    for column in frame.columns:
        types = {type(row[column]) for row in rows} - {type(None)}
        if types == {int}:
            frame[column] = pd.array([row[column] for row in rows], dtype="Int64")
        elif types == {UUID}:
            frame[column] = frame[column].map(str, na_action="ignore")
    return frame
