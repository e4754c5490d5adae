"""The partitions that assets, jobs, sensors and schedules share.

Which repositories exist is decided by captures, which add a key once GitHub has answered for it.
"""

import dagster as dg

from contrib_pipeline.metrics.definitions import FIRST_DAY

repositories = dg.DynamicPartitionsDefinition(name="repositories")
"""One key per repository: ``owner/name`` in GitHub's spelling."""

days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=1)
"""One key per UTC day since GitHub began, today included."""
