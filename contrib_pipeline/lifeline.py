"""Ends a process with the one that started it, even when that is killed with -9.

Standard input is the line: a pipe whose other end only the starter keeps open. Cut, it means that the starter is
gone: then the process, which leads its own process group, asks the whole group to stop, and stops it. ``python -m
contrib_pipeline.lifeline MODULE ARGUMENT…`` runs a module on the line. What is started, and when, is the business of
``supervisor`` and ``instance``.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 8.0
_STDIN = 0


def watch() -> None:
    """End this process group when the line is cut."""

    def wait_for_end() -> None:
        while os.read(_STDIN, 1):
            pass
        end_group()

    threading.Thread(target=wait_for_end, name="lifeline", daemon=True).start()


def end_group() -> None:
    """Ask this process's group to stop, and kill what is left of it after the grace period."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Entry point: watch the line, then become the module."""
    module, *arguments = sys.argv[1:]
    watch()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
