"""Dagster's storage in Postgres, keeping its connections and not waiting for the disk.

dagster-postgres opens a connection for every statement, but in the webserver: an idle system opens ten a second. A
run writes some twenty events, each a transaction that would wait for the disk; a crash of the server may forget the
last half second of them, after which run monitoring finds the run without a process. No row of ours depends on them.
"""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy.engine import make_url

_NO_TIMEOUT = 0
_RECYCLE_SECONDS = 600
_OVERFLOW = 20  # beyond the one that is kept: the daemon's threads in a burst


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage, connecting everywhere as it does in the webserver."""

    def __init__(self, postgres_url: str, *arguments: Any, **keywords: Any) -> None:
        super().__init__(_without_waiting_for_disk(postgres_url), *arguments, **keywords)
        for storage in (self.run_storage, self.event_log_storage, self.schedule_storage):
            storage.optimize_for_webserver(
                statement_timeout=_NO_TIMEOUT, pool_recycle=_RECYCLE_SECONDS, max_overflow=_OVERFLOW
            )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        return cls(
            pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
        )


def _without_waiting_for_disk(url: str) -> str:
    parts = make_url(url)
    options = f"{parts.query.get('options', '')} -csynchronous_commit=off".strip()
    return parts.update_query_dict({"options": options}).render_as_string(hide_password=False)
