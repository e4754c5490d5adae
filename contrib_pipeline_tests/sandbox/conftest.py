"""A small world to ask about, and a running sandbox to ask."""

from collections.abc import Iterator

import pytest

from contrib_pipeline.sandbox.world import World
from contrib_pipeline_tests.sandbox.client import NOW, GitHub, serving


@pytest.fixture
def world() -> World:
    """A world with one repository, ``octo/hello``, of five pull requests, one second apart."""
    world = World(NOW)
    repository = world.add_repository("octo/hello")
    ada = world.account("ada")
    for place in range(5):
        world.add_pull_request(repository, ada, f"Change {place}")
    return world


@pytest.fixture
def github(world: World) -> Iterator[GitHub]:
    with serving(world) as github:
        yield github
