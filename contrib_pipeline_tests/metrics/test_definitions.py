from contrib_pipeline.metrics.definitions import DAILY
from contrib_pipeline.warehouse.connection import Connection

_COLUMNS = """
select attname as name, col_description(attrelid, attnum) as comment
from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attnum
"""
_AROUND = ["day", *(metric.name for metric in DAILY), "is_final", "computed_at"]


def _comments(connection: Connection, table: str) -> dict[str, str]:
    return {row["name"]: row["comment"] for row in connection.execute(_COLUMNS, (table,))}


def test_each_column_of_the_daily_tables_is_a_metric_with_its_sentence(connection: Connection) -> None:
    for table, key in (
        ("metrics.workspace_daily", "workspace_id"),
        ("metrics.repository_daily", "repository_id"),
    ):
        comments = _comments(connection, table)
        assert list(comments) == [key, *_AROUND]
        assert {metric.name: comments[metric.name] for metric in DAILY} == {
            metric.name: metric.comment for metric in DAILY
        }


def test_a_column_can_be_null_only_where_null_has_a_meaning(connection: Connection) -> None:
    nullable = connection.execute(
        "select column_name as name, is_nullable = 'YES' as nullable from information_schema.columns"
        " where table_schema = 'metrics' and table_name = 'workspace_daily'"
    )
    stated = {row["name"]: row["nullable"] for row in nullable}
    assert {metric.name: metric.null is not None for metric in DAILY} == {m.name: stated[m.name] for m in DAILY}


def test_everything_in_the_schemas_metrics_and_reporting_has_a_comment(connection: Connection) -> None:
    silent = connection.execute(
        """
        select format('%s.%s', attrelid::regclass, attname) as name
        from pg_attribute
        join pg_class on pg_class.oid = attrelid and relkind in ('r', 'v')
        where relnamespace::regnamespace::text in ('metrics', 'reporting', 'workspaces')
          and attnum > 0 and not attisdropped
          and (col_description(attrelid, attnum) is null or obj_description(attrelid, 'pg_class') is null)
        """
    )
    assert [row["name"] for row in silent] == []
