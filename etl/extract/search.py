"""Finds the page of the list on which an instant lies, without walking there.

The list is ordered by time and read by offset, so it can be searched like a dictionary: open it where the
word should be, see on which side one is, and close in. A good first guess (how many newer batches the table
has) needs one page; none needs a few.

What is found is a place to begin a walk, not a proof; the walk checks its links as always.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeGuard

from etl.extract.lengths import lead_of
from etl.extract.page import Page
from etl.extract.patience import MOST_REPEATS
from etl.extract.walk import Read
from etl.interval import NEWEST

MOST_PROBES = 40
_GROWTH = 4  # how many times further each jump may go while nothing is known below
_FAR = 1e9  # rows: further than any list goes


class Search:
    """One search for a page that begins above `target` and reaches it, or the end of the list.

    Pure: it says what to `read` and is handed the page, until `found` is there or `stopped` says why not.
    """

    def __init__(
        self, target: datetime, *, limit: int, guess: int | None = None, status: str | None = None
    ) -> None:
        """`guess`: how many rows of the list are thought to be newer than the target."""
        self.found: Page | None = None
        self.stopped: str | None = None
        self._target = target
        self._limit = limit
        self._status = status
        self._probes = 0
        self._above: tuple[int, datetime | None] = (0, None)  # a row that is newer than the target
        self._below: tuple[int, datetime | None] | None = None  # one that is not, or the end of the list
        self._length = 0  # rows of the longest page so far
        self._rate = 0.0  # rows a second, around the last page
        self._offset = max(0, guess - lead_of(limit)) if guess is not None else 0
        self._was_empty = False
        self._useless = 0  # pages in a row without a readable time
        self._is_short = False  # the last page: it was clamped, or the list ends with it
        self._halves = True  # whether the last step between two known places was to their middle
        self._read_in_vain: set[int] = set()  # offsets, since one of the two places moved
        self._between: object = None  # these two, as they were then

    @property
    def read(self) -> Read | None:
        """The next page to ask for; None once the search has ended."""
        if self.found or self.stopped:
            return None
        return Read(offset=self._offset, limit=self._limit, status=self._status)

    def receive(self, page: Page) -> None:
        """Take in the page that was asked for."""
        self._probes += 1
        if self._probes > MOST_PROBES:
            self.stopped = f"the place of {self._target.isoformat()} was not found in {MOST_PROBES} pages"
        elif not page.places:
            self._receive_nothing(page)
        else:
            self._was_empty, self._useless = False, 0
            self._is_short = page.length < (self._length or page.limit)
            self._length = max(self._length, page.length)
            self._close_in(page)

    def _close_in(self, page: Page) -> None:
        first, last = page.places[0], page.places[-1]
        if page.offset > 0 and first <= self._target:
            self._below = (page.offset, first)
            if self._above[0] >= page.offset:  # the list moved up
                self._above = (max(0, page.offset - self._length), None)
        elif last <= self._target or self._ends(page):
            self.found = page
            return
        else:
            self._above = (page.end - 1, last)
            if self._below is not None and self._below[0] <= page.end - 1:  # the list moved down
                self._below = None
        self._note_rate(page)
        self._go_on()

    def _receive_nothing(self, page: Page) -> None:
        self._useless = self._useless + 1 if page.rows else 0
        if self._useless == MOST_REPEATS:
            self.stopped = f"the page at offset {page.offset} has no readable created_at"
            return
        if page.rows or page.offset == 0 or not self._was_empty:
            # A list without readable times, an empty one, or a first empty answer, which may be false.
            self.found = page if page.offset == 0 and self._was_empty else None
            self._was_empty = not page.rows
            return
        self._was_empty = False
        self._below = (page.offset, None)
        self._go_on()

    def _go_on(self) -> None:
        """To the next offset; where it was read already, a page was cut or the list ends: look behind it."""
        if self._between != (self._above, self._below):
            self._between = (self._above, self._below)
            self._read_in_vain.clear()
        self._read_in_vain.add(self._offset)
        offset = self._next_offset()
        self._offset = offset if offset not in self._read_in_vain else self._above[0] + 1

    def _ends(self, page: Page) -> bool:
        """Whether the list is known to go no further: then the target lies beyond, as the walk will prove."""
        return self._below is not None and self._below[1] is None and page.end >= self._below[0]

    def _note_rate(self, page: Page) -> None:
        times = [place for place in page.places if place != NEWEST]
        span = (times[0] - times[-1]).total_seconds() if times else 0.0
        self._rate = (len(times) - 1) / span if span > 0 else self._rate

    def _next_offset(self) -> int:
        above, below = self._above[0], self._below
        lead = lead_of(self._length)
        if below is None and self._is_short:
            return above + 1
        if below is None:
            furthest = above + self._length * int(_GROWTH ** min(self._probes, 10))
            guess = self._extrapolate()
            return max(above - lead, min(furthest if guess is None else guess - self._length // 2, furthest))
        if below[0] - above < self._length:
            return max(0, above - lead)
        # A guess is near where rows are spread evenly; halves make sure of the rest.
        self._halves = not self._halves
        guess = None if self._halves else self._interpolate(below)
        if guess is None or not above < guess < below[0]:
            guess = (above + below[0]) // 2
        return max(guess - self._length // 2, above - lead, 0)

    def _interpolate(self, below: tuple[int, datetime | None]) -> int | None:
        (offset, place), (end, oldest) = self._above, below
        if not _is_time(place) or not _is_time(oldest) or place == oldest:
            return self._extrapolate()
        return offset + int((place - self._target) / (place - oldest) * (end - offset))

    def _extrapolate(self) -> int | None:
        """Where the target is if all rows are as dense as around the last page; None where nobody knows."""
        for offset, place in (self._above, self._below or (0, None)):
            if _is_time(place) and self._rate > 0:
                rows = (place - self._target).total_seconds() * self._rate
                return offset + int(max(-_FAR, min(rows, _FAR)))
        return None


def _is_time(place: datetime | None) -> TypeGuard[datetime]:
    return place is not None and place != NEWEST
