"""The list of one account at the source: what can be proven of it, from its top or from any place in it.

Each read yields what it proves, some pages at a time, and raises IncompleteError where it ends without proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from etl.clock import Clock
from etl.errors import IncompleteError, InvariantError
from etl.extract.ahead import HEAD_START_SECONDS, Fetch, follow
from etl.extract.handful import MOST_PAGES, Handful, in_handfuls
from etl.extract.lengths import overlap_of
from etl.extract.page import Page
from etl.extract.search import Search
from etl.extract.walk import UNKNOWN, Read, Walk
from etl.interval import Interval
from etl.proof import Proof
from etl.settings import Settings
from etl.state.allowance import Quota

_RUN_AGAIN = "what was read is loaded; run again"
_NO_USE = "what was read is loaded; only the source can mend this: docs/design.md, limits that are known"


class Listing:
    """The list as one run reads it. `page_rows` is what a page of the usual size was seen to hold."""

    def __init__(self, fetch: Fetch, settings: Settings, clock: Clock) -> None:
        self.page_rows = 0
        self._fetch = fetch
        self._settings = settings
        self._clock = clock

    def prove_down_to(
        self, until: datetime | None, *, status: str | None = None, known_rows: int = 0
    ) -> Iterator[Handful]:
        """Walk from the top to an instant, None for the end of the list; nothing where it is empty.

        `known_rows`: what the list is known to hold.
        """
        walk = self._walk(until=until, status=status, expected_rows=known_rows or UNKNOWN)
        proofs = self._follow(walk, rows_ahead=self._expect(known_rows) if until is None else 0)
        return self._together(proofs)

    def _expect(self, known_rows: int) -> int:
        """So many rows are worth guesses; UNKNOWN of an unknown list, where some may well be in vain."""
        is_affordable = Quota.of(self._settings).spare >= self._settings.fetch_ahead
        return UNKNOWN if is_affordable and not known_rows else known_rows

    def prove_stretch(
        self,
        interval: Interval,
        *,
        status: str | None = None,
        guess: int | None = None,
        most_pages: int | None = None,
    ) -> Iterator[Handful]:
        """Walk through an interval, or through as much of its top as so many pages hold.

        `guess`: how many rows of the list are thought to be newer.
        """
        if interval.upto is None:
            raise InvariantError("a stretch of the list needs an upper end")
        first = self._find(interval.upto, status, guess or None)
        walk = self._walk(
            status=status,
            start=first.offset,
            begin_above=interval.upto,
            until=interval.after,
            expected_rows=UNKNOWN,
        )
        return self._together(self._follow(walk, first=first, most_pages=most_pages))

    def read_pages(self, status: str) -> Iterator[Page]:
        """The pages of the list filtered by a status, which prove nothing.

        What they show is true, and what they lack has to be looked up in the whole list. So the first page
        that is short, or empty, ends them.
        """
        offset = 0
        for _ in range(self._settings.max_pages):
            page = self._fetch(Read(offset=offset, limit=self._settings.page_size, status=status))
            yield page
            overlap = overlap_of(page.length)
            if page.length < self.page_rows or page.length <= overlap:
                return
            offset = page.end - overlap

    def _find(self, target: datetime, status: str | None, guess: int | None) -> Page:
        """A page, of the list or of one filtered by a status, that begins above the target and reaches it."""
        search = Search(target, limit=self._settings.page_size, guess=guess, status=status)
        while (read := search.read) is not None:
            page = self._fetch(read)
            self._note(page.length)
            search.receive(page)
        if search.found is None:
            raise IncompleteError(search.stopped or "the search ended without a page", hint=_RUN_AGAIN)
        return search.found

    def _walk(
        self,
        *,
        status: str | None = None,
        start: int = 0,
        begin_above: datetime | None = None,
        until: datetime | None = None,
        expected_rows: int,
    ) -> Walk:
        return Walk(
            limit=self._settings.page_size,
            max_pages=self._settings.max_pages,
            status=status,
            start=start,
            begin_above=begin_above,
            until=until,
            capacity=self.page_rows,
            expected_rows=expected_rows,
        )

    def _follow(
        self, walk: Walk, *, rows_ahead: int = 0, first: Page | None = None, most_pages: int | None = None
    ) -> Iterator[Proof | None]:
        for proof in follow(
            walk,
            self._fetch,
            clock=self._clock,
            most_at_once=self._settings.fetch_ahead,
            expected_rows=rows_ahead,
            head_start_seconds=HEAD_START_SECONDS if self._settings.is_sqlite else 0.0,
            first=first,
            most_pages=most_pages,
        ):
            self._note(walk.largest)
            yield proof
        if walk.stopped is not None:
            raise IncompleteError(walk.stopped, hint=_NO_USE if walk.is_hopeless else _RUN_AGAIN)

    def _together(self, proofs: Iterator[Proof | None]) -> Iterator[Handful]:
        # Where only one thing may be done at a time, no proof waits for a page that is still to be fetched.
        most = 1 if self._settings.fetch_ahead == 1 else MOST_PAGES
        return in_handfuls(proofs, most=most)

    def _note(self, rows: int) -> None:
        """Learn from a page's length; a walk over a wide group asks for more rows than other reads do."""
        self.page_rows = max(self.page_rows, min(rows, self._settings.page_size))
