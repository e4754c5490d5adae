"""Runs a module as a child that ends with its parent, even when the parent is killed with -9.

The parent keeps the write end of a pipe open; the child, started with ``python -m contrib_pipeline.lifeline FD
MODULE ARGUMENT…`` as the leader of its own process group, waits for its end. A closed pipe means that the parent is
gone: then the whole group is asked to stop, and stopped. What is started, and when, is ``supervisor``'s business.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 8.0


def watch(fd: int) -> None:
    """End this process group when the pipe behind ``fd`` is closed."""

    def wait_for_end() -> None:
        while os.read(fd, 1):
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
    """Entry point: watch the pipe, then become the module."""
    fd, module, *arguments = sys.argv[1:]
    watch(int(fd))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
