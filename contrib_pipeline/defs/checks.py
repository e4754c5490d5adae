"""What must hold of the copy, over all repositories: each check is one SQL statement, and names its offenders.

Unpartitioned, since Dagster does not see which repository of a run failed; the ledger ``github.captures`` does. The
statements are in ``warehouse/statements/checks.sql``.
"""

from collections.abc import Iterator

import dagster as dg

from contrib_pipeline.defs.resources import Pipeline
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("checks")

CHECKS = {
    "pull_request_totals": ("pull_requests", "GitHub counts as many pull requests as are stored."),
    "merged_means_merged_at": (
        "pull_requests",
        "The state merged stands for a time of merge, closed for one of closing.",
    ),
    "dates_in_order": ("pull_requests", "Nothing is merged, closed or updated before it was opened."),
    "review_and_comment_totals": (
        "reviews",
        "Where GitHub's numbers are known, as many reviews and comments are stored.",
    ),
    "no_orphans": ("comments", "Every row's repository, pull request, review, discussion and author is stored."),
    "discussion_totals": ("discussions", "GitHub counts as many discussions as are stored."),
    "freshness": (
        "repositories",
        "Every tracked repository was looked at within a day, and what GitHub named is stored.",
    ),
    "last_capture_succeeded": ("repositories", "The last capture of every tracked repository stored all that it read."),
    "unique_keys": ("repositories", "No two rows of a table are the same thing on GitHub."),
}
"""Name of the check and of its statement → asset and meaning."""
_SHOWN = 20


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(name, asset=["github", table], description=meaning)
        for name, (table, meaning) in CHECKS.items()
    ],
    can_subset=True,
)
def proofs(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> Iterator[dg.AssetCheckResult]:
    """Run the statements of the selected checks."""
    with pipeline.warehouse() as connection:
        for key in sorted(context.selected_asset_check_keys):
            yield _result(connection, key)


def _result(connection: Connection, key: dg.AssetCheckKey) -> dg.AssetCheckResult:
    rows = connection.execute(_SQL[key.name]).fetchall()
    named = "\n".join(f"- {row['what']}: {row['detail']}" for row in rows[:_SHOWN])
    return dg.AssetCheckResult(
        check_name=key.name,
        asset_key=key.asset_key,
        passed=not rows,
        metadata={
            "offenders": rows[0]["offenders"] if rows else 0,
            **({"named": dg.MetadataValue.md(named)} if rows else {}),
        },
    )


check = dg.define_asset_job(
    "check",
    selection=dg.AssetSelection.checks(proofs),
    description="Runs all checks of the copy.",
)

check_daily = dg.ScheduleDefinition(
    name="check_daily",
    job=check,
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs all checks of the copy, after the night's re-reading.",
)
