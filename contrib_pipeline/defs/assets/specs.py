"""How an asset stands for a Postgres table: key, description, columns and table name, from one place.

What the tables and columns mean is written in the migrations.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from contrib_pipeline.warehouse.columns import columns, description

OWNERS = ["team:contrib-pipeline"]


def table_spec(table: str, *, kinds: Iterable[str] = (), **rest: Any) -> dg.AssetSpec:
    """The spec of the asset ``schema/table``; ``rest`` are further fields of ``dg.AssetSpec``."""
    schema, _, name = table.partition(".")
    return dg.AssetSpec(
        key=[schema, name],
        group_name=schema,
        description=rest.pop("description", description(table)),
        kinds={"postgres", *kinds},
        owners=OWNERS,
        metadata={
            "dagster/table_name": table,
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(c.name, c.type, description=c.description) for c in columns(table)]
            ),
        },
        **rest,
    )
