"""Who is told how a capture goes. The command line draws bars; by default nobody listens."""

from contrib_pipeline.capture.outcome import Outcome


class Progress:
    """Told after each page, and after each repository."""

    def page(self, repository: str, subject: str, read: int, total: int) -> None:
        """``read`` of ``total`` pull requests or discussions of ``repository`` are stored."""

    def captured(self, outcome: Outcome) -> None:
        """A repository's capture has ended."""
