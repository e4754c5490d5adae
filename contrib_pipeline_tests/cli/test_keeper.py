"""What keeps the embedded server running for stock Dagster, and what does not."""

from contrib_pipeline.cli import keeper
from contrib_pipeline.warehouse.connection import connect


def test_another_keeper_does_not_count_as_somebody_who_uses_the_server(database_url: str) -> None:
    with connect(database_url, application_name="keeper") as one, connect(database_url, application_name="keeper"):
        assert not keeper._others(one)
        with connect(database_url, application_name="dagster"):
            assert keeper._others(one)
