"""The sandbox's schema with everything that execution needs: resolvers, attributes, the types of abstract values."""

import re
from functools import cache
from importlib import resources
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, build_schema, is_abstract_type

from contrib_pipeline.sandbox.resolvers import RESOLVERS

_CAPITAL = re.compile("([A-Z])")


@cache
def schema() -> GraphQLSchema:
    """The schema in ``schema.graphql``, resolvers attached."""
    built = build_schema(resources.files(__package__).joinpath("schema.graphql").read_text("utf-8"))
    for kind in built.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = _typename  # type: ignore[attr-defined]
    for name, resolver in RESOLVERS.items():
        kind_name, _, field = name.partition(".")
        kind = built.type_map[kind_name]
        assert isinstance(kind, GraphQLObjectType)
        kind.fields[field].resolve = resolver
    return built


@cache
def attribute(field: str) -> str:
    """The attribute of a record that answers a field without a resolver: ``mergedAt`` → ``merged_at``."""
    return "id" if field == "id" else _CAPITAL.sub(r"_\1", field).lower()


def _typename(record: Any, *_: Any) -> str:
    name: str = record.typename
    return name
