"""One verification of one account: the reads, and what the database is asked for. Nothing is written.

The whole list first, each page held against the table at once; then the list of each status; then another
look at whoever was seen in no list or in two. What is kept meanwhile is an id, a status and a time a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import Connection, Engine

from etl.clock import SteadyClock
from etl.engine import reading
from etl.extract.listing import Listing
from etl.interval import RESOLUTION, Interval
from etl.load.deletes import read_held
from etl.load.quarantine import read_set_aside
from etl.load.stored import count_by_status, read_kept_by_id, read_statuses
from etl.model import Traffic
from etl.progress import Progress
from etl.proof import Proof
from etl.settings import Settings
from etl.state.coverage import read_coverage
from etl.state.runs import read_synced_at
from etl.transform.statuses import KNOWN_STATUSES
from etl.verify.explain import Known, compare, explain_gone
from etl.verify.lists import Dispute, Identity, Sightings, judge, judge_stranger, status_of
from etl.verify.verdict import Difference, Verdict

_AT_ONCE = 1_000  # batches that are looked up in the table by one query


class Verifier:
    """Verifies one account; whoever makes one holds the account's lock."""

    def __init__(
        self,
        engine: Engine,
        account: str,
        listing: Listing,
        settings: Settings,
        *,
        clock: SteadyClock,
        traffic: Traffic,
        progress: Progress,
    ) -> None:
        self._engine = engine
        self._account = account
        self._listing = listing
        self._clock = clock
        self._traffic = traffic
        self._progress = progress
        self._max_age = timedelta(seconds=settings.max_age_seconds)
        self._sightings = Sightings()
        self._rows = self._pages = self._rows_expected = 0

    def verify(self) -> Verdict:
        """Read, compare, explain; raises IncompleteError where a list cannot be proven."""
        began, started_at = self._clock.monotonic(), self._clock.now()
        with reading(self._engine) as connection:
            known = read_known(connection, self._account, self._max_age, started_at)
            rows = count_by_status(connection, self._account)
        self._rows_expected = 2 * sum(rows.values())
        differences = [
            *self._walk(known, sum(rows.values())),
            *self._find_gone(known),
            *self._read_lists([*rows]),
        ]
        with reading(self._engine) as connection:
            counts = self._sightings.count(read_statuses(connection, self._account))
        return Verdict(
            account=self._account,
            verified_at=started_at,
            seconds=round(self._clock.monotonic() - began, 3),
            requests=self._traffic.requests,
            counts=counts,
            differences=differences,
        )

    # -- the whole list against the table ----------------------------------------------------------

    def _walk(self, known: Known, rows: int) -> Iterator[Difference]:
        for proof in chain.from_iterable(self._listing.prove_down_to(None, known_rows=rows)):
            ids = [row.id for row in proof.rows if row.id is not None]
            with reading(self._engine) as connection:
                kept = read_kept_by_id(connection, self._account, ids)
            for row in proof.rows:
                self._sightings.note_walked(row)
                difference = compare(row, kept.get(row.id) if row.id is not None else None, known)
                if difference is not None:
                    yield difference
            self._tell(proof)

    def _find_gone(self, known: Known) -> Iterator[Difference]:
        with reading(self._engine) as connection:
            table = read_statuses(connection, self._account)
            gone = [of_id for of_id in table if of_id not in self._sightings.walked]
            for at in range(0, len(gone), _AT_ONCE):
                kept = read_kept_by_id(connection, self._account, gone[at : at + _AT_ONCE])
                yield from (explain_gone(of_id, one, known) for of_id, one in kept.items())

    # -- the whole list against the lists of the statuses ------------------------------------------

    def _read_lists(self, of_table: Iterable[str]) -> Iterator[Difference]:
        for status in dict.fromkeys([*KNOWN_STATUSES, *of_table, *self._sightings.statuses]):
            self._sightings.lists[status] = set()
            walked = self._sightings.count_walked(status)
            for proof in chain.from_iterable(
                self._listing.prove_down_to(None, status=status, known_rows=walked)
            ):
                for row in proof.rows:
                    self._sightings.note_listed(row, status)
                self._tell(proof)
        disputes = list(self._sightings.find_disputes())
        again = self._look_up(dispute for dispute in disputes if not dispute.is_settled)
        # Whoever is as before is to be in the list of that status now.
        stayed = [d for d in disputes if d.walked is not None and again.get(d.identity) == d.walked]
        listed_again = {
            identity
            for status in {dispute.walked for dispute in stayed}
            for identity in self._look_up((d for d in stayed if d.walked == status), status)
        }
        for dispute in disputes:
            yield judge(
                dispute,
                again=again.get(dispute.identity),
                listed_again=dispute.identity in listed_again,
                is_new=dispute.walked is None and self._sightings.is_new(dispute.place),
            )
        yield from (judge_stranger(*stranger) for stranger in self._sightings.strangers.items())

    def _look_up(self, disputes: Iterable[Dispute], status: str | None = None) -> dict[Identity, str | None]:
        """Read the pages once more on which these are; their statuses now."""
        wanted = {dispute.identity: dispute.place for dispute in disputes}
        found: dict[Identity, str | None] = {}
        last: Interval | None = None
        for place in sorted({place for place in wanted.values() if place is not None}, reverse=True):
            if last is not None and place in last:
                continue
            guess = self._sightings.count_newer(place, status)
            here = Interval(after=place - RESOLUTION, upto=place)
            for proof in chain.from_iterable(self._listing.prove_stretch(here, status=status, guess=guess)):
                last = proof.interval
                found |= {row.identity: status_of(row) for row in proof.rows if row.identity in wanted}
                self._tell(proof)
        return found

    def _tell(self, proof: Proof) -> None:
        self._rows += len(proof.rows)
        self._pages += 1
        self._progress.page(
            account=self._account,
            rows=self._rows,
            pages=self._pages,
            requests=self._traffic.requests,
            expected_rows=self._rows_expected or None,
        )


def read_known(connection: Connection, account: str, max_age: timedelta, now: datetime) -> Known:
    """What the database knows of the account beside its batches."""
    return Known(
        now=now,
        max_age=max_age,
        coverage=read_coverage(connection, account),
        synced_at=read_synced_at(connection, account),
        held=frozenset(read_held(connection, account)),
        set_aside=read_set_aside(connection, account),
    )
