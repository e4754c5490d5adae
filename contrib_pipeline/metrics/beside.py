"""Computations side by side: Postgres gives every connection a processor of its own.

Only for what does not build on each other: days of the daily tables, or what looks back over days that are written.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import TypeVar

from contrib_pipeline.warehouse.connection import Connection

_AT_ONCE = 2

Result = TypeVar("Result")


def side_by_side(
    connection: Connection,
    another: Callable[[], AbstractContextManager[Connection]],
    works: Sequence[Callable[[Connection], Result]],
) -> Iterator[Result]:
    """The results of ``works``, in their order, two at a time; the first failure ends what has not begun.

    ``connection`` is the caller's: it does a single work. Of several, each is done on one that ``another`` opens, so
    that the caller may go on using its own.
    """
    if len(works) <= 1:
        yield from (work(connection) for work in works)
        return
    free: SimpleQueue[Connection] = SimpleQueue()

    def done(work: Callable[[Connection], Result]) -> Result:
        taken = free.get()
        try:
            return work(taken)
        finally:
            free.put(taken)

    with ExitStack() as opened, ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in range(_AT_ONCE):
            free.put(opened.enter_context(another()))
        yield from threads.map(done, works)
