"""Whether the metrics are whole and sane: asset checks that name their offenders, run every night at 01:00 UTC.

The rules and their SQL are in ``metrics/checks.py``; the checks of the copy of GitHub are ``defs/checks.py``.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.metrics.checks import CHECKS, Check, offenders
from contrib_pipeline.warehouse.connection import Connection

_SHOWN = 20


def _key(check: Check) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(dg.AssetKey(["metrics", check.table]), check.name)


@dg.multi_asset_check(
    name="metric_checks",
    specs=[dg.AssetCheckSpec(check.name, asset=_key(check).asset_key, description=check.sentence) for check in CHECKS],
    can_subset=True,
)
def metric_checks(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> Iterator[dg.AssetCheckResult]:
    """Run the selected rules over the retained days."""
    today, retention = datetime.now(UTC).date(), pipeline.settings.metrics_retention_days
    with pipeline.warehouse() as connection:
        for check in CHECKS:
            if _key(check) in context.selected_asset_check_keys:
                yield _result(connection, check, today, retention)


def _result(connection: Connection, check: Check, today: date, retention: int) -> dg.AssetCheckResult:
    rows = offenders(connection, check, today, retention)
    named = "\n".join(f"- {row['what']}: {row['detail']}" for row in rows[:_SHOWN])
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=_key(check).asset_key,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN if check.is_warning else dg.AssetCheckSeverity.ERROR,
        metadata={
            "offenders": rows[0]["offenders"] if rows else 0,
            **({"named": dg.MetadataValue.md(named)} if rows else {}),
        },
    )


check_metrics = dg.define_asset_job(
    "check_metrics",
    selection=dg.AssetSelection.checks(metric_checks),
    description="Runs all checks of the metrics.",
)

check_metrics_daily = dg.ScheduleDefinition(
    name="check_metrics_daily",
    job=check_metrics,
    cron_schedule="0 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs all checks of the metrics, an hour after the day that ended began to be computed.",
)
