"""What a person finds who starts ``up`` without a credential: the sandbox's repositories, tracked, in a workspace.

Set up through the same events that an application would send; a second start finds it there and changes nothing. The
sandbox's first repository is left out: the README's first event finds something to do with it, whenever it is sent.
"""

from contrib_pipeline.events import inbox
from contrib_pipeline.events.inbox import Event
from contrib_pipeline.warehouse import workspaces
from contrib_pipeline.warehouse.connection import Connection

WORKSPACE = "sandbox"
REPOSITORIES, SEED, PACE = 6, 1, 6
SANDBOX_OPTIONS = ("--repositories", str(REPOSITORIES), "--seed", str(SEED), "--pace", str(PACE))


def set_up(connection: Connection) -> None:
    """Make the workspace with all but the first of the sandbox's repositories, unless it is there."""
    from contrib_pipeline.sandbox.generate.catalogue import outline

    try:
        workspaces.find(connection, WORKSPACE)
    except workspaces.WorkspaceNotFound:
        made = workspaces.create(connection, WORKSPACE.capitalize())
    else:
        return
    events = [
        Event("workspace/repository-change", {"workspace_id": str(made.id), "action": "added", "repository": name})
        for name in (outline(place, SEED).name for place in range(1, REPOSITORIES))
    ]
    inbox.post(connection, events, "cli")
