"""Captures in processes of their own, which a test can kill.

They are forked from a server that has imported everything once: a capture starts within some milliseconds.
"""

import multiprocessing
from multiprocessing.context import ForkServerProcess

from contrib_pipeline.capture import state, walks
from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.outcome import CaptureRequest
from contrib_pipeline.capture.subjects import DISCUSSIONS, PULL_REQUESTS
from contrib_pipeline.github.client import GitHubClient
from contrib_pipeline.github.credentials import Token
from contrib_pipeline.warehouse.budget import PostgresBudget
from contrib_pipeline.warehouse.connection import connect

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", __name__])

SMALL = ((PULL_REQUESTS, "largest_page", 4), (DISCUSSIONS, "largest_page", 2), (walks, "_PAGES", 2))
"""Pages and transactions so small that a few pull requests take many: object, attribute, value."""
SHORT_OVERLAP = tuple((module, "OVERLAP", walks.OVERLAP / 300) for module in (walks, state))
"""A second: what a test changes is not read again only because it happened just now."""


def start_capture(url: str, database_url: str, request: CaptureRequest) -> ForkServerProcess:
    """A process that captures ``request`` of the GitHub at ``url``; it exits with 0 unless the capture raised."""
    process = _FORKS.Process(target=_capture, args=(url, database_url, request))
    process.start()
    return process


def _capture(url: str, database_url: str, request: CaptureRequest) -> None:
    for place, name, value in (*SMALL, *SHORT_OVERLAP):
        setattr(place, name, value)
    with (
        connect(database_url) as rows,
        connect(database_url) as points,
        GitHubClient(url, Token("t"), PostgresBudget(points, "t"), retry_seconds=0.001) as client,
    ):
        Captures(lambda _: client, rows, host="localhost").capture(request)
