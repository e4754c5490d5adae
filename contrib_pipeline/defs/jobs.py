"""What runs together.

Checks have jobs of their own, where they are defined: they look at all repositories or days, not at a run's, and a job
that selected them with its assets would set their last result to *skipped* with every run.
"""

import dagster as dg

from contrib_pipeline.defs.assets import github, metrics, workspaces

capture = dg.define_asset_job(
    "capture",
    selection=dg.AssetSelection.assets(github.capture_repositories).without_checks(),
    description="Captures repositories from GitHub: those of its events, its configuration or its partitions.",
)

change_workspaces = dg.define_asset_job(
    "change_workspaces",
    selection=dg.AssetSelection.assets(workspaces.change_members).without_checks(),
    description="Adds repositories to workspaces and removes them, as events asked for.",
)

aggregate = dg.define_asset_job(
    "aggregate",
    selection=dg.AssetSelection.assets(metrics.compute_daily_metrics).without_checks(),
    description="Computes the daily metrics of workspaces and their repositories.",
)
