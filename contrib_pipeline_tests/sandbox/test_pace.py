"""A living world makes every kind of change, and keeps to its pace."""

import asyncio
from collections import Counter

from contrib_pipeline.sandbox import instants
from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.pace import Life, keep_pace
from contrib_pipeline.sandbox.world import World


def test_every_kind_of_change_happens(world: World) -> None:
    life = Life(world, Dice(1))
    before = set(world.nodes)
    gone = 0
    for place in range(600):
        size = len(world.nodes)
        life.change(instants.later("2026-03-02T00:00:00Z", place))
        gone += len(world.nodes) < size
    kinds = Counter(record.typename for identity, record in world.nodes.items() if identity not in before)
    pull_requests = next(iter(world.repositories.values())).pull_requests.values()
    assert kinds.keys() >= {
        "PullRequest",
        "IssueComment",
        "PullRequestReview",
        "PullRequestReviewComment",
        "ReadyForReviewEvent",
        "Discussion",
    }
    assert {pull_request.state for pull_request in pull_requests} == {"OPEN", "CLOSED", "MERGED"}
    assert gone > 0


def test_a_change_is_the_newest_thing_in_the_world(world: World) -> None:
    life = Life(world, Dice(3))
    life.change("2026-03-05T00:00:00Z")
    repository = next(iter(world.repositories.values()))
    records = [*repository.pull_requests.values(), *repository.discussions.values()]
    assert max(record.updated_at for record in records) == "2026-03-05T00:00:00Z"


def test_an_empty_world_stays_empty() -> None:
    world = World("2026-03-01T00:00:00Z")
    Life(world, Dice(1)).change("2026-03-02T00:00:00Z")
    assert world.nodes == {}


def test_the_world_goes_on_until_it_is_stopped(world: World) -> None:
    async def watch() -> int:
        living = asyncio.create_task(keep_pace(world, 60_000))
        before = len(world.nodes)
        while len(world.nodes) < before + 5:
            await asyncio.sleep(0)
        living.cancel()
        return len(world.nodes) - before

    assert asyncio.run(asyncio.wait_for(watch(), 10)) >= 5
