"""What our run launchers have in common. Which of them launches is told by ``chosen_launcher``.

Every process of a run shows in Postgres that it lives (``liveness``), wherever it is; so Dagster's health check and the
cancellation of what no process runs are the same for both. Runs that a command executes in its own process are not
started here; if one is killed, what it held is given back by the inbox sensor, which ends the run too.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from contrib_pipeline.instance import liveness
from contrib_pipeline.instance.liveness import Process
from contrib_pipeline.settings import read_settings
from contrib_pipeline.warehouse.connection import connect


class ProjectRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """A launcher whose runs show in Postgres that they live."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says of this launcher."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing: the settings are those of every process."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "ProjectRunLauncher":
        return cls(inst_data)

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether a run that is launched now starts at once."""

    @abstractmethod
    def start(self, run: dg.DagsterRun, arguments: str) -> None:
        """Have the process of the run started, with the arguments of ``dagster api execute_run``."""

    @abstractmethod
    def stop(self, run: dg.DagsterRun, process: Process | None) -> None:
        """Ask the run's process to stop, or what would start it not to."""

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        assert context.job_code_origin is not None, "a run from a code location knows where its code is"
        command = ExecuteRunArgs(
            context.job_code_origin, run.run_id, _without_making_tables(self._instance), set_exit_code_on_failure=True
        ).get_command_args()
        self.start(run, command[-1])

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: CANCELED once its process has stopped, at once if there is none; False if it has ended."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        with connect(_database_url()) as connection:
            process = liveness.process(connection, run_id)
        self.stop(run, process)
        if process is None:
            self._instance.report_run_canceled(run, "No process was running it.")
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """RUNNING while the run's process lives; of a command's own run nothing is known here."""
        if run.remote_job_origin is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "executed by a command")
        with connect(_database_url()) as connection:
            is_alive = liveness.lives(connection, run.run_id)
        return CheckRunHealthResult(WorkerStatus.RUNNING if is_alive else WorkerStatus.NOT_FOUND)


def _without_making_tables(instance: dg.DagsterInstance) -> InstanceRef:
    """How a run's process gets at ``instance``: whether Dagster's tables are there costs it a tenth of a second."""
    ref = instance.get_ref()
    assert ref.storage_data is not None
    config = f"{ref.storage_data.config_yaml.rstrip()}\nshould_autocreate_tables: false\n"
    return ref._replace(storage_data=ref.storage_data._replace(config_yaml=config))


def _database_url() -> str:
    url = read_settings().database_url
    assert url is not None, "DATABASE_URL is set by whoever starts Dagster"
    return url
