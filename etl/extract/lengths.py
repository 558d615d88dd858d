"""What the lengths of the pages tell: how many rows a page can hold, and where the list seems to end.

The source may clamp a page without a word, and clamp the next one otherwise, so a short page is a hint and no
more.
"""

from __future__ import annotations

import sys

from etl.extract.page import Page

FEW = 20  # rows: where no page was as long, one of two rows may be as long as they come


def overlap_of(length: int) -> int:
    """Rows of one page with the next: one links them, more absorb small groups and moves."""
    return min(8, length // 20) + 1


def lead_of(length: int) -> int:
    """Rows to begin above a place that is looked for, so that a small error costs no request."""
    return min(50, length // 4)


class Lengths:
    """The lengths of the pages of one walk; `capacity` is what a page was seen to hold before it."""

    def __init__(self, capacity: int) -> None:
        self.largest = capacity
        self.hint: Page | None = None  # the last page, when it was shorter than a page can be
        self._last: Page | None = None
        self._shortest_cut = sys.maxsize

    def note(self, page: Page, *, adds: bool) -> None:
        """Learn from a page of the walk; where it adds rows behind the end of the last, that one was cut."""
        if self._last is not None and adds and page.end > self._last.end:
            self.note_cut(self._last)
        self._last = page
        self.hint = page if page.length < (self.largest or page.limit) else None
        self.largest = max(self.largest, page.length)

    def note_cut(self, page: Page) -> None:
        """Rows stand behind the page; where it is not as long as was asked for, the source has clamped it."""
        if page.length < page.limit:
            self._shortest_cut = min(self._shortest_cut, page.length)

    @property
    def are_few(self) -> bool:
        """Whether all pages are so short that a clamp could look like the end."""
        return self.largest < FEW

    @property
    def are_steady(self) -> bool:
        """Whether no clamp was seen that could look like the end: none so narrow, none that changed."""
        return not self.are_few and self._shortest_cut >= self.largest

    def pushed_by(self, page: Page) -> int:
        """Places by which the list's end seems to have moved down since the last page."""
        if self.hint is None or page.tail != self.hint.tail:
            return 0
        return max(0, page.end - self.hint.end)
