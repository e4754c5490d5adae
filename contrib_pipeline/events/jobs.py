"""Which of Dagster's jobs does what a function of the catalogue asks for. The jobs themselves are in ``defs``."""

JOBS: dict[str, str | None] = {
    "capture/pr.details": "capture",
    "capture/repository.sync": "capture",
    "capture/repository.sync-enhanced": "capture",
    "classify/repository.size": "capture",
    "classify/single-repository": "capture",
    "discover/new-repository": "capture",
    "sync/discussions": "capture",
    "aggregate/workspace-metrics": "aggregate",
    "scheduled/workspace-aggregation": "aggregate",
    "workspace/repository-change": "change_workspaces",
    "cleanup/workspace-metrics": "cleanup",
    "sync/workspace-priorities": "prioritise",
    "cancel/function": None,
}
"""The job of every function; None: the sensor itself does it."""
CAPTURES = [function for function, job in JOBS.items() if job == "capture"]
"""The functions that ask GitHub."""
