"""What the lengths of the pages tell: how many rows a page can hold, and where the list seems to end.

The source may clamp a page without a word, and clamp the next one otherwise, so a short page is a hint and no
more. Two short pages of different length that end at the same place are a sign.
"""

from __future__ import annotations

from etl.extract.page import Page


class Lengths:
    """The lengths of the pages of one walk; `capacity` is what a page was seen to hold before it."""

    def __init__(self, capacity: int) -> None:
        self.largest = capacity
        self.clamp_varies = False
        self.hint: Page | None = None  # the last page, when it was shorter than a page can be
        self._is_pushed = False  # the last page ended with the rows of the one before, further down
        self._limit = 0  # asked for when a page was first as long
        self._furthest = 0  # end of the page that reached furthest

    def see(self, page: Page) -> None:
        """Take in any page, also one that proves nothing."""
        if page.rows:
            self._furthest = max(self._furthest, page.end)

    def note(self, page: Page, *, adds: bool) -> None:
        """Learn from a page of the walk how long a page can be, and whether that changes."""
        went_on = self.hint is not None and adds and page.end > self.hint.end
        grew = page.length > self.largest > 0 and page.limit <= self._limit
        if grew or (went_on and self.was_short):
            self.clamp_varies = True
        self._is_pushed = self.pushed_by(page) > 0
        self.hint = page if page.length < (self.largest or page.limit) else None
        if page.length > self.largest:
            self.largest, self._limit = page.length, page.limit

    def note_cut(self, page: Page) -> None:
        """Rows stand behind the page, so a page can be as short as that."""
        self.clamp_varies = self.clamp_varies or page.length < self.largest

    @property
    def was_short(self) -> bool:
        """Whether the last page was shorter than another of this walk."""
        return self.hint is not None and self.hint.length < self.largest

    def is_short(self, page: Page) -> bool:
        """Whether the source could have shown more rows, had there been any."""
        return page.length < self.largest and not self.clamp_varies

    def end_again(self, page: Page) -> bool:
        """Whether the page, shorter than the short one before it, ends just where that one did.

        At the same place or, where inserts push the list meanwhile, for the third time with the same rows.
        """
        if self.hint is None or self.clamp_varies or page.end < self._furthest:
            return False
        rests = page.end == self.hint.end or (self._is_pushed and page.tail == self.hint.tail)
        return rests and page.length < self.hint.length

    def pushed_by(self, page: Page) -> int:
        """Places by which the list's end seems to have moved down since the last page."""
        if self.hint is None or page.tail != self.hint.tail:
            return 0
        return max(0, page.end - self.hint.end)

    def end_elsewhere(self, page: Page) -> bool:
        """Whether the list seems to end with the page, but not where it did before."""
        has_moved = self.hint is None or self.hint.end != page.end
        return has_moved and page.end == self._furthest and self.is_short(page)
