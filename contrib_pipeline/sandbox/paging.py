"""What every connection field does: look at its page size, order its records, cut one page.

Page sizes are looked at when the field is answered, as at GitHub: a bad one is an error with the field's path.
"""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from contrib_pipeline.sandbox.connections import Connection, Key, connect
from contrib_pipeline.sandbox.errors import LARGEST_PAGE, BadPageSize

OLDEST_FIRST = {"field": "CREATED_AT", "direction": "ASC"}

_SORT_KEYS: dict[str, Callable[[Any], Key]] = {
    "CREATED_AT": lambda record: (record.created_at, record.id),
    "UPDATED_AT": lambda record: (record.updated_at, record.id),
    "COMMENTS": lambda record: (len(record.comments), record.id),
}


def ordered(info: GraphQLResolveInfo, records: Iterable[Any], order: dict[str, str], **page: Any) -> Connection:
    """The page of ``records`` in GitHub's order, such as ``{"field": "CREATED_AT", "direction": "ASC"}``."""
    return paged(info, records, _SORT_KEYS[order["field"]], descending=order["direction"] == "DESC", **page)


def paged(
    info: GraphQLResolveInfo, records: Iterable[Any], key: Callable[[Any], Key], descending: bool = False, **page: Any
) -> Connection:
    """The page of ``records`` in the order of ``key``. Raises :class:`BadPageSize` and :class:`InvalidCursor`."""
    _check_page_size(info, page.get("first"), page.get("last"))
    return connect(records, key, descending=descending, **page)


def _check_page_size(info: GraphQLResolveInfo, first: int | None, last: int | None) -> None:
    name = info.field_name
    if first is not None and last is not None:
        raise BadPageSize.both(name)
    if first is None and last is None and any(_reads_nodes(node.selection_set, info) for node in info.field_nodes):
        raise BadPageSize.missing(name)
    for argument, size in (("first", first), ("last", last)):
        if size is not None and size > LARGEST_PAGE:
            raise BadPageSize.excessive(name, argument, size)
        if size is not None and size < 1:
            raise BadPageSize.invalid(name, argument)


def _reads_nodes(selections: SelectionSetNode | None, info: GraphQLResolveInfo) -> bool:
    for selection in selections.selections if selections else ():
        match selection:
            case FieldNode() if selection.name.value in ("nodes", "edges", "pageInfo"):
                return True
            case InlineFragmentNode() if _reads_nodes(selection.selection_set, info):
                return True
            case FragmentSpreadNode() if _reads_nodes(info.fragments[selection.name.value].selection_set, info):
                return True
    return False
