"""The life of a made-up discussion."""

from contrib_pipeline.sandbox import instants, texts
from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.generate.calendar import after
from contrib_pipeline.sandbox.people import Team
from contrib_pipeline.sandbox.records import Discussion, Repository
from contrib_pipeline.sandbox.world import World


def live(world: World, repository: Repository, team: Team, random: Dice, born: int) -> Discussion:
    """A new discussion with comments, replies and, in an answerable category, often a chosen answer, up to now."""
    discussion = world.add_discussion(
        repository,
        team.author(),
        texts.question(random),
        texts.comment(random),
        category=random.choices(("Q&A", "Ideas", "General"), (6, 2, 2))[0],
        at=instants.text(born),
        upvote_count=1 + int(random.lognormvariate(0, 1)),
    )
    now, at = instants.seconds(world.now), born
    for _ in range(random.choice((0, 1, 1, 2, 3, 4, 8))):
        at = after(random, at, 20)
        if at > now:
            return discussion
        _comment(world, discussion, team, random, at)
    if discussion.comments and discussion.category.is_answerable and random.chance(0.6):
        chosen = after(random, at, 12)
        if chosen <= now:
            world.choose_answer(random.choice(discussion.comments), discussion.author, at=instants.text(chosen))
    return discussion


def _comment(world: World, discussion: Discussion, team: Team, random: Dice, at: int) -> None:
    comment = world.add_discussion_comment(discussion, team.member(), texts.reply(random), at=instants.text(at))
    now = instants.seconds(world.now)
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        at = after(random, at, 5)
        if at <= now:
            author = discussion.author if random.chance(0.5) else team.member()
            world.add_discussion_comment(
                discussion, author, texts.reply(random), reply_to=comment, at=instants.text(at)
            )
