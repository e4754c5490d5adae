"""Processor time of a Postgres server on this machine: a figure that holds where others keep the machine busy, too."""

import os
from pathlib import Path

from contrib_pipeline.warehouse.connection import Connection

_TICKS = os.sysconf("SC_CLK_TCK")


def server_seconds(connection: Connection) -> float:
    """Seconds that all processes of the server, those that have ended included, kept a processor so far (Linux)."""
    server, _, _ = _stat(connection.info.backend_pid)
    while True:
        _, own, of_ended = _stat(server)
        used = own + of_ended + sum(_ticks_of_children(server))
        if _stat(server)[2] == of_ended:  # else one ended meanwhile, and was counted twice or not at all
            return used / _TICKS


def _ticks_of_children(server: int) -> list[int]:
    ticks = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent, own, _ = _stat(int(folder.name))
        except OSError:
            continue  # ended since
        if parent == server:
            ticks.append(own)
    return ticks


def _stat(process: int) -> tuple[int, int, int]:
    """Its parent, and ticks: its own, and its children's that have ended."""
    _, values = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)
    fields = values.split()
    return int(fields[1]), sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
