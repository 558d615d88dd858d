"""What one run reads of the source, given to the run as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from etl.engine import reading
from etl.extract.handful import Handful
from etl.extract.listing import Listing
from etl.interval import EVERYTHING, Interval
from etl.load.stored import count_alive, read_alive
from etl.progress import Progress
from etl.proof import Row
from etl.run import Run


class Reader:
    """The reads of one run. Each raises IncompleteError when it ends without a proof."""

    def __init__(
        self, run: Run, listing: Listing, progress: Progress, *, expected_rows: int | None = None
    ) -> None:
        """`expected_rows`: what the run will see, where that is known; for the progress."""
        self._run = run
        self._listing = listing
        self._progress = progress
        self._expected_rows = expected_rows

    def read_down_to(self, until: datetime | None) -> bool:
        """Walk from the top to what is proven already, None for all; False when the source lists nothing."""
        is_empty = True
        for proofs in self._listing.prove_down_to(until, known_rows=self._run.rows_before):
            self._commit(proofs)
            is_empty = False
        return not is_empty

    def read_stretch(self, interval: Interval, *, most_pages: int | None = None) -> None:
        """Prove an interval in the middle of the list, or as much of its top as so many pages hold.

        What else the pages show is loaded, too.
        """
        for proofs in self._prove(interval, most_pages=most_pages):
            self._commit(proofs)

    def read_window(self, interval: Interval) -> None:
        """Prove an interval and load what was created in it, nothing else."""
        for proofs in self._prove(interval):
            self._commit(proofs, only=interval)

    def read_filtered(self, status: str, interval: Interval) -> None:
        """Load what was created in the interval and has that status; a filtered list proves no absence."""
        for proof in chain.from_iterable(self._prove(interval, status=status)):
            inside = proof.within(interval)
            if inside is not None and inside.interval.after is not None:
                reached = (status, inside.interval.after)
                self._commit_rows(inside.rows, inside.observed_at, reached=reached)

    def read_status(self, status: str) -> Iterator[str]:
        """Load what is listed under a status, without a proof; the ids."""
        for page in self._listing.read_pages(status):
            self._commit_rows(page.rows, page.observed_at)
            yield from (row.id for row in page.rows if row.id is not None)

    def find_unread(self, statuses: Iterable[str], *, but: set[str]) -> list[datetime]:
        """Where the batches are that the table has in one of these statuses and this run has not read.

        Newest first; `but` names those that it has read without proof.
        """
        with reading(self._run.engine) as connection:
            places = read_alive(connection, self._run.account, statuses)
        unread = {place for of_id, place in places.items() if of_id not in but}
        return sorted((place for place in unread if not self._run.has_proven(place)), reverse=True)

    def _prove(
        self, interval: Interval, *, status: str | None = None, most_pages: int | None = None
    ) -> Iterator[Handful]:
        """Prove an interval; as many rows as the table has above it, it is thought to be down the list."""
        above = Interval(after=interval.upto, upto=None)
        with reading(self._run.engine) as connection:
            guess = count_alive(connection, self._run.account, above, status=status)
        return self._listing.prove_stretch(interval, status=status, guess=guess, most_pages=most_pages)

    def _commit(self, proofs: Handful, *, only: Interval = EVERYTHING) -> None:
        self._run.note_page(self._listing.page_rows)
        self._run.commit(proofs, only=only)
        self._tell()

    def _commit_rows(
        self, rows: tuple[Row, ...], observed_at: datetime, *, reached: tuple[str, datetime] | None = None
    ) -> None:
        self._run.note_page(self._listing.page_rows)
        self._run.commit_rows(rows, observed_at, reached=reached)
        self._tell()

    def _tell(self) -> None:
        self._progress.page(
            account=self._run.account,
            rows=self._run.tally.rows_seen,
            pages=self._run.tally.pages,
            requests=self._run.traffic.requests,
            expected_rows=self._expected_rows,
        )
