"""What GitHub says to a query that its schema refuses: graphql-ruby's words for graphql-core's findings.

The frequent ones are put into GitHub's words; the others, and syntax errors, keep graphql-core's.
"""

import re
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    VariableDefinitionNode,
    Visitor,
    print_ast,
    visit,
)

Payload = dict[str, Any]

# Finding of graphql-core; GitHub's words; the names of its extensions, in GitHub's spelling and with its code.
_WORDINGS: list[tuple[re.Pattern[str], str, Payload]] = [
    (
        re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'"),
        "Field '{field}' doesn't exist on type '{type}'",
        {"code": "undefinedField", "typeName": "{type}", "fieldName": "{field}"},
    ),
    (
        re.compile(r"Unknown argument '(?P<argument>\w+)' on field '\w+\.(?P<field>\w+)'"),
        "Field '{field}' doesn't accept argument '{argument}'",
        {"code": "argumentNotAccepted", "name": "{field}", "typeName": "Field", "argumentName": "{argument}"},
    ),
    (
        re.compile(r"Field '(?P<field>\w+)' argument '(?P<argument>\w+)' of type '.+' is required"),
        "Field '{field}' is missing required arguments: {argument}",
        {
            "code": "missingRequiredArguments",
            "className": "Field",
            "name": "{field}",
            "arguments": "{argument}",
        },
    ),
    (
        re.compile(r"Field '(?P<field>\w+)' of type '\[?(?P<type>\w+).*' must have a selection of subfields"),
        "Field must have selections (field '{field}' returns {type} but has no selections. "
        "Did you mean '{field} {{ ... }}'?)",
        {"code": "selectionMismatch", "nodeName": "field '{field}'", "typeName": "{type}"},
    ),
    (
        re.compile(r"Variable '\$(?P<variable>\w+)' is not defined(?: by operation '(?P<operation>\w+)')?"),
        "Variable ${variable} is used by {operation} but not declared",
        {"code": "variableNotDefined", "variableName": "{variable}"},
    ),
    (
        re.compile(r"Variable '\$(?P<variable>\w+)' is never used(?: in operation '(?P<operation>\w+)')?"),
        "Variable ${variable} is declared by {operation} but not used",
        {"code": "variableNotUsed", "variableName": "{variable}"},
    ),
    (
        re.compile(r"Fragment '(?P<fragment>\w+)' is never used"),
        "Fragment {fragment} was defined, but not used",
        {"code": "useAndDefineFragment", "fragmentName": "{fragment}"},
    ),
    (
        re.compile(r"Unknown fragment '(?P<fragment>\w+)'"),
        "Fragment {fragment} was used, but not defined",
        {"code": "useAndDefineFragment", "fragmentName": "{fragment}"},
    ),
]


def explain(error: GraphQLError, document: DocumentNode | None = None) -> Payload:
    """A parser's or validator's error as GitHub writes it; ``document`` is None where it could not be parsed."""
    message, extensions = _worded(error.message)
    payload: Payload = {"message": message, "locations": _locations(error)}
    if extensions:
        payload["extensions"] = extensions
    if document and error.nodes:
        payload["path"] = path(document, error.nodes[0])
    return payload


def explain_variable(error: GraphQLError) -> Payload:
    """The error of a variable whose value does not fit its type."""
    definition = error.nodes[0] if error.nodes else None
    if not isinstance(definition, VariableDefinitionNode):
        return explain(error)
    name, kind = definition.variable.name.value, print_ast(definition.type)
    is_null = "was not provided" in error.message or "must not be null" in error.message
    problem = "Expected value to not be null" if is_null else error.message.partition("; ")[2]
    return {
        "extensions": {"problems": [{"path": [], "explanation": problem}]},
        "locations": _locations(error),
        "message": f"Variable ${name} of type {kind} was provided invalid value",
    }


def path(document: DocumentNode, node: Node) -> list[str]:
    """The way to a node from its operation or fragment: ``["query Names", "repository", "name"]``."""
    search = _Search(node)
    visit(document, search)
    return search.found


def _worded(finding: str) -> tuple[str, Payload]:
    for pattern, message, extensions in _WORDINGS:
        if found := pattern.match(finding):
            names = {name: value or "anonymous query" for name, value in found.groupdict().items()}
            return message.format(**names), {key: text.format(**names) for key, text in extensions.items()}
    return finding, {}


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


class _Search(Visitor):
    """Finds one node, and names what it is in."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.found: list[str] = []
        self._node = node

    def enter(self, node: Node, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        if node is not self._node:
            return None
        names = [_name(place) for place in [*ancestors, node] if isinstance(place, Node)]
        self.found = [name for name in names if name]
        return self.BREAK


def _name(node: Node) -> str | None:
    match node:
        case OperationDefinitionNode():
            kind = node.operation.value
            return f"{kind} {node.name.value}" if node.name else kind
        case FragmentDefinitionNode():
            return f"fragment {node.name.value}"
        case InlineFragmentNode():
            return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
        case FieldNode():
            return node.alias.value if node.alias else node.name.value
    return None
