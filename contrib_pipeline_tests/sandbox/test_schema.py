"""The sandbox's schema is a part of GitHub's, and each of its fields can be answered."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    validate,
)

from contrib_pipeline.github.documents import document, names
from contrib_pipeline.sandbox import connections, quota, records
from contrib_pipeline.sandbox.schema import attribute, schema

COMPOSITE = (GraphQLObjectType, GraphQLInterfaceType)


@pytest.fixture(scope="module")
def theirs(real_data: Path) -> GraphQLSchema:
    with gzip.open(real_data / "github/schema.graphql.gz", "rt") as file:
        return build_schema(file.read(), assume_valid_sdl=True)


def ours(*kinds: type) -> list[Any]:
    return [kind for name, kind in schema().type_map.items() if isinstance(kind, kinds) and not name.startswith("__")]


def test_every_type_is_githubs_and_of_the_same_kind(theirs: GraphQLSchema) -> None:
    different = [kind.name for kind in ours(object) if type(kind) is not type(theirs.type_map.get(kind.name))]
    assert different == []


def test_every_field_has_githubs_type_and_nullability(theirs: GraphQLSchema) -> None:
    for kind in ours(*COMPOSITE, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            assert (kind.name, name, str(field.type)) == (
                kind.name,
                name,
                str(theirs.type_map[kind.name].fields[name].type),
            )


def test_every_argument_has_githubs_type_and_default(theirs: GraphQLSchema) -> None:
    for kind in ours(*COMPOSITE):
        for name, field in kind.fields.items():
            for argument, definition in field.args.items():
                original = theirs.type_map[kind.name].fields[name].args[argument]
                assert (str(definition.type), definition.default_value) == (str(original.type), original.default_value)


def test_no_argument_that_github_requires_is_left_out(theirs: GraphQLSchema) -> None:
    for kind in ours(*COMPOSITE):
        for name, field in kind.fields.items():
            original = theirs.type_map[kind.name].fields[name].args
            required = {argument for argument, definition in original.items() if str(definition.type).endswith("!")}
            assert required <= set(field.args)


def test_enum_values_union_members_and_interfaces_are_githubs(theirs: GraphQLSchema) -> None:
    for kind in ours(GraphQLEnumType):
        assert set(kind.values) <= set(theirs.type_map[kind.name].values)
    for kind in ours(GraphQLUnionType):
        assert {member.name for member in kind.types} <= {member.name for member in theirs.type_map[kind.name].types}
    for kind in ours(*COMPOSITE):
        assert {i.name for i in kind.interfaces} <= {i.name for i in theirs.type_map[kind.name].interfaces}


@pytest.mark.parametrize("name", names())
def test_our_documents_are_valid_here(name: str) -> None:
    assert validate(schema(), document(name)) == []


@pytest.mark.parametrize("name", names())
def test_our_documents_are_valid_at_github(theirs: GraphQLSchema, name: str) -> None:
    assert validate(theirs, document(name)) == []


def test_every_field_is_answered_by_a_resolver_or_an_attribute() -> None:
    unanswered = [
        f"{kind.name}.{name}"
        for kind in ours(GraphQLObjectType)
        for name, field in kind.fields.items()
        if field.resolve is None and attribute(name) not in attributes(record_of(kind.name))
    ]
    assert unanswered == []


def attributes(record: type) -> set[str]:
    return {*dir(record), *getattr(record, "__annotations__", ())}


def record_of(kind: str) -> type:
    if kind in ("User", "Bot", "Mannequin", "Organization", "EnterpriseUserAccount"):
        return records.Account
    if kind == "PullRequestCommitConnection":
        return connections.Count
    if kind.endswith("Connection"):
        return connections.Connection
    others = {"RateLimit": quota.RateLimit, "PageInfo": connections.PageInfo, "Query": object}
    return others.get(kind) or (connections.Edge if kind.endswith("Edge") else getattr(records, kind))
