"""Who may import whom. The data's way goes one way through the packages; these rules keep it so.

Dagster is used through what it exports, with one exception: ``instance`` holds the classes that dagster.yaml names, and
what they extend has no other address. Its docstring lists every such name, so that an upgrade knows where to look.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "contrib_pipeline"
NAME = PACKAGE.name

MAY_IMPORT = {
    "warehouse": {"warehouse"},
    "github": {"github"},
    "events": {"events", "warehouse"},
    "metrics": {"metrics", "warehouse"},
    "capture": {"capture", "github", "warehouse"},
    "presentation": {"presentation", "metrics", "warehouse"},
    "sandbox": {"sandbox"},
    "settings": set(),
    "lifeline": set(),
    "supervisor": set(),
    "instance": {"instance", "lifeline", "settings", "warehouse"},
    "daemon": {"events", "settings", "warehouse"},
}
"""Package or module → those of ours that it may import. What is not listed may import anything but ``defs``."""

MAY_IMPORT_DAGSTER = {"defs", "definitions", "cli", "supervisor", "instance"}
MAY_IMPORT_DEFS = {"defs", "definitions", "cli"}
ONLY_IN_PRESENTATION = {"pandas", "pyarrow", "matplotlib", "jinja2"}


def modules() -> Iterator[tuple[Path, str]]:
    """Every module of the package with the name of its top package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The full names that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path) -> set[str]:
    """Our top packages that a module imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith(f"{NAME}.")}


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_comes_before_it(package: str) -> None:
    seen = [path for path, top in modules() if top == package]
    assert seen, f"no module in {package}"
    for path in seen:
        assert ours(path) <= MAY_IMPORT[package], path


def test_only_the_wiring_imports_dagster() -> None:
    for path, top in modules():
        roots = {name.split(".")[0] for name in imports(path)}
        if top not in MAY_IMPORT_DAGSTER:
            assert not {root for root in roots if root.startswith("dagster")}, path


def test_nothing_but_the_map_and_the_commands_imports_defs() -> None:
    for path, top in modules():
        if top not in MAY_IMPORT_DEFS:
            assert "defs" not in ours(path), path


def test_only_capture_knows_both_github_and_the_warehouse() -> None:
    for path, top in modules():
        if top in ("capture", "defs", "cli"):
            continue
        assert not {"github", "warehouse"} <= ours(path), path


def test_pandas_and_plotting_are_imported_for_presentation_only() -> None:
    for path, top in modules():
        roots = {name.split(".")[0] for name in imports(path)}
        if top != "presentation":
            assert not roots & ONLY_IN_PRESENTATION, path


def internals(path: Path) -> set[str]:
    """The modules of Dagster and its Postgres storage, not meant for others, from which a module imports."""
    names = {name.rpartition(".")[0] for name in imports(path)}
    return {name for name in names if name.startswith(("dagster._", "dagster_postgres."))}


def test_dagsters_internals_are_imported_by_the_instance_only_and_listed_there() -> None:
    listed = ast.get_docstring(ast.parse((PACKAGE / "instance/__init__.py").read_text("utf-8"))) or ""
    for path, top in modules():
        assert top == "instance" or not internals(path), path
        assert not {name for name in internals(path) if f"``{name}``" not in listed}, path


def test_every_module_says_what_it_is_for() -> None:
    for path, _ in modules():
        text = path.read_text("utf-8")
        if text.strip():
            assert ast.get_docstring(ast.parse(text)), path
