"""The life of a made-up pull request: everything that will happen to it, of which the part before ``now`` happens."""

from collections.abc import Callable

from contrib_pipeline.sandbox import instants, texts
from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.generate.calendar import DAY, after
from contrib_pipeline.sandbox.people import Team
from contrib_pipeline.sandbox.records import Account, PullRequest, PullRequestReview, Repository
from contrib_pipeline.sandbox.world import World

DEPENDENCY_BOT = "dependabot"
REVIEW_BOT = "review-helper"
GIANT_ITEMS = 143
GIANT_INLINE_COMMENTS = 118

_ENDINGS = ("merged", "dismissed and merged", "reopened and merged", "closed", "open")
_ENDING_WEIGHTS = (76, 2, 2, 13, 7)

Change = Callable[[str], object]


class _Life:
    """A pull request and what will happen to it: changes by instant in seconds."""

    def __init__(self, world: World, pull_request: PullRequest, team: Team, random: Dice) -> None:
        self.world = world
        self.pull_request = pull_request
        self.team = team
        self.random = random
        self._changes: list[tuple[int, Change]] = []

    def happen(self) -> None:
        """What lies before the world's present happens, in order."""
        now = instants.seconds(self.world.now)
        for at, change in sorted(self._changes, key=lambda planned: planned[0]):
            if at <= now:
                change(instants.text(at))

    def plan(self, at: int, change: Change) -> None:
        """``change`` will happen at that second."""
        self._changes.append((at, change))

    def comment(self, at: int, author: Account | None) -> None:
        body = texts.comment(self.random)
        self.plan(at, lambda when: self.world.add_comment(self.pull_request, author, body, at=when))

    def review(self, at: int, author: Account | None, state: str, inline: int) -> None:
        self.plan(at, lambda when: self._review(when, author, state, inline))

    def _review(self, at: str, author: Account | None, state: str, inline: int) -> PullRequestReview:
        body = texts.verdict(self.random, state)
        review = self.world.add_review(self.pull_request, author, state, body, at=at)
        path = texts.file(self.random)
        for place in range(inline):
            path = texts.file(self.random) if place % 3 == 0 else path
            text, position = texts.inline(self.random), self.random.randrange(1, 60)
            self.world.add_review_comment(review, text, path, at=at, original_position=position)
        return review


def live(world: World, repository: Repository, team: Team, random: Dice, born: int) -> PullRequest:
    """A new pull request, born at that second, and its life up to now."""
    if random.chance(0.12):
        return _upgrade(world, repository, team, random, born)
    author = team.author()
    is_draft = random.chance(0.16)
    pull_request = world.add_pull_request(
        repository,
        author,
        texts.title(random),
        texts.body(random),
        at=instants.text(born),
        labels=random.sample(texts.LABELS, random.choice((0, 0, 1, 1, 2))),
        is_draft=is_draft,
        head_ref_name=f"{author.login if author else 'ghost'}/{random.randrange(1, 999)}",
        additions=int(random.lognormvariate(3.2, 1.4)),
        deletions=int(random.lognormvariate(2.2, 1.5)),
        changed_files=1 + int(random.lognormvariate(0.6, 0.9)),
        commit_count=1 + int(random.lognormvariate(0.3, 0.8)),
        author_association="NONE" if author is None else "MEMBER" if author in team.members[:8] else "CONTRIBUTOR",
    )
    life = _Life(world, pull_request, team, random)
    ready = after(random, born, 14) if is_draft else born
    _conversation(life, ready)
    # Some drafts are left as they are.
    if not is_draft or random.chance(0.85):
        _ending(life, _reviews(life, ready))
        if is_draft:
            life.plan(ready, lambda when: world.mark_ready(pull_request, at=when))
    life.happen()
    return pull_request


