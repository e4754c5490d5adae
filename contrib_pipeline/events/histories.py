"""Events that ask for the full history of repositories whose numbers somebody counts on.

How a history is walked is ``capture``'s business; a repository that nobody discovered, tracked or put into a workspace
keeps what it was asked for.
"""

from collections.abc import Sequence

from contrib_pipeline.events import inbox
from contrib_pipeline.events.commands import HISTORY
from contrib_pipeline.events.inbox import Event, Source
from contrib_pipeline.warehouse.connection import Connection
from contrib_pipeline.warehouse.statements import load

_SQL = load("inbox")


def ask_for_histories(connection: Connection, repository_ids: Sequence[int], source: Source) -> list[str]:
    """Ask, at lowest priority, for the histories that were not walked to their end yet; the repositories' names.

    Not for what GitHub no longer shows, nor where an event waits for it already.
    """
    rows = connection.execute(_SQL["histories_to_walk"], {"ids": list(repository_ids), "history": HISTORY})
    names: list[str] = [row["name_with_owner"] for row in rows]
    inbox.post(connection, [Event(HISTORY, {"repository": n, "reason": "discovered"}) for n in names], source)
    return names
