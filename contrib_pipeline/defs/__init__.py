"""What Dagster loads: thin shells around ``events``, ``capture`` and ``metrics``; listed in ``definitions.py``."""
