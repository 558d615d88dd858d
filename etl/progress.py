"""How a run tells what it has done so far, to whoever wants to show it.

Accounts run side by side: a progress is called from several threads at once.
"""

from __future__ import annotations

from typing import Protocol

from etl.model import RunSummary


class Progress(Protocol):
    """What a run reports; it returns at once and never raises."""

    def page(self, *, account: str, rows: int, pages: int, requests: int, expected_rows: int | None) -> None:
        """A page was committed; the numbers are the run's totals, `expected_rows` where it is known."""
        ...

    def finished(self, summary: RunSummary) -> None:
        """The run of an account ended, well or not."""
        ...


class Silent:
    """The progress of a run that nobody watches."""

    def page(
        self, *, account: str, rows: int, pages: int, requests: int, expected_rows: int | None
    ) -> None: ...

    def finished(self, summary: RunSummary) -> None: ...
