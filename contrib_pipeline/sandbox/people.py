"""Who works in the generated repositories: people with skewed activity, bots, a mannequin; None stands for a ghost."""

from dataclasses import dataclass, field
from itertools import accumulate

from contrib_pipeline.sandbox.dice import Dice
from contrib_pipeline.sandbox.records import Account
from contrib_pipeline.sandbox.world import World


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words("""
    ada akira alma amir anouk aria arthur bela bruno carmen chidi clara dana dario dina edith elena emil esra
    farah felix fiona gabor greta hana hugo ida ines ivan jana joao jonas kaito karim katya lars leila lena liam
    lucia magnus maja marco mei milan mira nadia nils noor olga omar otto paula pavel petra priya rafael rosa
    ruben sana selma sofia stefan tara theo tomas uma vera viktor wanda xenia yara yusuf zoe
""")
_LAST = _words("""
    abbas almeida arnold baker bauer berg blum castro chen costa dahl diaz endo farkas fischer fonseca garcia
    haddad hansen hoffman ito jansen kaur keller kimura klein kovacs lam larsen lopez meyer mori moreau nakata
    novak okafor olsen park patel perez quinn ramos reyes rossi sato schmidt silva sokolov tanaka torres vargas
    vogel wang weber winter yilmaz zhang ziegler
""")
_GHOSTS = 0.015
_NEWCOMERS = 0.07
_POOL = 400


@dataclass
class Team:
    """The people of one repository; those who came first do most. Newcomers join from the pool as work goes on."""

    world: World
    random: Dice
    pool: list[Account]
    members: list[Account]
    mannequin: Account | None = None
    _weights: list[float] = field(default_factory=list)

    def author(self) -> Account | None:
        """Somebody who opens something: a member, sometimes a newcomer, seldom a ghost or the mannequin."""
        if self.random.chance(_GHOSTS):
            return None
        if self.mannequin and self.random.chance(_GHOSTS):
            return self.mannequin
        if self.pool and self.random.chance(_NEWCOMERS):
            self.members.append(self.pool.pop())
            return self.members[-1]
        return self.member()

    def member(self) -> Account:
        """A member, the first ones far more often."""
        if len(self._weights) != len(self.members):
            self._weights = list(accumulate(1 / (place + 1) ** 0.9 for place in range(len(self.members))))
        return self.random.choices(self.members, cum_weights=self._weights)[0]

    def reviewer(self, author: Account | None) -> Account:
        """A member of the inner circle, hardly ever the author."""
        circle = self.members[: max(3, len(self.members) // 4)]
        chosen = self.random.choice(circle)
        return chosen if chosen is not author else self.random.choice(circle)


def pool(world: World, random: Dice) -> list[Account]:
    """People enough for many repositories, in an order of their own for each ``random``."""
    names = [(first, last) for first in _FIRST for last in _LAST]
    chosen = Dice(0).sample(names, _POOL)
    people = [
        world.account(f"{first}{last[:1]}" if place % 3 else f"{first}-{last}", name=f"{first} {last}".title())
        for place, (first, last) in enumerate(chosen)
    ]
    return random.sample(people, len(people))


def team(world: World, random: Dice, size: int) -> Team:
    """A team of ``size`` with newcomers waiting."""
    people = pool(world, random)
    return Team(world, random, pool=people[size:], members=people[:size])
