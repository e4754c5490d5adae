"""The run launcher: forks a run from the warm process, or starts it cold where there is none, on this machine.

Runs that a command executes in its own process are not started here; if one is killed, what it held is given back
by the inbox sensor, which ends the run too.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from contrib_pipeline.instance import fork_server, liveness
from contrib_pipeline.settings import read_settings
from contrib_pipeline.warehouse.connection import connect


class RunsElsewhere(Exception):
    """A run can be terminated only on the machine of its process."""


class WarmRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches runs by forking; see :mod:`contrib_pipeline.instance.fork_server`."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None

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
    ) -> "WarmRunLauncher":
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run."""
        run = context.dagster_run
        assert context.job_code_origin is not None, "a run from a code location knows where its code is"
        command = ExecuteRunArgs(
            context.job_code_origin, run.run_id, _without_making_tables(self._instance), set_exit_code_on_failure=True
        ).get_command_args()
        arguments = command[-1]
        if fork_server.fork(read_settings().dagster_home, run.run_id, arguments) is None:
            self._start_cold("contrib_pipeline.instance.run_process", run.run_id, arguments)
            self._instance.report_engine_event("There is no warm process: cold start.", run, cls=type(self))
            if self._server is None or self._server.poll() is not None:
                self._server = self._start_cold("contrib_pipeline.instance.fork_server")

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: CANCELED once its process has stopped, at once if there is none; False if it has ended."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        with connect(_database_url()) as connection:
            process = liveness.process(connection, run_id)
        if process and not process.is_here:
            raise RunsElsewhere(f"Run {run_id} is process {process.pid} on {process.host}: terminate it there.")
        self._instance.report_run_canceling(run)
        if process is None:
            self._instance.report_run_canceled(run, "No process was running it.")
        else:
            os.kill(process.pid, signal.SIGTERM)
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

    def dispose(self) -> None:
        """End what this process started itself, and wait for it."""
        if "_lifeline" in self.__dict__:
            for end in self._lifeline:
                os.close(end)
            for process in self._processes:
                process.wait()

    @cached_property
    def _lifeline(self) -> tuple[int, int]:
        """A pipe whose write end nobody else has: it is cut when this process ends."""
        return os.pipe()

    def _start_cold(self, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        self._processes = [process for process in self._processes if process.poll() is None]
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdin=self._lifeline[0], start_new_session=True
        )
        self._processes.append(process)
        return process


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
