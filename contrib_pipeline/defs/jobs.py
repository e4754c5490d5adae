"""What runs together. All jobs run in one process: a run's work waits for GitHub and Postgres, not for a core."""

import dagster as dg

from contrib_pipeline.defs.assets import github, metrics, workspaces

capture = dg.define_asset_job(
    "capture",
    selection=[github.capture_repositories],
    executor_def=dg.in_process_executor,
    description="Captures repositories from GitHub: those of its events, its configuration or its partitions.",
)

change_workspaces = dg.define_asset_job(
    "change_workspaces",
    selection=[workspaces.change_members],
    executor_def=dg.in_process_executor,
    description="Adds repositories to workspaces and removes them, as events asked for.",
)

aggregate = dg.define_asset_job(
    "aggregate",
    selection=[metrics.compute_daily_metrics],
    executor_def=dg.in_process_executor,
    description="Computes the daily metrics of workspaces and their repositories.",
)
