"""Proof that one repository is stored as GitHub has it, or the list of what is not. How it is compared: ``compare``."""

from dataclasses import dataclass, field

from contrib_pipeline.capture.captures import Captures
from contrib_pipeline.capture.chosen import read_the_unread
from contrib_pipeline.capture.compare import Compared, compare, repair
from contrib_pipeline.capture.outcome import Outcome, explain
from contrib_pipeline.capture.subjects import DISCUSSIONS, PULL_REQUESTS
from contrib_pipeline.capture.walks import Walk


@dataclass
class Verification:
    """What the comparison of one repository found."""

    outcome: Outcome
    compared: dict[str, Compared] = field(default_factory=dict)
    """By ``pull_requests`` and ``discussions``."""
    is_repaired: bool = False

    @property
    def is_complete(self) -> bool:
        """All is stored, or is now."""
        is_equal = all(compared.is_equal for compared in self.compared.values())
        return self.outcome.error is None and (is_equal or self.is_repaired)


def verify(captures: Captures, name: str, *, mend: bool = False) -> Verification:
    """Compare one repository with GitHub; ``mend`` captures exactly what differs.

    Failures that concern this repository alone are in the outcome.
    """
    found = Verification(Outcome(name), is_repaired=mend)

    def work(walk: Walk) -> None:
        compared = found.compared[walk.subject.kind] = compare(walk)
        if mend:
            repair(walk, compared)
        explain(found.outcome, read_the_unread(walk) if mend else walk.withheld)

    for subject in (PULL_REQUESTS, DISCUSSIONS):
        repository = found.outcome.repository
        if subject is PULL_REQUESTS or (repository and repository.has_discussions):
            captures.walk(name, subject, "verify", found.outcome, work)
        if found.outcome.error:
            break
    return found
