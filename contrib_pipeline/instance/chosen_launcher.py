"""The run launcher that dagster.yaml names: a file without conditions, so the choice between our two is made here."""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData

from contrib_pipeline.instance.celery_launcher import CeleryRunLauncher
from contrib_pipeline.instance.launcher import ProjectRunLauncher
from contrib_pipeline.instance.warm_launcher import WarmRunLauncher
from contrib_pipeline.settings import read_settings


class ChosenRunLauncher(ProjectRunLauncher):
    """Never made itself."""

    @classmethod
    def from_config_value(  # type: ignore[override]  # this class stands for the two
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> ProjectRunLauncher:
        """The launcher on Celery workers where CELERY_BROKER_URL is set, else the one on this machine."""
        return CeleryRunLauncher(inst_data) if read_settings().celery_broker_url else WarmRunLauncher(inst_data)