def giant(world: World, repository: Repository, team: Team, random: Dice, born: int) -> PullRequest:
    """Fifteen days with more than a page of timeline items, and a review with more than a page of comments."""
    pull_request = world.add_pull_request(
        repository, team.members[0], "feat: new storage for the message history", texts.body(random),
        at=instants.text(born), labels=["enhancement", "area:core"], additions=6_412, deletions=2_118, changed_files=97,
        commit_count=64,
    )  # fmt: skip
    life = _Life(world, pull_request, team, random)
    step = 15 * DAY // GIANT_ITEMS
    for place in range(GIANT_ITEMS - 1):
        at = born + (place + 1) * step
        if place % 3:
            life.comment(at, team.member())
        else:
            life.review(at, team.reviewer(pull_request.author), "COMMENTED", inline=place % 4)
    life.review(born + 15 * DAY, team.members[1], "APPROVED", GIANT_INLINE_COMMENTS)
    life.happen()
    return pull_request


def _upgrade(world: World, repository: Repository, team: Team, random: Dice, born: int) -> PullRequest:
    title, branch = texts.upgrade(random)
    bot = world.account(DEPENDENCY_BOT, "Bot")
    pull_request = world.add_pull_request(
        repository, bot, title, "Bumps a dependency to its next version.", at=instants.text(born),
        labels=["dependencies"], head_ref_name=branch, additions=random.randrange(2, 40), deletions=2,
    )  # fmt: skip
    life = _Life(world, pull_request, team, random)
    ended = after(random, born, 30)
    if random.chance(0.6):
        life.review(ended - 30, team.reviewer(bot), "APPROVED", 0)
        life.plan(ended, lambda when: world.merge(pull_request, team.members[0], at=when))
    elif random.chance(0.7):
        life.comment(ended - 5, bot)
        life.plan(ended, lambda when: world.close(pull_request, at=when))
    life.happen()
    return pull_request


def _conversation(life: _Life, ready: int) -> None:
    random, author = life.random, life.pull_request.author
    at = ready
    for _ in range(min(12, int(random.lognormvariate(0.2, 0.9)))):
        at = after(random, at, 9)
        life.comment(at, author if random.chance(0.4) else life.team.author())


def _reviews(life: _Life, ready: int) -> int:
    """Rounds of review; returns when the last one was."""
    random, team = life.random, life.team
    if random.chance(0.5):
        life.review(
            ready + random.randrange(90, 600), life.world.account(REVIEW_BOT, "Bot"), "COMMENTED", random.randrange(4)
        )
    at = ready
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        at = after(random, at, 7)
        state = random.choices(("APPROVED", "COMMENTED", "CHANGES_REQUESTED"), (5, 5, 2))[0]
        reviewer = None if random.chance(0.01) else team.reviewer(life.pull_request.author)
        life.review(at, reviewer, state, 0 if state == "APPROVED" else random.choice((0, 1, 1, 2, 3, 5)))
        if random.chance(0.3):
            # An author's answer to inline comments is a review of its own on GitHub.
            life.review(after(random, at, 2), life.pull_request.author, "COMMENTED", 1)
    if random.chance(0.03):
        life.review(at, team.member(), "PENDING", 2)
    return at


def _ending(life: _Life, reviewed: int) -> None:
    random, world, pull_request = life.random, life.world, life.pull_request
    ended = after(random, reviewed, 6)
    merger = life.team.reviewer(pull_request.author)
    match random.choices(_ENDINGS, _ENDING_WEIGHTS)[0]:
        case "merged":
            life.plan(ended, lambda when: world.merge(pull_request, merger, at=when))
        case "dismissed and merged":
            life.plan(ended - 60, lambda when: _dismiss_one(world, pull_request, when))
            life.plan(ended, lambda when: world.merge(pull_request, merger, at=when))
        case "reopened and merged":
            life.plan(ended, lambda when: world.close(pull_request, at=when))
            life.plan(ended + DAY, lambda when: world.reopen(pull_request, at=when))
            life.plan(ended + 2 * DAY, lambda when: world.merge(pull_request, merger, at=when))
        case "closed":
            life.plan(ended + 5 * DAY, lambda when: world.close(pull_request, at=when))


def _dismiss_one(world: World, pull_request: PullRequest, at: str) -> None:
    for review in pull_request.reviews:
        if review.state in ("APPROVED", "CHANGES_REQUESTED"):
            world.submit_review(review, "DISMISSED", at=at)
            return
