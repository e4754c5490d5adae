"""What steps print, written straight into the files that the UI shows.

Dagster's own manager mirrors the output through ``tail`` processes, four for each step.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData


class FileComputeLogManager(LocalComputeLogManager):
    """Dagster's local compute logs without its helper processes; what is printed shows in the UI only.

    But for runs that a command executes in its own process: what they print is for the terminal.
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "FileComputeLogManager":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Send this process's output into the files of the step until the block ends."""
        out, error, complete = (Path(self.get_captured_local_path(log_key, end)) for end in ("out", "err", "complete"))
        complete.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as redirected:
            if not self._is_of_a_command(run_id=log_key[0]):
                redirected.enter_context(_sent_to(out, sys.stdout))
                redirected.enter_context(_sent_to(error, sys.stderr))
            yield CapturedLogContext(log_key)
        complete.touch()

    def _is_of_a_command(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        return run is not None and run.remote_job_origin is None


@contextmanager
def _sent_to(path: Path, stream: IO[str]) -> Iterator[None]:
    stream.flush()
    number = stream.fileno()
    before = os.dup(number)
    with path.open("ab") as file:
        os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(before, number)
        os.close(before)
