"""Runs on this machine: forked from the warm process, or started cold where there is none."""

import os
import signal
import subprocess
import sys
from functools import cached_property

import dagster as dg
from dagster._serdes import ConfigurableClassData

from contrib_pipeline.instance import fork_server
from contrib_pipeline.instance.launcher import ProjectRunLauncher
from contrib_pipeline.instance.liveness import Process
from contrib_pipeline.settings import read_settings


class RunsElsewhere(Exception):
    """A run can be terminated only on the machine of its process."""


class WarmRunLauncher(ProjectRunLauncher):
    """Launches runs by forking; see :mod:`contrib_pipeline.instance.fork_server`."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def is_ready(self) -> bool:
        return fork_server.serves(read_settings().dagster_home)

    def start(self, run: dg.DagsterRun, arguments: str) -> None:
        if fork_server.fork(read_settings().dagster_home, run.run_id, arguments) is None:
            self._start_cold("contrib_pipeline.instance.run_process", run.run_id, arguments)
            self._instance.report_engine_event("There is no warm process: cold start.", run, cls=type(self))
            if self._server is None or self._server.poll() is not None:
                self._server = self._start_cold("contrib_pipeline.instance.fork_server")

    def stop(self, run: dg.DagsterRun, process: Process | None) -> None:
        """Raises :class:`RunsElsewhere` where the process is on another machine."""
        if process and not process.is_here:
            raise RunsElsewhere(f"Run {run.run_id} is process {process.pid} on {process.host}: terminate it there.")
        self._instance.report_run_canceling(run)
        if process:
            os.kill(process.pid, signal.SIGTERM)

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
