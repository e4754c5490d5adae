"""The chance behind everything that is made up: the same for the same seed."""

from random import Random


class Dice(Random):
    """A random generator for plausible data; nothing here is secret."""

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self.random() < probability
