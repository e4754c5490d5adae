"""Which repositories there are: names, sizes, ages."""

from dataclasses import dataclass

from contrib_pipeline.sandbox.dice import Dice


def _words(text: str) -> list[str]:
    return text.split()


_WORDS = _words("""
    amber anchor aspen atlas beacon birch brook cedar cinder cobalt comet copper coral delta ember fern flint
    forge glacier grove harbor hazel heron iris jasper juniper kestrel lantern larch ledger linden lumen maple
    marble meadow meridian mosaic nimbus north oak onyx opal orbit osprey otter pebble pine prairie quartz quill
    raven reef ridge river rowan saffron sage sparrow spruce summit thistle timber topaz trail umber vale vesper
    violet willow wren
""")
_PARTS = _words("""
    api app cli core dashboard docs engine gateway kit parser proxy runner scheduler sdk server store ui worker
""")
_LANGUAGES = ("TypeScript", "Python", "Go", "Rust", "Java", "Kotlin")


@dataclass(frozen=True)
class Outline:
    """How one repository is to look."""

    name: str
    description: str
    language: str
    pull_requests: int
    discussions: int
    people: int
    days: int
    """Its age."""
    stars: int
    was_imported: bool = False
    """Work of people who have no account here came with it."""
    has_giant: bool = False
    """It has a pull request too long for one page."""


_KNOWN = (
    Outline("continuedev/continue", "The editor's assistant that you can make your own", "TypeScript", 640, 90, 42, 900,
            29_800, has_giant=True),
    Outline("lantern-labs/lantern", "Feature flags without a server", "TypeScript", 380, 40, 24, 700, 8_400),
    Outline("meridian-db/meridian", "A column store for event data", "Rust", 240, 24, 15, 620, 5_100,
            was_imported=True),
    Outline("northwind-tools/orders", "Order handling for small shops", "Python", 130, 0, 9, 480, 310),
    Outline("quillworks/quill-docs", "Documentation of everything Quill", "Python", 70, 12, 7, 400, 120),
    Outline("tinkerbox/tinker-cli", "A command line for the Tinkerbox", "Go", 40, 4, 5, 300, 45),
)  # fmt: skip


def outline(place: int, seed: int) -> Outline:
    """The repository at that place: one of the known ones, then made-up ones of all sizes."""
    if place < len(_KNOWN):
        return _KNOWN[place]
    random = Dice(f"outline {seed} {place}")
    owner, word, part = random.choice(_WORDS), random.choice(_WORDS), random.choice(_PARTS)
    pull_requests = min(900, int(random.lognormvariate(4.4, 0.9)) + 5)
    return Outline(
        name=f"{owner}-{place}/{word}-{part}",
        description=f"The {part} of {word.capitalize()}",
        language=random.choice(_LANGUAGES),
        pull_requests=pull_requests,
        discussions=random.choice((0, pull_requests // 10)),
        people=4 + pull_requests // 18,
        days=random.randrange(200, 1500),
        stars=int(random.lognormvariate(5, 1.5)),
    )
