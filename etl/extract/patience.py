"""How long a walk goes on without getting anywhere: each of its loops ends here."""

from __future__ import annotations

MOST_STEPS_BACK = 24  # doubling each time: past any list
MOST_REPEATS = 5  # of one and the same read, for an answer that cannot be used
MOST_IDLE = 50  # pages in a row that add nothing, beyond the pages that did


class Patience:
    """What a walk has spent; `lost` says why it has to stop."""

    def __init__(self, max_pages: int) -> None:
        self.lost: str | None = None
        self.pages = 0
        self._max_pages = max_pages
        self._adding_pages = 0
        self._idle = self._repeats = self._steps_back = 0

    def lose(self, reason: str) -> None:
        self.lost = reason

    def note_page(self) -> None:
        """A page came, whatever it is."""
        self.pages += 1
        self._idle += 1
        if self.pages > self._max_pages:
            self.lose(f"gave up after {self._max_pages} pages: the list does not end")
        elif self._idle > MOST_IDLE + self._adding_pages:
            self.lose(f"{self._idle} pages in a row added nothing: the list moves faster than it is read")

    def note_link(self) -> bool:
        """A page is linked; whether it took steps back."""
        stepped_back = self._steps_back > 0
        self._repeats = self._steps_back = 0
        return stepped_back

    def note_progress(self) -> None:
        self._adding_pages, self._idle = self._adding_pages + 1, 0

    def note_useless(self, reason: str) -> None:
        """An answer could not be used; the same is asked again."""
        self._repeats += 1
        if self._repeats == MOST_REPEATS:
            self.lose(reason)

    def step_back(self, smallest: int) -> int:
        """How many rows to step back, further each time until a page is linked."""
        if self._steps_back == MOST_STEPS_BACK:
            self.lose("the list keeps moving up: no page could be linked to the one before")
        rows: int = max(1, smallest) * 2**self._steps_back
        self._steps_back += 1
        return rows
