"""Postgres: the connection, the embedded server, migrations, statements and writing rows.

Knows neither Dagster nor GitHub nor the settings; everything it needs is given to it.
"""
