"""The proven walk: which page to ask for next, and what the pages received so far prove.

The source pages by offset over a list that moves, ties and is clamped, so no page can be trusted to
begin where the one before ended. Two facts can be: a page is one query at one instant, and a batch's
created_at never changes. Hence the words and the rules:

*tail group*  the rows of a page that share its last created_at; the page may have cut it.
*frontier*    the created_at down to which, itself excluded, everything is proven.
*linked*      a page at offset 0, or one whose first row is strictly newer than the frontier: nothing
              can hide between it and what is proven. It proves all from its tail group, excluded, up to
              the frontier. A page that is not linked means that the list moved up: step back.
*the end*     a linked page that adds nothing shows it, but proves nothing by itself: the source may clamp
              a page, and clamp the next one otherwise, and inserts may push known rows under the walk. An
              empty answer may be false. So the walk goes on in steps as short as can be, looks past the page
              that gives no step (from its last row on: that row and nothing behind it), and reads that page
              again, until what it saw cannot be a coincidence: see `ending`.

`Walk` is pure: it says what to `read`, is handed the page, and returns what is proven by it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from etl.extract.ending import Ending
from etl.extract.frontier import Frontier
from etl.extract.lengths import Lengths, overlap_of
from etl.extract.page import Page
from etl.extract.patience import Patience
from etl.interval import NEWEST, RESOLUTION, Interval
from etl.proof import Proof

UNKNOWN = sys.maxsize  # as a number of rows to expect
MOST_WIDENINGS = 6  # doublings of the limit for a group of equal times that fills a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One request for a page."""

    offset: int
    limit: int
    status: str | None = None


class _Phase(Enum):
    WALKING = auto()
    LOOKING_PAST = auto()  # a page that gives no step: is there anything?
    READING_AGAIN = auto()  # nothing there: is the page where it was?


