"""The page about metrics says what the code does."""

from pathlib import Path

from contrib_pipeline.metrics.definitions import ABSENCE_FACTOR, DAILY
from contrib_pipeline.metrics.document import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == document()


def test_every_metric_has_its_row() -> None:
    for metric in (*DAILY, ABSENCE_FACTOR):
        assert f"| `{metric.name}` | {metric.unit} | {metric.sentence} | {metric.window} |" in document()
