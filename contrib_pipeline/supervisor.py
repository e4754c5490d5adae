"""Starts the processes of one machine, watches them, restarts what falls, stops them all.

Every child is the leader of its own process group and has one end of a pipe to us as its standard input
(``lifeline``): it ends when we do, whatever kills us. Which children there are is told by ``cli/up``; what they do is
their own business.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 10.0
_LOG_LIMIT = 5_000_000
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_STEADY_SECONDS = 60.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Child:
    """One process to keep running: ``python -m module arguments…``."""

    name: str
    module: str
    arguments: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    gives_up_with: int | None = None
    """Exit code by which it says that starting it again is of no use."""
    watches_lifeline: bool = False
    """It watches its standard input itself."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0
    pause: float = _FIRST_PAUSE
    restart_at: float | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class ChildFailed(Exception):
    """A child did not come up, or gave up; the message has the end of its log."""


class Supervisor:
    """The children of this process."""

    def __init__(self, environment: Mapping[str, str], logs: Path, say: Callable[[str], None]) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._say = say
        self._children: list[Child] = []
        self._read_end, self._write_end = os.pipe()

    def start(self, child: Child) -> None:
        """Start ``child`` and keep it running until :meth:`stop`."""
        self._children.append(child)
        self._launch(child)

    def wait_until_ready(self, seconds: float) -> None:
        """Return when every child is ready. Raises :class:`ChildFailed` for the first that ends or takes too long."""
        deadline = time.monotonic() + seconds
        for child in self._children:
            while not child.is_ready():
                if not child.is_running:
                    raise ChildFailed(f"{child.name} ended at once: {self._last_words(child)}")
                if time.monotonic() > deadline:
                    raise ChildFailed(f"{child.name} is not ready after {seconds:.0f} s: see {self._log(child)}")
                time.sleep(0.1)

    def watch(self, also: Callable[[], None]) -> None:
        """Restart children that end, and call ``also`` every second, until interrupted.

        Raises :class:`ChildFailed` for a child that gives up.
        """
        while True:
            also()
            for child in self._children:
                self._look_after(child)
            time.sleep(1)

    def stop(self) -> None:
        """Stop all children with everything they started, last started first."""
        for child in reversed(self._children):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            if child.process is not None:
                _wait(child.process, deadline)
                _signal_group(child, signal.SIGKILL)
                child.process.wait()
        os.close(self._read_end)
        os.close(self._write_end)

    def _launch(self, child: Child) -> None:
        lifeline = [] if child.watches_lifeline else ["contrib_pipeline.lifeline"]
        with self._log(child).open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-m", *lifeline, child.module, *child.arguments],
                stdin=self._read_end,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        child.started_at, child.restart_at = time.monotonic(), None

    def _look_after(self, child: Child) -> None:
        if child.is_running:
            return
        assert child.process is not None
        if child.gives_up_with is not None and child.process.returncode == child.gives_up_with:
            raise ChildFailed(self._last_words(child))
        now = time.monotonic()
        if child.restart_at is None:
            child.pause = _FIRST_PAUSE if now - child.started_at > _STEADY_SECONDS else child.pause * 2
            child.pause = min(child.pause, _LONGEST_PAUSE)
            child.restart_at = now + child.pause
            self._say(f"{child.name} {self._how_it_ended(child)}; it is started again in {child.pause:.0f} s.")
            _signal_group(child, signal.SIGKILL)
        elif now >= child.restart_at:
            self._launch(child)

    def _log(self, child: Child) -> Path:
        path = self._logs / f"{child.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _how_it_ended(self, child: Child) -> str:
        """In a few words: what a process said last is no reason where it was killed."""
        assert child.process is not None
        code = child.process.returncode
        if code < 0:
            return f"was killed by {signal.Signals(-code).name} (log: {self._log(child)})"
        return f"ended with {code}: {self._last_words(child)}"

    def _last_words(self, child: Child) -> str:
        lines = self._log(child).read_text("utf-8", "replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "It said nothing.")
        return f"{_COLOUR.sub('', last)[:300]} (log: {self._log(child)})"


def _signal_group(child: Child, number: signal.Signals) -> None:
    """Send ``number`` to the child and everything it started; a group that is gone is fine."""
    if child.process is None:
        return
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return
