"""What Dagster loads: thin shells around ``events``, ``capture`` and ``metrics``; listed in ``definitions.py``."""

import warnings

import dagster as dg

# backfill_policy and owners are beta in Dagster 1.13. The minor version is pinned and the tests use both; nobody who
# runs a command can do anything about it.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
