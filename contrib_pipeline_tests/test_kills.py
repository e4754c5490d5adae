"""Two rounds of the script that kills parts of a running ``up`` under load; by hand it does twenty."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_kills.py"


def test_nothing_acknowledged_is_lost_when_parts_are_killed() -> None:
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("GITHUB_", "DAGSTER_", "CONTRIB_"))}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, SCRIPT, "--rounds", "2", "--seed", str(os.getpid())],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("killed: ") == 2
    assert "events acknowledged" in done.stdout
