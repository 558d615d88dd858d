"""What one run reads of the source: walks from the top and the middle, each page given to the run at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from etl.engine import reading
from etl.errors import IncompleteError, InvariantError
from etl.extract.ahead import Fetch, follow
from etl.extract.page import Page
from etl.extract.search import Search
from etl.extract.walk import UNKNOWN, Read, Walk
from etl.interval import Interval
from etl.load.stored import count_alive, read_alive
from etl.progress import Progress
from etl.proof import Proof
from etl.run import Run
from etl.settings import Settings

_RUN_AGAIN = "what was read is loaded; run again"


class Reader:
    """The reads of one run. Each raises IncompleteError when it ends without a proof."""

    def __init__(
        self,
        run: Run,
        fetch: Fetch,
        settings: Settings,
        progress: Progress,
        *,
        expected_rows: int | None = None,
    ) -> None:
        """`expected_rows`: what the run will see, where that is known; for the progress."""
        self._run = run
        self._fetch = fetch
        self._settings = settings
        self._progress = progress
        self._expected_rows = expected_rows

    def read_down_to(self, until: datetime | None) -> bool:
        """Walk from the top to what is proven already, None for all; False when the source lists nothing."""
        rows = self._run.rows_before
        walk = self._walk(until=until, expected_rows=rows or UNKNOWN)
        for proof in self._follow(walk, expected_rows=rows if until is None else 0):
            self._run.commit(proof)
            self._tell()
        return not walk.is_empty

    def read_stretch(self, interval: Interval, *, most_pages: int | None = None) -> None:
        """Prove an interval in the middle of the list, or as much of its top as so many pages hold.

        What else the pages show is loaded, too.
        """
        for proof in self._prove_stretch(interval, most_pages=most_pages):
            self._run.commit(proof)
            self._tell()

    def read_window(self, interval: Interval) -> None:
        """Prove an interval and load what was created in it, nothing else."""
        for proof in self._prove_stretch(interval):
            self._run.commit(proof, only=interval)
            self._tell()

    def read_filtered(self, status: str, interval: Interval) -> None:
        """Load what was created in the interval and has that status; a filtered list proves no absence."""
        for proof in self._prove_stretch(interval, status=status):
            inside = proof.within(interval)
            if inside is not None and inside.interval.after is not None:
                reached = (status, inside.interval.after)
                self._run.commit_rows(inside.rows, inside.observed_at, reached=reached)
                self._tell()

    def read_status(self, status: str) -> Iterator[Page]:
        """The pages of the list filtered by a status.

        They prove nothing: what they show is true, and what they lack is looked up in the whole list. So the
        first page that is short, or empty, ends them.
        """
        offset = 0
        for _ in range(self._settings.max_pages):
            page = self._fetch(Read(offset=offset, limit=self._settings.page_size, status=status))
            yield page
            overlap = _overlap(page.length)
            if page.length < self._run.page_rows or page.length <= overlap:
                return
            offset = page.end - overlap

    def find_unread(self, statuses: Iterable[str], *, but: set[str]) -> list[datetime]:
        """Where the batches are that the table has in one of these statuses and this run has not read.

        Newest first; `but` names those that it has read without proof.
        """
        with reading(self._run.engine) as connection:
            places = read_alive(connection, self._run.account, statuses)
        unread = {place for of_id, place in places.items() if of_id not in but}
        return sorted((place for place in unread if not self._run.has_proven(place)), reverse=True)

    def _guess_place(self, target: datetime, status: str | None) -> int:
        """How many batches the table has above the target: about where in the list it is."""
        above = Interval(after=target, upto=None)
        with reading(self._run.engine) as connection:
            return count_alive(connection, self._run.account, above, status=status)

    def _prove_stretch(
        self, interval: Interval, *, status: str | None = None, most_pages: int | None = None
    ) -> Iterator[Proof]:
        if interval.upto is None:
            raise InvariantError("a stretch of the list needs an upper end")
        first = self._find(interval.upto, status)
        walk = self._walk(
            status=status,
            start=first.offset,
            begin_above=interval.upto,
            until=interval.after,
            capacity=self._run.page_rows,
            expected_rows=UNKNOWN,
        )
        yield from self._follow(walk, first=first, most_pages=most_pages)

    def _find(self, target: datetime, status: str | None) -> Page:
        """A page, of the list or of one filtered by a status, that begins above the target and reaches it."""
        guess = self._guess_place(target, status) or None
        search = Search(target, limit=self._settings.page_size, guess=guess, status=status)
        while (read := search.read) is not None:
            page = self._fetch(read)
            self._run.note_page(page.length)
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
        capacity: int = 0,
        expected_rows: int = 0,
    ) -> Walk:
        return Walk(
            limit=self._settings.page_size,
            max_pages=self._settings.max_pages,
            status=status,
            start=start,
            begin_above=begin_above,
            until=until,
            capacity=capacity,
            expected_rows=expected_rows,
        )

    def _follow(
        self, walk: Walk, *, expected_rows: int = 0, first: Page | None = None, most_pages: int | None = None
    ) -> Iterator[Proof]:
        """What the walk proves; raises IncompleteError at its end when it stopped without a proof."""
        proofs = follow(
            walk,
            self._fetch,
            clock=self._run.clock,
            most_at_once=self._settings.fetch_ahead,
            expected_rows=expected_rows,
            first=first,
        )
        for proof in proofs:
            self._run.note_page(walk.largest)
            yield proof
            if most_pages is not None and walk.pages >= most_pages:
                return
        if walk.stopped is not None:
            raise IncompleteError(walk.stopped, hint=_RUN_AGAIN)

    def _tell(self) -> None:
        self._progress.page(
            account=self._run.account,
            rows=self._run.tally.rows_seen,
            pages=self._run.tally.pages,
            requests=self._run.traffic.requests,
            expected_rows=self._expected_rows,
        )


def _overlap(length: int) -> int:
    """Rows by which the pages of a filtered list overlap."""
    return min(8, length // 20) + 1
