"""Plausible English for generated titles, bodies and comments: templates, and words to fill them with."""

from contrib_pipeline.sandbox.dice import Dice


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


_AREAS = _lines("""
    autocomplete
    chat panel
    config loader
    context provider
    diff view
    embeddings index
    indexing queue
    JetBrains plugin
    login flow
    message history
    model picker
    onboarding
    prompt templates
    retry logic
    search results
    settings page
    sidebar
    slash commands
    streaming parser
    telemetry
    token counter
    tool calls
    VS Code extension
    worker pool
""")
_FILES = _lines("""
    core/config/load.ts
    core/indexing/queue.ts
    core/llm/stream.ts
    docs/setup.md
    extensions/vscode/src/activate.ts
    gui/src/components/Sidebar.tsx
    gui/src/hooks/useHistory.ts
    packages/fetch/src/retry.ts
    README.md
    src/server/routes.py
    tests/test_routes.py
""")
_PACKAGES = (
    "esbuild",
    "eslint",
    "express",
    "fastapi",
    "jest",
    "pydantic",
    "react",
    "ruff",
    "typescript",
    "vite",
    "zod",
)
_TITLES = _lines("""
    fix: {area} no longer hangs when the network drops
    fix: wrong order of entries in the {area}
    fix: {area} ignores the selected workspace
    fix: race between {area} and {other}
    feat: keyboard shortcuts for the {area}
    feat: let the {area} use custom headers
    feat: filter by file in the {area}
    feat: show progress in the {area}
    refactor: move the {area} out of the {other}
    refactor: one place for {area} state
    perf: cache results of the {area}
    perf: fewer renders in the {area}
    docs: how to set up the {area}
    docs: troubleshooting for the {area}
    test: cover the {area} with an end-to-end test
    chore: tidy up the {area}
    Add a timeout to the {area}
    Support several roots in the {area}
    Handle empty answers in the {area}
""")
_BODIES = (
    "",
    "The {area} kept the old state after a reload. This clears it first.\n\nTested by hand on Linux and macOS.",
    "## What\n\nMoves the {area} behind one interface.\n\n## Why\n\nThe {other} needed the same code twice.",
    "Small change in the {area}. Found while looking at the {other}.",
    "The {area} waited for the {other} even where it was not needed. Now it starts at once.\n\n- [x] tests\n- [ ] docs",
    "Reported by two users: the {area} shows nothing on the first start. The cause was an empty cache.",
)
_COMMENTS = _lines("""
    Thanks, this is much clearer now.
    Could you rebase? There is a conflict in the {area}.
    I can reproduce the problem on main, and it is gone with this branch.
    Does this also change the {other}?
    Rebased and addressed the comments.
    CI is red because of a flaky test in the {area}, I restarted it.
    Let us take this in after the release.
    Good question. The {area} reads it only once, so it should be fine.
    I split the part about the {other} out into its own pull request.
    Any news on this one?
    Done, please look again.
""")
_VERDICTS = {
    "APPROVED": ("", "", "Looks good to me.", "Nice, thank you!", "Works here. Approving."),
    "CHANGES_REQUESTED": (
        "Two things before this can go in, see below.",
        "The {area} needs a test for this.",
        "I would rather keep the {other} as it is, see my comment.",
    ),
    "COMMENTED": ("", "", "Some questions below.", "First look, more tomorrow."),
    "PENDING": ("",),
}
_INLINE = _lines("""
    Could this be null?
    nit: the name says the opposite of what it does
    Please add a test for this branch.
    Why not reuse what the {other} has?
    This runs on every keystroke, can we debounce it?
    Good catch.
    Done.
    Fixed in the next commit.
    Is this still needed?
    I would inline this.
    This swallows the error; the {area} should show it.
""")
_QUESTIONS = _lines("""
    How do I configure the {area}?
    {Area} does not start behind a proxy
    Best practice for the {area} in a monorepo?
    Idea: share the {area} between windows
    Is the {area} supposed to be this slow?
    Using the {area} without an account
    Show and tell: our setup of the {area}
    What is the difference between the {area} and the {other}?
""")
_ANSWERS = _lines("""
    Set it in your config file and restart, the {area} picks it up.
    That is a known problem, it is fixed on main.
    You can do that today, see the page about the {area} in the docs.
    Same here.
    I worked around it by turning off the {other}.
    Which version are you on?
    That solved it, thank you!
""")
LABELS = (
    "bug",
    "enhancement",
    "documentation",
    "good first issue",
    "performance",
    "needs-tests",
    "area:core",
    "area:ui",
)


def title(random: Dice) -> str:
    return _filled(random, _TITLES)


def body(random: Dice) -> str:
    return _filled(random, _BODIES)


def comment(random: Dice) -> str:
    return _filled(random, _COMMENTS)


def verdict(random: Dice, state: str) -> str:
    """The text of a review in that state; often empty, as most are."""
    return _filled(random, _VERDICTS[state])


def inline(random: Dice) -> str:
    return _filled(random, _INLINE)


def file(random: Dice) -> str:
    return random.choice(_FILES)


def question(random: Dice) -> str:
    return _filled(random, _QUESTIONS)


def reply(random: Dice) -> str:
    return _filled(random, _ANSWERS)


def upgrade(random: Dice) -> tuple[str, str]:
    """The title and the branch of a dependency bot's pull request."""
    package, minor = random.choice(_PACKAGES), random.randrange(30)
    return (
        f"build(deps): bump {package} from 2.{minor}.0 to 2.{minor + 1}.0",
        f"dependabot/npm_and_yarn/{package}-2.{minor + 1}.0",
    )


def _filled(random: Dice, templates: tuple[str, ...]) -> str:
    area, other = random.sample(_AREAS, 2)
    return random.choice(templates).format(area=area, other=other, Area=area[:1].upper() + area[1:])
