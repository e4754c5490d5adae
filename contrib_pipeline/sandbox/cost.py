"""What a query costs, by GitHub's documented rule.

Points: one request for each connection and each possible parent of it, as if every page were full; the sum divided by
100, rounded, at least 1. Nodes: the page sizes multiplied down every path, added up. Whether a connection of which only
``totalCount`` is read counts as a request is not documented: here it does, as one (and has no nodes).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    is_composite_type,
)

NODE_LIMIT = 500_000
IDS_LIMIT = 100


@dataclass
class Cost:
    """Of one query: requests by the rule, nodes, and the longest list of ids given to one field (its name too)."""

    requests: int = 0
    nodes: int = 0
    ids: int = 0
    ids_field: str = ""

    @property
    def points(self) -> int:
        return max(1, (self.requests + 50) // 100)


def cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: dict[str, Any],
) -> Cost:
    """The cost of a valid operation with its coerced variables."""
    assert schema.query_type is not None
    walk = _Walk(schema, fragments, variables)
    walk.selections(operation.selection_set, schema.query_type, 1, ())
    return walk.cost


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: dict[str, Any]
    ) -> None:
        self.cost = Cost()
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._seen: set[tuple[str, ...]] = set()

    def selections(self, selections: SelectionSetNode | None, parent: Any, parents: int, path: tuple[str, ...]) -> None:
        for kind, field in self._fields(selections, parent):
            self._field(
                kind, field, parents, (*path, kind.name, field.alias.value if field.alias else field.name.value)
            )

    def _field(self, kind: Any, field: FieldNode, parents: int, path: tuple[str, ...]) -> None:
        name = field.name.value
        if name.startswith("__"):
            return
        definition = kind.fields[name]
        below = get_named_type(definition.type)
        if not is_composite_type(below):
            return
        arguments = get_argument_values(definition, field, self._variables)
        if below.name.endswith("Connection"):
            parents = self._connection(arguments, parents, is_new=path not in self._seen)
            self._seen.add(path)
        elif name == "nodes" and "ids" in arguments:
            parents *= len(arguments["ids"])
            self._ids(len(arguments["ids"]), path[-1])
        self.selections(field.selection_set, below, parents, path)

    def _connection(self, arguments: dict[str, Any], parents: int, *, is_new: bool) -> int:
        """How many nodes it may have. Selected twice on one path, it is one connection and counts once."""
        size = arguments.get("first")
        size = arguments.get("last") if size is None else size
        nodes = parents * (size or 0)
        if is_new:
            self.cost.requests += parents
            self.cost.nodes += nodes
        return nodes

    def _ids(self, count: int, field: str) -> None:
        if count > self.cost.ids:
            self.cost.ids, self.cost.ids_field = count, field

    def _fields(self, selections: SelectionSetNode | None, parent: Any) -> Iterator[tuple[Any, FieldNode]]:
        """Each field of the selection, fragments opened, with the type that it is selected on."""
        for selection in selections.selections if selections else ():
            match selection:
                case FieldNode():
                    yield parent, selection
                case FragmentSpreadNode():
                    fragment = self._fragments[selection.name.value]
                    yield from self._fields(fragment.selection_set, self._type(fragment.type_condition.name.value))
                case InlineFragmentNode():
                    condition = selection.type_condition
                    kind = self._type(condition.name.value) if condition else parent
                    yield from self._fields(selection.selection_set, kind)

    def _type(self, name: str) -> Any:
        return self._schema.type_map[name]
