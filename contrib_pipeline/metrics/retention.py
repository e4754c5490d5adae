"""Deletes daily metrics that are older than they are kept. The facts stay: any deleted day can be computed again."""

from datetime import date

from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("retention", __package__)


def delete_days_before(connection: Connection, first_kept: date) -> dict[date, int]:
    """Delete all daily rows before ``first_kept``; how many rows each deleted day had, over all daily tables."""
    rows = connection.execute(_SQL["delete_days_before"], {"first_kept": first_kept}).fetchall()
    return {row["day"]: row["rows"] for row in rows}
