"""graphql-core's execution, with a short way for plain attributes.

Nearly all fields of a page are attributes of records in memory, and most accounts on it are met again and again. The
short way skips what graphql-core does for resolvers that those fields do not have; everything else is graphql-core's.
"""

from typing import Any, NamedTuple

from graphql import (
    ExecutionContext,
    FieldNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.execute import get_field_def
from graphql.pyutils import Path

from contrib_pipeline.sandbox.schema import attribute


def resolve_attribute(record: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
    """The resolver of fields that have none of their own."""
    return getattr(record, attribute(info.field_name))


def _never(value: Any) -> bool:
    return False


class _Step(NamedTuple):
    """How one field of a selection is answered: ``attribute``, ``account`` or ``any`` (graphql-core's way)."""

    kind: str
    name: str
    attribute: str
    nodes: list[FieldNode]


class Execution(ExecutionContext):
    """Executes one operation. Serial and synchronous: no resolver of the sandbox waits."""

    is_awaitable = staticmethod(_never)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._steps: dict[tuple[str, int], list[_Step]] = {}
        self._accounts: dict[tuple[int, Any], Any] = {}

    def execute_fields(
        self, parent_type: GraphQLObjectType, source_value: Any, path: Path | None, fields: dict[str, list[FieldNode]]
    ) -> dict[str, Any]:
        """The answers to the fields selected on one record."""
        results: dict[str, Any] = {}
        for step in self._steps_of(parent_type, fields):
            match step.kind:
                case "attribute":
                    results[step.name] = getattr(source_value, step.attribute)
                case "account":
                    results[step.name] = self._account(step, parent_type, source_value, path)
                case _:
                    field_path = Path(path, step.name, parent_type.name)
                    results[step.name] = self.execute_field(parent_type, source_value, step.nodes, field_path)
        return results

    def _account(self, step: _Step, parent_type: GraphQLObjectType, source: Any, path: Path | None) -> Any:
        """An account looks the same wherever the same fields of it are selected, so it is answered once."""
        account = getattr(source, step.attribute)
        if account is None:
            return None
        key = (id(step.nodes), account)
        if key not in self._accounts:
            field_path = Path(path, step.name, parent_type.name)
            self._accounts[key] = self.execute_field(parent_type, source, step.nodes, field_path)
        return self._accounts[key]

    def _steps_of(self, parent_type: GraphQLObjectType, fields: dict[str, list[FieldNode]]) -> list[_Step]:
        # graphql-core keeps the collected fields of a selection for the whole execution, so their identity is a key.
        key = (parent_type.name, id(fields))
        if key not in self._steps:
            self._steps[key] = [self._step(parent_type, name, nodes) for name, nodes in fields.items()]
        return self._steps[key]

    def _step(self, parent_type: GraphQLObjectType, name: str, nodes: list[FieldNode]) -> _Step:
        definition = get_field_def(self.schema, parent_type, nodes[0])
        kind = "any"
        if definition is not None and definition.resolve is None:
            below = get_named_type(definition.type)
            kind = "attribute" if is_leaf_type(below) else "account" if below.name == "Actor" else "any"
        return _Step(kind, name, attribute(nodes[0].name.value), nodes)