class Walk:
    """One walk down a list, from its top or its middle, to its end or until all above `until` is proven."""

    def __init__(
        self,
        *,
        limit: int,
        status: str | None = None,
        start: int = 0,
        begin_above: datetime | None = None,
        until: datetime | None = None,
        max_pages: int = 20_000,
        capacity: int = 0,
        expected_rows: int = 0,
    ) -> None:
        """Take the rules of one walk.

        `start`, `begin_above`: begin near that offset, on a page whose first row is newer than that.
        `capacity`: rows of a page that the source is known to give.
        `expected_rows`: what the list is known to hold; where it ends before, the end is looked past. UNKNOWN
        where nothing is known: then a single page may be clamped, and of several the last is the shortest.
        """
        self.status = status
        self.until = until
        self.complete = False
        self.is_empty = False  # complete, and the source lists nothing at all
        self.is_hopeless = False  # stopped, as another walk over the same rows would
        self._expected_rows = expected_rows
        self._rows = 0  # proven so far
        self._limit = limit
        self._offset = start
        self._begin_above = begin_above
        self._phase = _Phase.WALKING
        self._frontier = Frontier()
        self._lengths = Lengths(capacity)
        self._ending = Ending(self._lengths)
        self._resting: Page | None = None  # the page that is looked past
        self._past_at: datetime | None = None  # when nothing was there
        self._patience = Patience(max_pages)
        self._narrow = 0  # length of the page that gave no step, though rows stood behind it
        self._empties = self._widenings = 0

    # -- what to ask for ---------------------------------------------------------------------------

    @property
    def read(self) -> Read | None:
        """The next page to ask for; None once the walk has ended."""
        if self.complete or self.stopped:
            return None
        return self._read_at(self._offset)

    @property
    def stopped(self) -> str | None:
        """Why the walk ended without a proof."""
        return self._patience.lost

    @property
    def pages(self) -> int:
        return self._patience.pages

    @property
    def frontier(self) -> datetime | None:
        """Everything newer is proven; None before the first page."""
        return self._frontier.place

    @property
    def largest(self) -> int:
        """Rows of the longest page."""
        return self._lengths.largest

    @property
    def nears_end(self) -> bool:
        """Whether the read is to show that nothing follows: a page from before, fetched ahead, cannot."""
        return self._phase is not _Phase.WALKING

    def guesses(self, most: int) -> list[Read]:
        """The reads that will follow if the list stays as it is: to be fetched ahead, at most so many."""
        if self.nears_end or self.frontier is None or self._lengths.hint is not None:
            return []
        return [self._read_at(self._offset + self.stride * ahead) for ahead in range(1, most + 1)]

    @property
    def stride(self) -> int:
        """Rows from one page to the next, where no group of equal times is wider than the margin."""
        return max(1, self.largest - overlap_of(self.largest))

    @property
    def margin(self) -> int:
        """Rows of overlap beyond the least: they absorb small groups and small moves of the list."""
        return overlap_of(self.largest) - 1

    def _read_at(self, offset: int) -> Read:
        return Read(offset=offset, limit=self._limit, status=self.status)

    # -- what a page tells -------------------------------------------------------------------------

    def receive(self, page: Page) -> Proof | None:
        """Take in the page that was asked for (or one fetched ahead near it); return what it proves."""
        self._patience.note_page()
        if page.rows:
            self._empties = 0
        if self.stopped:
            return None
        if not page.rows:
            self._receive_nothing(page)
        elif self._phase is _Phase.LOOKING_PAST and self._resting is not None:
            return self._receive_past(page, self._resting)
        elif not page.places or not page.is_ordered:
            self._patience.note_useless(
                f"the page at offset {page.offset} is not ordered by a readable created_at"
            )
        elif not self._is_linked(page):
            self._step_back(page)
        else:
            return self._advance(page)
        return None

    def _is_linked(self, page: Page) -> bool:
        if page.offset == 0 or self.frontier is not None:
            return self._frontier.is_linked_to(page)
        # The first page of a walk from the middle: it needs a row above its tail group to prove anything.
        return self._frontier.top(page) > max(self._begin_above or NEWEST, page.places[-1])

    def _advance(self, page: Page) -> Proof | None:
        went_too_far = self._patience.note_link()
        adds = self._frontier.is_added_to_by(page)
        if not adds and self._is_end(page):
            return self._finish(page)
        proof = self._prove(page)
        pushed_by = 0 if adds or went_too_far else self._lengths.pushed_by(page)
        self._lengths.note(page, adds=adds)
        if adds:
            self._ending.forget()
        if proof is not None:  # rows of the group at the frontier come and go: that is no progress
            self._patience.note_progress()
            self._narrow = 0
        if page.kept > 1 and not self._may_be_whole(page):
            self._step(page, pushed_by)
        else:
            self._look_past(page)
        return proof

    def _is_end(self, page: Page) -> bool:
        """Whether a page that adds nothing is the list's end and not one that was cut or pushed."""
        if not self._frontier.known <= page.identities:
            return False
        if self._phase is _Phase.READING_AGAIN and self._resting is not None:
            self._ending.note_again(page, self._resting)
        else:
            self._ending.note_short(page)
        return self._ending.is_sure or (self._has_all_expected and self._ending.is_shortest(page))

    @property
    def _has_all_expected(self) -> bool:
        return self._rows + len(self._frontier.known) >= self._expected_rows

    def _may_be_whole(self, page: Page) -> bool:
        """Whether the page may show all of a list of few rows: then its very rows, again, prove the end."""
        is_short = page.offset == 0 and page.length < page.limit and self._lengths.are_few
        return is_short and (self._expected_rows == UNKNOWN or self._has_all_expected)

    def _prove(self, page: Page) -> Proof | None:
        """Move the frontier down to the page's tail group; return the stretch between."""
        upto = self._proven_up_to(page)
        if not self._frontier.move_to(page):
            return None
        tail = page.places[-1]
        self.complete = self.until is not None and tail < self.until
        return self._proof(page, Interval(after=tail, upto=upto))

    def _proven_up_to(self, page: Page) -> datetime | None:
        """The frontier; for a first page all that it shows, but for the group that its upper edge may cut."""
        if self.frontier is not None or page.offset == 0:
            return self.frontier
        return self._frontier.top(page) - RESOLUTION

    def _finish(self, page: Page) -> Proof:
        """End the walk; where it looked past the page, it ended at that instant, and may have grown since.

        Where the page is the one from before that look, its rows are as they were then.
        """
        self.complete = True
        proof = self._proof(page, Interval(after=None, upto=self.frontier))
        if self._phase is _Phase.READING_AGAIN and self._past_at is not None:
            return replace(proof, observed_at=min(page.observed_at, self._past_at))
        return proof

    def _proof(self, page: Page, interval: Interval) -> Proof:
        rows = page.rows_in(interval)
        self._rows += len(rows)
        return Proof(interval=interval, rows=rows, observed_at=page.observed_at)

    # -- when it does not go straight on -----------------------------------------------------------

    def _receive_nothing(self, page: Page) -> None:
        """An empty answer can be false: it counts only when it is given twice in a row."""
        self._empties += 1
        if self._empties == 1:
            if self._phase is _Phase.LOOKING_PAST:
                self._past_at = page.observed_at
            return
        self._empties = 0
        if self._phase is _Phase.LOOKING_PAST and self._resting is not None:
            is_past = page.offset == self._resting.end
            self._phase = _Phase.READING_AGAIN if is_past else _Phase.WALKING
            self._offset = self._resting.offset
        elif page.offset > 0:
            self._step_back(page)
        elif self.frontier is not None and self.status is None:
            self._patience.lose("the list turned empty during the walk")
        else:
            self.complete, self.is_empty = True, self.frontier is None

    def _step(self, page: Page, pushed_by: int = 0) -> None:
        """Go on below the page; where inserts push the list at a pace, as much further as they will have."""
        self._phase = _Phase.WALKING
        # Where the list seems to end, the next page is to be as short as can be: few clamps are so low.
        margin = self.margin if self._lengths.hint is None else 0
        step = max(1, min(page.kept, page.length - margin) - 1)
        self._offset = page.offset + step + min(pushed_by, page.length)

    def _look_past(self, page: Page) -> None:
        if self._phase is _Phase.READING_AGAIN and not self._may_be_cut(page):
            # Rows that went away must not hold up the end; a page that is cut may only have lost them.
            self._frontier.forget_all_but(page)
        self._phase, self._resting = _Phase.LOOKING_PAST, page
        # From its last row on, which shows that an empty answer is not false; where a clamp may be as low as
        # that row alone, behind it, since no clamp makes an answer empty.
        self._offset = page.end if self._lengths.are_few or page.length == 1 else page.end - 1

    def _ends_a_first_walk(self, resting: Page) -> bool:
        """Whether nothing past the shortest of pages is enough: where the table has rows below, it is not."""
        is_first = self._expected_rows == UNKNOWN
        return is_first and self._frontier.known <= resting.identities and self._ending.is_shortest(resting)

    def _may_be_cut(self, page: Page) -> bool:
        """Whether a page that is read again may have lost its last rows to a clamp, rather than the list."""
        stands_still = self._resting is not None and page.identities == self._resting.identities
        reaches = page.places[-1] == self.frontier
        return not stands_still and not (reaches and self._lengths.are_steady)

    def _receive_past(self, page: Page, resting: Page) -> Proof | None:
        """Either the last row of the page that is looked past, or rows behind it, too."""
        self._phase, self._offset = _Phase.WALKING, resting.offset
        # Then even rows that are known may be more of its last group, in a new order.
        is_full = resting.length >= resting.limit
        if page.end == resting.end and page.identities <= resting.tail:
            self._phase, self._past_at = _Phase.READING_AGAIN, page.observed_at
            self._ending.note_nothing_past()
            if self._ends_a_first_walk(resting):
                return self._finish(resting)
        elif is_full or not page.places or self._frontier.is_added_to_by(page):
            self._take_as_cut(resting)
        # Otherwise they are its own last rows, which inserts pushed there: it is read again.
        return None

    def _take_as_cut(self, page: Page) -> None:
        """Rows stand behind the page: step over it or, where it gives no step, ask for it again, longer."""
        self._lengths.note_cut(page)
        self._ending.forget()
        if page.kept > 1:
            self._step(page)
        elif self._widenings == MOST_WIDENINGS or page.length == self._narrow:
            self.is_hopeless = True
            self._patience.lose(
                f"{page.length - page.kept} or more batches share one created_at and the source gives no more"
                f" than {page.length} rows a page: that none of them is missed cannot be proven"
            )
        else:
            self._narrow = page.length
            if page.length >= page.limit:
                self._widenings, self._limit = self._widenings + 1, 2 * self._limit

    def _step_back(self, page: Page) -> None:
        # Not always as far, or a list that moves at a pace would keep in step with the walk.
        smallest = self.pages % (self.margin + 2) if self.frontier is not None else self._limit // 2
        self._phase, self._offset = _Phase.WALKING, max(0, page.offset - self._patience.step_back(smallest))
