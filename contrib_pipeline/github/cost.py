"""What a request will cost, before it is sent.

GitHub's rule: add up the requests needed to fill each connection if every page were full, divide by 100, round, at
least 1. Whether a connection of which only ``totalCount`` is read counts too is not documented; here it does, so
the estimate is never too low. The answer's headers correct it.
"""

from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    SelectionSetNode,
    VariableNode,
)

from contrib_pipeline.github.documents import document

_CONNECTION_FIELDS = {"totalCount", "pageInfo"}


def points(name: str, variables: dict[str, Any]) -> int:
    """The points of the rate limit that the operation ``name`` costs with ``variables``."""
    parsed = document(name)
    fragments = {d.name.value: d for d in parsed.definitions if isinstance(d, FragmentDefinitionNode)}
    (first, *_) = parsed.definitions
    requests = _requests(first.selection_set, 1, variables, fragments)  # type: ignore[attr-defined]
    return max(1, (requests + 50) // 100)


def _requests(
    selections: SelectionSetNode | None,
    parents: int,
    variables: dict[str, Any],
    fragments: dict[str, FragmentDefinitionNode],
) -> int:
    total = 0
    for selection in selections.selections if selections else ():
        match selection:
            case FieldNode():
                total += _field_requests(selection, parents, variables, fragments)
            case FragmentSpreadNode():
                total += _requests(fragments[selection.name.value].selection_set, parents, variables, fragments)
            case InlineFragmentNode():
                total += _requests(selection.selection_set, parents, variables, fragments)
    return total


def _field_requests(
    field: FieldNode, parents: int, variables: dict[str, Any], fragments: dict[str, FragmentDefinitionNode]
) -> int:
    arguments = {a.name.value: _value(a.value, variables) for a in field.arguments}
    if field.name.value == "nodes" and "ids" in arguments:
        return _requests(field.selection_set, parents * len(arguments["ids"]), variables, fragments)
    size = arguments.get("first", arguments.get("last"))
    if size is None and not _selects_connection(field, fragments):
        return _requests(field.selection_set, parents, variables, fragments)
    return parents + _requests(field.selection_set, parents * (size or 0), variables, fragments)


def _selects_connection(field: FieldNode, fragments: dict[str, FragmentDefinitionNode]) -> bool:
    names = {
        s.name.value
        for s in (field.selection_set.selections if field.selection_set else ())
        if isinstance(s, FieldNode)
    }
    return bool(names & _CONNECTION_FIELDS)


def _value(node: Any, variables: dict[str, Any]) -> Any:
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    return int(node.value) if isinstance(node, IntValueNode) else None
