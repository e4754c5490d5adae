"""The assets, one file per schema: events, GitHub, workspaces, metrics."""
