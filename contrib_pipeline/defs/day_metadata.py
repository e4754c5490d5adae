"""What the materialization of a final day shows in the UI: its workspaces as a table, pictures, where reports are.

Plotting is imported when a run shows something: it costs a second, and most runs show nothing.
"""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection, first_line

_HOW = "contrib-pipeline report WORKSPACE --output FILE.html"


def day_metadata(
    context: dg.AssetExecutionContext, connection: Connection, day: date, reports: Path | None
) -> dict[str, Any]:
    """The day's workspaces, and pictures of all of them together: about 100 kB.

    Into the folder ``reports``, if there is one, the reports of the workspaces in the table are written.
    """
    from contrib_pipeline.presentation.history import history, members
    from contrib_pipeline.presentation.pictures import as_markdown
    from contrib_pipeline.presentation.tables import MEANINGS, day_table

    table = day_table(connection, day)
    columns = [dg.TableColumn(name, description=meaning) for name, meaning in MEANINGS.items()]
    shown: dict[str, Any] = {
        "workspaces": table.workspaces,
        "summary": dg.MetadataValue.table([dg.TableRecord(row) for row in table.rows], dg.TableSchema(columns)),
        "pictures": dg.MetadataValue.md(as_markdown(history(connection, members(connection), day))),
        "report": dg.MetadataValue.text(_HOW),
    }
    if reports:
        missing = _write_reports(context, connection, [row["workspace"] for row in table.rows], reports)
        shown["reports"] = dg.MetadataValue.path(str(reports))
        if missing:
            shown["reports_missing"] = dg.MetadataValue.md("\n".join(f"- {why}" for why in missing))
    return shown


def _write_reports(
    context: dg.AssetExecutionContext, connection: Connection, slugs: list[str], folder: Path
) -> list[str]:
    """Write ``folder/SLUG.html`` of each workspace; a line for each that could not be written.

    Whatever goes wrong with one is a warning, and the others are written: the numbers are there without it.
    """
    from contrib_pipeline.presentation.report import ReportError, write_report

    missing = []
    for slug in slugs:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_report(connection, workspaces.find(connection, slug), folder / f"{slug}.html")
        except Exception as error:  # noqa: BLE001  # a report may fail in as many ways as it has parts
            why = str(error) if isinstance(error, ReportError) else f"{type(error).__name__}: {first_line(error)}"
            missing.append(f"The report of workspace {slug} was not written: {why}")
            context.log.warning(missing[-1])
    return missing
