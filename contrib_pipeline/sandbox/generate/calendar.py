"""When things happen: on working days, by day, more of late."""

import time

from contrib_pipeline.sandbox.dice import Dice

DAY = 86_400
HOUR = 3_600
LIVELY_DAYS = 90

_LIVELY_SHARE = 0.45
_WEEKEND = 0.3
_HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 10, 9, 8, 9, 10, 10, 9, 8, 6, 5, 4, 3, 2, 1)
_SATURDAY = 5


def births(random: Dice, count: int, start: int, now: int) -> list[int]:
    """``count`` instants from ``start`` to ``now`` in seconds, in order; nearly half of them in the last 90 days."""
    lively = max(start, now - LIVELY_DAYS * DAY)
    begin = [lively if random.chance(_LIVELY_SHARE) else start for _ in range(count)]
    return sorted(_working_instant(random, first, now) for first in begin)


def after(random: Dice, at: float, hours: float) -> int:
    """An instant after ``at``: about ``hours`` later in the middle, now and then much later."""
    return int(at + 60 + HOUR * hours * random.lognormvariate(0, 1.1))


def _working_instant(random: Dice, start: int, now: int) -> int:
    while True:
        day = random.randrange(start, now) // DAY * DAY
        at = day + random.choices(range(24), _HOURS)[0] * HOUR + random.randrange(HOUR)
        weekend = time.gmtime(at).tm_wday >= _SATURDAY and random.random() > _WEEKEND
        if start <= at <= now and not weekend:
            return at
