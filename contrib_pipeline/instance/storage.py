"""Dagster's storage in Postgres, keeping its connections.

dagster-postgres opens one for every statement, but in the webserver: an idle system opens ten a second.
"""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

_NO_TIMEOUT = 0
_RECYCLE_SECONDS = 600
_OVERFLOW = 20  # beyond the one that is kept: the daemon's threads in a burst


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage, connecting everywhere as it does in the webserver."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        for storage in (self.run_storage, self.event_log_storage, self.schedule_storage):
            storage.optimize_for_webserver(
                statement_timeout=_NO_TIMEOUT, pool_recycle=_RECYCLE_SECONDS, max_overflow=_OVERFLOW
            )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        return cls(
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
        )
