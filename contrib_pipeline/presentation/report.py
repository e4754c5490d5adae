"""The picture book of a workspace: one HTML file that needs nothing else, for a phone and a desk, light and dark.

How it is laid out is in ``report.html``; what the numbers mean comes from ``metrics/definitions.py``. Everything shown
was computed before: a report computes no metrics.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import jinja2

from contrib_pipeline.metrics.definitions import BY_NAME, TRENDS, Metric
from contrib_pipeline.metrics.trends import workspace_trends
from contrib_pipeline.presentation import history as past
from contrib_pipeline.presentation import pictures
from contrib_pipeline.presentation.history import History, Row
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load
from contrib_pipeline.warehouse.workspaces import Workspace

_SQL = load("report", __package__)
_WINDOWS = (30, 90)
_UNKNOWN = "–"  # noqa: RUF001  # what tables print for nothing
_TITLES = {
    "merge_hours_p50": "Time to merge, median",
    "first_review_hours_p50": "Time to first review, median",
    "first_review_hours_p90": "Time to first review, nine in ten",
    "contributor_absence_factor": "Contributor absence factor",
}
_WITHIN = {4: "4 hours", 24: "a day", 72: "3 days", 168: "a week"}
_HOURS_SHOWN = 48


class ReportError(Exception):
    """There is nothing to report, or it can't be written; the message says why."""


def write_report(connection: Connection, workspace: Workspace, output: Path) -> None:
    """Write the report of ``workspace`` into ``output``, whole or not at all. Raises :class:`ReportError`."""
    text = report(connection, workspace)
    partial = output.with_name(f"{output.name}.part")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(output)
    except OSError as error:
        raise ReportError(f"{output} can't be written: {error.strerror}.") from error


def report(connection: Connection, workspace: Workspace) -> str:
    """The report of ``workspace`` as HTML, up to the newest day that is over. Raises :class:`ReportError`."""
    values = {"workspace_id": workspace.id, "today": datetime.now(UTC).date()}
    day = connection.execute(_SQL["last_day"], values).fetchone()
    if day is None:
        raise ReportError(
            f"Nothing is computed for workspace {workspace.slug} yet: contrib-pipeline aggregate --workspace "
            f"{workspace.slug}"
        )
    last_day: date = day["day"]
    stop = datetime.combine(last_day + timedelta(days=1), time(), UTC)
    repositories = connection.execute(_SQL["repositories"], values | {"stop": stop}).fetchall()
    leaders = connection.execute(_SQL["leaders"], values | {"day": last_day}).fetchall()
    ids = past.members(connection, workspace.id)
    shown = past.history(connection, ids, last_day)
    return _template().render(
        name=workspace.name,
        day=last_day,
        is_final=day["is_final"],
        made=datetime.now(UTC),
        repositories=repositories,
        held_back=[text for row in repositories if (text := _held_back(row))],
        trends=_numbers(workspace_trends(connection, workspace.id, last_day)),
        standing=[_standing(BY_NAME[name], day) for name in ("pull_requests_open", "pull_requests_total")],
        pictures={picture.title: _figure(picture, shown) for picture in pictures.PICTURES},
        leaders=leaders,
        reviewers=_reviewers(shown.reviewers),
        responses=_responses(past.responses(connection, ids, last_day)),
        authors=past.authors_of_half(connection, ids, last_day),
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("contrib_pipeline", "presentation"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": _number, "sentence": _sentence}
    return environment.get_template("report.html")


def _figure(picture: pictures.Picture, shown: History) -> dict[str, str]:
    return {
        "sentence": picture.sentence,
        "wide": pictures.data_uri(pictures.svg(picture, shown, pictures.WIDE)),
        "narrow": pictures.data_uri(pictures.svg(picture, shown, pictures.NARROW)),
    }


def _numbers(trends: Iterable[Row]) -> list[dict[str, Any]]:
    """A row per metric: its title, its meaning, and for each window the number and its change."""
    found = {(row["metric"], row["window_days"]): row for row in trends}
    return [
        {
            "title": _title(metric),
            "sentence": _meaning(metric),
            "cells": [
                {"days": days, "value": _shown(metric, row["current"]), "change": _change(row["change_percent"])}
                for days in _WINDOWS
                if (row := found.get((metric.name, days)))
            ],
        }
        for metric in TRENDS
    ]


def _standing(metric: Metric, day: Row) -> dict[str, str]:
    return {"title": _title(metric), "sentence": _meaning(metric), "value": _shown(metric, day[metric.name])}


def _reviewers(rows: list[Row]) -> dict[str, Any]:
    """Persons who review, the share of the first three, and what bots did."""
    people = [row["reviews"] for row in rows if not row["is_bot"]]
    return {
        "people": len(people),
        "reviews": sum(people),
        "first_three": _percent(sum(people[:3]), sum(people)),
        "by_bots": sum(row["reviews"] for row in rows if row["is_bot"]),
    }


def _responses(row: Row) -> dict[str, Any]:
    """How many first reviews came within some hours, in percent, and the percentiles."""
    total = row["pull_requests"]
    shares = [{"within": name, "share": _percent(row[f"within_{hours}"], total)} for hours, name in _WITHIN.items()]
    numbers = [BY_NAME[f"first_review_hours_{end}"] for end in ("p50", "p90")]
    return {"pull_requests": total, "shares": shares if total else [], "numbers": [_standing(m, row) for m in numbers]}


def _held_back(row: Row) -> dict[str, str] | None:
    """Why a repository's numbers are not whole, plainly; None if they are."""
    stored, seen = _number(row["stored"]), row["verified_at"]
    if row["is_terminal"]:
        past_kept = (
            f"only {stored} pull requests of its past were stored before" if row["is_partial"] else "its past counts on"
        )
        text = f"No longer read ({row['terminal_reason'] or 'deleted, or not tracked'}): {past_kept}."
    elif row["is_partial"]:
        of = f" of {_number(row['total'])}" if row["total"] is not None else ""
        text = f"Partial: its history is still being read; {stored}{of} pull requests are stored."
    elif row["is_behind"] and seen:
        text = f"Behind: last looked at {seen:%Y-%m-%d %H:%M} UTC; what happened since is missing."
    elif row["is_behind"]:
        text = "Behind: not looked at yet."
    else:
        return None
    return {"repository": row["repository"], "text": text}


def _title(metric: Metric) -> str:
    return _TITLES.get(metric.name) or metric.name.replace("_", " ").capitalize()


def _meaning(metric: Metric) -> str:
    """The metric's sentence; nothing where the title says the same."""
    return "" if metric.sentence.rstrip(".") == _title(metric) else metric.sentence


def _sentence(text: str) -> str:
    """The first letter small: a sentence that goes on after a colon."""
    return text[:1].lower() + text[1:]


def _shown(metric: Metric, value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    if metric.unit != "hours":
        return _number(value)
    return f"{value:,.1f} h" if value < _HOURS_SHOWN else f"{value / 24:,.1f} d"


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _change(percent: float | None) -> str:
    if percent is None:
        return _UNKNOWN
    text = f"{percent:+,.0f} %".replace("-", "\N{MINUS SIGN}")
    return "±0 %" if text[1:] == "0 %" else text


def _percent(part: float, of_all: float) -> int:
    return round(100 * part / of_all) if of_all else 0
