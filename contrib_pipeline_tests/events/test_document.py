"""The pages about events say what the code does."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contrib_pipeline.cli.main import cli
from contrib_pipeline.events.catalogue import BY_NAME, FOREIGN, NotUnderstood, understand
from contrib_pipeline.events.document import document
from contrib_pipeline.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
SEED = Path(__file__).resolve().parents[2] / "../shared/original-design.md"

# The headings of the document that this pipeline replaces, and the events that it names beside them.
SEED_NAMES = {
    "capture/pr.details",
    "capture/repository.sync",
    "capture/repository.sync-graphql",
    "capture/repository.sync-enhanced",
    "classify/repository.size",
    "classify/single-repository",
    "discover/new-repository",
    "aggregate/workspace-metrics",
    "scheduled/workspace-aggregation",
    "handle/workspace-repository-change",
    "workspace/repository-change",
    "cleanup/workspace-metrics-data",
    "cleanup/workspace-metrics",
    "sync/workspace-priorities",
    "sync/discussions-cron",
    "cancel/function",
}
SEED_VARIABLES = {"INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY", "SUPABASE_URL", "SUPABASE_ANON_KEY"}
SEED_COMMANDS = {
    "npx inngest-cli@latest dev",
    "npm run dev",
    "curl -X POST http://localhost:8288/e/contributor-info",
    "supabase functions deploy inngest-prod --no-verify-jwt",
}


@pytest.fixture(scope="module")
def switching() -> str:
    return (DOCS / "from-inngest.md").read_text("utf-8")


def named(page: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", page))


def json_lines(page: str) -> Iterator[dict[str, object]]:
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
        yield from map(json.loads, block.splitlines())


def test_the_page_of_events_is_what_the_code_would_make() -> None:
    remedy = "python -m contrib_pipeline.events.document > docs/events.md"
    assert (DOCS / "events.md").read_text("utf-8") == document(), remedy


def test_the_page_of_events_has_an_example_of_each_that_is_understood() -> None:
    examples = [line for line in json_lines(document()) if "name" in line]
    assert {str(example["name"]) for example in examples} == {entry.function for entry in BY_NAME.values()}
    for example in examples:
        outcome = understand(str(example["name"]), example["data"])  # type: ignore[arg-type]
        assert not isinstance(outcome, NotUnderstood), outcome


def test_the_page_of_events_names_every_alias_and_every_event_without_work() -> None:
    assert {*BY_NAME, *FOREIGN} <= named(document())


def test_the_page_of_events_knows_the_real_webhooks(real_data: Path) -> None:
    with gzip.open(real_data / "github/webhooks/examples.json.gz") as file:
        examples = json.load(file)
    rows = [line for line in document().splitlines() if line.startswith("| `")]
    for event in examples:
        for payload in event["examples"]:
            about = [row for row in rows if row.startswith(f"| `{event['event']}`")]
            action = payload.get("action")
            assert not about or any(f"`{action}`" in row or "| - |" in row for row in about), (event["event"], action)


def test_who_switches_finds_every_name_of_the_original(switching: str) -> None:
    missing = {*SEED_NAMES, *SEED_VARIABLES, *SEED_COMMANDS} - named(switching)
    assert not missing


def test_the_names_of_the_original_are_all_of_them() -> None:
    if not SEED.is_file():
        pytest.skip(f"the original's document is not there: {SEED}")
    text = SEED.read_text("utf-8")
    found = set(re.findall(r"\b(?:capture|classify|discover|aggregate|scheduled|handle|workspace|cleanup|sync|cancel)"
                           r"/[a-z]+[a-z.-]*[a-z]\b", text))  # fmt: skip
    assert found == SEED_NAMES
    assert all(variable in text for variable in SEED_VARIABLES)
    assert all(command.split()[0] in text for command in SEED_COMMANDS)


def test_who_switches_finds_every_name_that_the_application_sends(switching: str) -> None:
    assert {*BY_NAME, *FOREIGN} <= named(switching)


def test_what_the_page_of_the_switch_tells_to_use_is_there(switching: str) -> None:
    commands = {name.split()[1] for name in named(switching) if name.startswith("contrib-pipeline ")}
    assert commands <= set(cli.commands), commands - set(cli.commands)
    ours = {
        str(getattr(f.validation_alias, "choices", [f.validation_alias])[0]) for f in Settings.model_fields.values()
    }
    told = {name for name in named(switching) if re.fullmatch(r"(GITHUB|CONTRIB|EVENT|DATABASE)_[A-Z_]+", name)}
    assert told <= ours, told - ours
