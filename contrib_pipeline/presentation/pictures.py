"""Pictures of a history as SVG, drawn with Matplotlib: small, sharp at any size, light or dark as the reader's screen.

A picture is drawn for a width, so that its type is as large on a phone as on a desk. What it shows is ``history.py``'s.
"""

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from contrib_pipeline.presentation.history import History

WIDE, NARROW = 704, 352
"""Widths in CSS pixels: a desk's column, a phone's."""

_LIGHT = {"ink": "#1f2328", "muted": "#59636e", "line": "#d1d9e0", "first": "#0a5eb0", "second": "#b85c00"}
_DARK = {"ink": "#e6edf3", "muted": "#9198a1", "line": "#3d444d", "first": "#6cb6ff", "second": "#e3a55d"}
_PAPER = ("#ffffff", "#0d1117")

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "svg.fonttype": "none",
    "text.color": _LIGHT["ink"],
    "axes.edgecolor": _LIGHT["line"],
    "axes.labelcolor": _LIGHT["muted"],
    "xtick.color": _LIGHT["muted"],
    "ytick.color": _LIGHT["muted"],
    "grid.color": _LIGHT["line"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.major.size": 4,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "legend.columnspacing": 1.4,
}
_FACES = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_MEAN_DAYS = 7
_BARS = 10
_HOURS_SHOWN = 72
_MARGIN = timedelta(days=4)


@dataclass(frozen=True)
class Picture:
    """One drawing: its title, what it shows in a sentence, and how it is drawn."""

    title: str
    sentence: str
    draw: Callable[[Figure, History], None]
    height: int = 230


def svg(picture: Picture, shown: History, width: int = WIDE) -> str:
    """The picture of ``shown`` as the text of an SVG, ``width`` pixels wide."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": picture.title}):
        figure = Figure(figsize=(width / 72, picture.height / 72), layout="constrained")
        picture.draw(figure, shown)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _themed(file.getvalue())


def data_uri(text: str) -> str:
    """An SVG as the address of an image."""
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"


def as_markdown(shown: History) -> str:
    """All pictures with their titles and sentences, as Dagster's UI shows Markdown; about 80 kB."""
    return "\n\n".join(f"#### {p.title}\n\n![{p.title}]({data_uri(svg(p, shown))})\n\n{p.sentence}" for p in PICTURES)


def _themed(text: str) -> str:
    """Colours by name, light or dark as the reader's screen, in the reader's own typeface."""
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(
        r' id="(?:figure|axes|patch|line2d|text|matplotlib\.axis|[xy]tick|legend|PathCollection)_\d+"', "", text
    )
    for name, colour in _LIGHT.items():
        text = text.replace(colour, f"var(--{name})")
    text = text.replace("'DejaVu Sans'", _FACES)
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in {**colours, "paper": paper}.items())
        for colours, paper in zip((_LIGHT, _DARK), _PAPER, strict=True)
    )
    style = f"svg{{{light}background:var(--paper)}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    return text.replace("<defs>", f"<style>{style}</style><defs>", 1)


def _trend(figure: Figure, shown: History) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True)
    _days(upper, shown.days, {"opened": "pull requests opened", "merged": "merged"})
    _days(lower, shown.days, {"reviews": "reviews", "comments": "comments"})
    _dates(lower)


def _days(axes: Axes, days: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    """The days faintly, and the mean of each with the six before it."""
    x = [row["day"] for row in days]
    for (column, label), colour in zip(columns.items(), (_LIGHT["first"], _LIGHT["second"]), strict=True):
        values = [row[column] for row in days]
        means = [sum(values[at - _MEAN_DAYS + 1 : at + 1]) / _MEAN_DAYS for at in range(_MEAN_DAYS - 1, len(values))]
        axes.plot(x, values, color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(x[_MEAN_DAYS - 1 :], means, color=colour, linewidth=2, label=label)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _from_zero(axes)
    _legend(axes)


def _review_turnaround(figure: Figure, shown: History) -> None:
    _hours(figure, shown.weeks, "first_review_hours")


def _merge_time(figure: Figure, shown: History) -> None:
    _hours(figure, shown.weeks, "merge_hours")


def _hours(figure: Figure, weeks: Sequence[dict[str, Any]], column: str) -> None:
    """Median and ninth tenth of each week, in hours, or in days where they are many."""
    axes = figure.subplots()
    x = [row["day"] for row in weeks]
    largest = max((row[f"{column}_p90"] or 0 for row in weeks), default=0)
    unit, hours = ("days", 24) if largest > _HOURS_SHOWN else ("hours", 1)
    for end, label, colour in (("p50", f"median, {unit}", "first"), ("p90", "nine in ten at most", "second")):
        y = [float("nan") if (value := row[f"{column}_{end}"]) is None else value / hours for row in weeks]
        axes.plot(x, y, color=_LIGHT[colour], linewidth=2, marker="o", markersize=4, label=label)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    _from_zero(axes)
    _legend(axes)
    axes.set_xlim(x[0] - _MARGIN, x[-1] + _MARGIN)  # also where nothing was drawn
    _dates(axes)
    if not largest:
        _say(axes, "nothing to measure")


def _load(figure: Figure, shown: History) -> None:
    """A bar for each of those who reviewed most, with their share; a line for all others."""
    axes = figure.subplots()
    people = [(row["contributor"], row["reviews"]) for row in shown.reviewers if not row["is_bot"]]
    names, reviews = [name for name, _ in people[:_BARS]], [count for _, count in people[:_BARS]]
    of_all = sum(count for _, count in people)
    labels = [f"{count:,} ({count / of_all:.0%})" for count in reviews]
    if rest := people[_BARS:]:
        names.append(f"{len(rest):,} others")
        reviews.append(0)
        labels.append(f"{of_all - sum(reviews):,} together")
    drawn = axes.barh(range(len(names)), reviews, color=_LIGHT["first"], height=0.6)
    axes.bar_label(drawn, labels, padding=4, color=_LIGHT["muted"])
    axes.set_yticks(range(len(names)), names, color=_LIGHT["ink"])
    axes.set_xlim(0, 1.3 * max(reviews, default=1))
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.xaxis.set_visible(False)
    axes.spines.bottom.set_visible(False)
    if not names:
        _say(axes, "no reviews")


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes, color=_LIGHT["muted"])


def _from_zero(axes: Axes) -> None:
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1], 1))


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, borderaxespad=0.2, labelcolor=_LIGHT["muted"]
    )


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


PICTURES = (
    Picture(
        "Contribution trend",
        "Pull requests opened and merged, reviews submitted and comments written. Bold: the mean of a day and the six "
        "before it; faint: each day. Bots included.",
        _trend,
        340,
    ),
    Picture(
        "Review turnaround",
        "Time to the first review by a person other than the author, over persons' pull requests that got it, by "
        "weeks that end on these dates.",
        _review_turnaround,
    ),
    Picture(
        "Time to merge",
        "Time from opening to merge, over persons' pull requests that were merged, by weeks that end on these dates.",
        _merge_time,
    ),
    Picture(
        "Who carries the load",
        "Reviews of somebody else's pull requests in 30 days, by the person who submitted them; bots left out.",
        _load,
        300,
    ),
)
"""In the order in which they are shown."""
