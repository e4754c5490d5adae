"""A world that goes on living: pull requests, reviews and the rest at a given pace, until the server stops."""

import asyncio
import time
from collections.abc import Callable

from contrib_pipeline.sandbox import instants, texts
from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.people import Team, team
from contrib_pipeline.sandbox.records import PullRequest, Repository
from contrib_pipeline.sandbox.world import World

_TEAM = 12
_FRESH = 40
"""The newest pull requests, where things still happen."""


async def keep_pace(world: World, changes_per_minute: float, seed: int = 1) -> None:
    """About that many changes a minute, for ever; the world's clock goes on from its ``now``."""
    life = Life(world, Dice(seed))
    ahead = instants.seconds(world.now) - time.time()
    while True:
        await asyncio.sleep(life.random.expovariate(changes_per_minute / 60))
        life.change(instants.text(time.time() + ahead))


class Life:
    """Makes one plausible change after the other."""

    def __init__(self, world: World, random: Dice) -> None:
        self.random = random
        self._world = world
        self._teams: dict[int, Team] = {}

    def change(self, at: str) -> None:
        """One change somewhere; seldom a deletion, which moves no ``updated_at``."""
        if not self._world.repositories:
            return
        repository = self.random.choice(list(self._world.repositories.values()))
        if repository.database_id not in self._teams:
            self._teams[repository.database_id] = team(self._world, Dice(repository.database_id), _TEAM)
        people = self._teams[repository.database_id]
        subjects = [pr for pr in list(repository.pull_requests.values())[-_FRESH:] if pr.state == "OPEN"]
        if not subjects or self.random.chance(_OPENINGS):
            self._open(repository, people, at)
        else:
            changes, weights = zip(*_CHANGES, strict=True)
            change: Change = self.random.choices(changes, weights)[0]
            change(self, self.random.choice(subjects), people, at)

    def _open(self, repository: Repository, people: Team, at: str) -> None:
        random = self.random
        if repository.has_discussions_enabled and random.chance(0.2):
            self._world.add_discussion(
                repository, people.author(), texts.question(random), texts.comment(random), at=at
            )
            return
        self._world.add_pull_request(
            repository, people.author(), texts.title(random), texts.body(random), at=at, is_draft=random.chance(0.2),
            head_ref_name=f"change-{random.randrange(999)}", additions=random.randrange(1, 300),
            deletions=random.randrange(100),
        )  # fmt: skip

    def _comment(self, pull_request: PullRequest, people: Team, at: str) -> None:
        self._world.add_comment(pull_request, people.author(), texts.comment(self.random), at=at)

    def _review(self, pull_request: PullRequest, people: Team, at: str) -> None:
        state = self.random.choice(("APPROVED", "COMMENTED", "CHANGES_REQUESTED"))
        reviewer = people.reviewer(pull_request.author)
        review = self._world.add_review(pull_request, reviewer, state, texts.verdict(self.random, state), at=at)
        for _ in range(0 if state == "APPROVED" else self.random.randrange(1, 4)):
            self._world.add_review_comment(review, texts.inline(self.random), texts.file(self.random), at=at)

    def _end(self, pull_request: PullRequest, people: Team, at: str) -> None:
        if pull_request.is_draft:
            self._world.mark_ready(pull_request, at=at)
        elif self.random.chance(0.85):
            self._world.merge(pull_request, people.member(), at=at)
        else:
            self._world.close(pull_request, at=at)

    def _delete(self, pull_request: PullRequest, people: Team, at: str) -> None:
        if pull_request.comments:
            self._world.delete(self.random.choice(pull_request.comments))
        else:
            self._comment(pull_request, people, at)


Change = Callable[[Life, PullRequest, Team, str], None]

_OPENINGS = 0.2
_CHANGES: list[tuple[Change, float]] = [
    (Life._comment, 0.4),
    (Life._review, 0.35),
    (Life._end, 0.22),
    (Life._delete, 0.03),
]
