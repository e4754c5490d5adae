"""Numbers of workspaces and repositories: defined once, computed by set-based SQL, read, and explained.

Knows neither Dagster nor GitHub; everything is counted from the facts in schema ``github``.
"""
