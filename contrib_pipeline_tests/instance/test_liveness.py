"""A run lives as long as somebody works for it, and no longer."""

import os
import subprocess
import sys

from contrib_pipeline.instance import liveness
from contrib_pipeline.warehouse.connection import Connection, connect
from contrib_pipeline_tests.instance.conftest import until

HOLDER = """
import sys
from contrib_pipeline.instance import liveness
with liveness.shown(sys.argv[1], sys.argv[2]):
    print("shown", flush=True)
    sys.stdin.read()
"""


def test_a_run_lives_until_the_last_of_its_connections_lets_go(database_url: str, connection: Connection) -> None:
    with connect(database_url) as one:
        liveness.hold(one, "a-run")
        with connect(database_url) as another:
            liveness.hold(another, "a-run")
        assert liveness.lives(connection, "a-run")
        assert not liveness.lives(connection, "another-run")
        liveness.release(one, "a-run")
        until(lambda: not liveness.lives(connection, "a-run"), lambda: "it is said to live")


def test_its_process_is_known_by_pid_and_machine(database_url: str, connection: Connection) -> None:
    assert liveness.process(connection, "a-run") is None
    with liveness.shown(database_url, "a-run"):
        process = liveness.process(connection, "a-run")
    assert process is not None
    assert process.pid == os.getpid()
    assert process.is_here
    assert not liveness.Process(process.pid, "another-machine").is_here


def test_a_run_that_is_executed_by_a_command_has_no_process_to_terminate(
    database_url: str, connection: Connection
) -> None:
    with connect(database_url) as commands:
        liveness.hold(commands, "a-run")
        assert liveness.lives(connection, "a-run")
        assert liveness.process(connection, "a-run") is None


def test_a_killed_process_lives_no_longer(database_url: str, connection: Connection) -> None:
    command = [sys.executable, "-c", HOLDER, database_url, "a-run"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "shown\n"
        assert liveness.lives(connection, "a-run")
        holder.kill()
    until(lambda: not liveness.lives(connection, "a-run"), lambda: "it lives")
