"""The GraphQL documents: one operation per file, named like the operation; fragments in ``fragments.graphql``."""

from functools import cache
from importlib import resources

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)


@cache
def document(name: str) -> DocumentNode:
    """The operation ``name`` with the fragments that it uses, and no others (GitHub refuses unused ones)."""
    operation = parse(_text(name), no_location=True)
    fragments = _fragments()
    used: dict[str, FragmentDefinitionNode] = {}
    waiting = _spreads(operation)
    while waiting:
        spread = waiting.pop()
        if spread not in used:
            used[spread] = fragments[spread]
            waiting |= _spreads(used[spread])
    return DocumentNode(definitions=(*operation.definitions, *used.values()))


def names() -> list[str]:
    """The names of all operations."""
    files = resources.files(__name__).iterdir()
    return sorted(f.name.removesuffix(".graphql") for f in files if f.name[0].isupper() and f.name.endswith(".graphql"))


def operation(name: str) -> OperationDefinitionNode:
    """The operation itself, without its fragments."""
    definition = document(name).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return definition


@cache
def _fragments() -> dict[str, FragmentDefinitionNode]:
    definitions = parse(_text("fragments"), no_location=True).definitions
    return {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(f"{name}.graphql").read_text("utf-8")


def _spreads(node: DocumentNode | FragmentDefinitionNode) -> set[str]:
    spreads = _Spreads()
    visit(node, spreads)
    return spreads.found


class _Spreads(Visitor):
    """Collects the names of the fragments that a node spreads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: object) -> None:
        self.found.add(spread.name.value)
