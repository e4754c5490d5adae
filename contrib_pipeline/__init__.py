"""The contribution history of GitHub repositories: complete, fresh, provable.

Events come in (``events``), runs capture from GitHub (``capture``, ``github``) into Postgres (``warehouse``), set-based
SQL turns rows into daily numbers (``metrics``), people look at them (``presentation``, the Dagster UI, SQL).
"""
