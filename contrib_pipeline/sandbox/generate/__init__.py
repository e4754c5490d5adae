"""A made-up GitHub: the same for the same seed and the same ``now``, any number of repositories.

The first repository is ``continuedev/continue``. What happens in one repository does not depend on how many there are.
"""

from bisect import bisect

from contrib_pipeline.sandbox import instants, people
from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.generate import discussions, pull_requests
from contrib_pipeline.sandbox.generate.calendar import DAY, births
from contrib_pipeline.sandbox.generate.catalogue import Outline, outline
from contrib_pipeline.sandbox.world import World

GIANT_AGE = 20 * DAY


def generate(repositories: int = 6, seed: int = 1, now: str | None = None) -> World:
    """A world of that many repositories whose history reaches up to ``now``."""
    world = World(now)
    for place in range(repositories):
        _populate(world, outline(place, seed), Dice(f"{seed} {place}"))
    return world


def _populate(world: World, plan: Outline, random: Dice) -> None:
    now = instants.seconds(world.now)
    created = now - plan.days * DAY
    repository = world.add_repository(
        plan.name,
        description=plan.description,
        primary_language=world.language(plan.language),
        stargazer_count=plan.stars,
        fork_count=plan.stars // 8,
        has_discussions_enabled=plan.discussions > 0,
        created_at=instants.text(created),
        updated_at=instants.text(now - random.randrange(DAY)),
        pushed_at=instants.text(created),
    )
    team = people.team(world, random, plan.people)
    if plan.was_imported:
        team.mannequin = world.account("legacy-importer", "Mannequin")
    kinds = ["pull request"] * plan.pull_requests + ["discussion"] * plan.discussions
    random.shuffle(kinds)
    dates = births(random, len(kinds), created, now)
    giant = bisect(dates, now - GIANT_AGE) if plan.has_giant else None
    for place, (kind, at) in enumerate(zip(kinds, dates, strict=True)):
        if place == giant:
            pull_requests.giant(world, repository, team, random, at)
        elif kind == "discussion":
            discussions.live(world, repository, team, random, at)
        else:
            pull_requests.live(world, repository, team, random, at)
