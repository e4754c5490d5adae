"""One GraphQL request, from its text to its answer; HTTP is ``server``'s business."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_variable_values,
    parse,
    validate,
)
from graphql.utilities import get_operation_ast

from contrib_pipeline.sandbox import cost, errors
from contrib_pipeline.sandbox.execution import Execution, resolve_attribute
from contrib_pipeline.sandbox.ids import stable_number
from contrib_pipeline.sandbox.quota import Quota, RateLimit
from contrib_pipeline.sandbox.resolvers import Context
from contrib_pipeline.sandbox.schema import schema
from contrib_pipeline.sandbox.validation import explain, explain_variable
from contrib_pipeline.sandbox.world import World

Payload = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a client posted, and with which token."""

    query: str
    variables: dict[str, Any]
    operation: str | None
    token: str


@dataclass(frozen=True)
class Answer:
    """The body of the answer, what the token has left, and the points that it cost."""

    payload: Payload
    rate_limit: RateLimit
    points: int = 0


def read(body: bytes, token: str) -> Request:
    """The request in a posted body. Raises :class:`BadRequest`."""
    try:
        posted = orjson.loads(body)
    except ValueError as error:
        raise errors.BadRequest("Problems parsing JSON") from error
    if not isinstance(posted, dict):
        raise errors.BadRequest("Body should be a JSON object")
    if not isinstance(posted.get("query"), str):
        raise errors.BadRequest("A query attribute must be specified and must be a string.")
    variables = posted.get("variables")
    return Request(
        query=posted["query"],
        variables=variables if isinstance(variables, dict) else {},
        operation=posted.get("operationName"),
        token=token,
    )


def answer(request: Request, world: World, quota: Quota) -> Answer:
    """GitHub's answer to the request. What it refuses before execution costs nothing."""

    def refused(*problems: Payload) -> Answer:
        return Answer({"errors": list(problems)}, quota.state(request.token))

    document, problems = _parsed(request.query)
    if document is None or problems:
        return refused(*problems)
    operation = get_operation_ast(document, request.operation)
    if operation is None:
        return refused({"message": "An operation name is required"})
    if operation.operation is not OperationType.QUERY:
        return refused({"message": "The sandbox answers queries only."})
    variables = get_variable_values(schema(), operation.variable_definitions, request.variables)
    if isinstance(variables, list):
        return refused(*(explain_variable(error) for error in variables))
    price = _price(document, operation, variables)
    if problem := _too_much(price):
        return refused(problem)
    rate_limit = quota.charge(request.token, price.points, price.nodes)
    if rate_limit is None:
        return refused(errors.rate_limited(stable_number(request.token, 1_000_000, 200_000_000)))
    return Answer(_executed(document, request, Context(world, rate_limit)), rate_limit, price.points)


def operation_name(request: Request) -> str | None:
    """The name of the operation that is asked for; None where it has none or the query cannot be read."""
    document, _ = _parsed(request.query)
    operation = get_operation_ast(document, request.operation) if document else None
    return operation.name.value if operation and operation.name else None


@lru_cache(maxsize=256)
def _parsed(query: str) -> tuple[DocumentNode | None, list[Payload]]:
    """The document, and what GitHub's schema has against it. Kept, since clients send the same few again and again."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, [explain(error, None)]
    return document, [explain(error, document) for error in validate(schema(), document)]


def _price(document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]) -> cost.Cost:
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    return cost.cost(schema(), operation, fragments, variables)


def _too_much(price: cost.Cost) -> Payload | None:
    if price.ids > cost.IDS_LIMIT:
        return errors.too_many_ids(price.ids, cost.IDS_LIMIT, price.ids_field)
    if price.nodes > cost.NODE_LIMIT:
        return errors.too_many_nodes(price.nodes, cost.NODE_LIMIT)
    return None


def _executed(document: DocumentNode, request: Request, context: Context) -> Payload:
    with context.world.lock:
        result = execute(
            schema(),
            document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation,
            field_resolver=resolve_attribute,
            execution_context_class=Execution,
        )
    assert not hasattr(result, "__await__")
    payload: Payload = {"data": result.data}
    if result.errors:
        payload["errors"] = [errors.formatted(error) for error in result.errors]
    return payload
