"""The truth about one user of the source: the batches, their order, and all that can happen to them.

Tests call the operations by name and compare what was synced with what is here. Every change raises
`revision`, on which the order of ties depends.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from etl.sandbox.batch import DONE, Batch
from etl.sandbox.invention import Inventor
from etl.sandbox.listing import Listing


class SourceAccount:
    """One user's batches. Safe to change from any thread; a page is read under the same lock."""

    def __init__(
        self,
        name: str,
        *,
        seed: str,
        now: Callable[[], datetime],
        lock: threading.RLock,
        inventor: Inventor,
        batches: Iterable[Batch] = (),
    ) -> None:
        self.name = name
        self.revision = 0
        self._seed = seed
        self._now = now
        self._lock = lock
        self._inventor = inventor
        self._batches = {batch.id: batch for batch in batches}
        self._runs: defaultdict[str, list[str]] = defaultdict(list)
        self._statuses: defaultdict[str, Listing] = defaultdict(Listing)
        self._index()

    def _index(self) -> None:
        listed: list[Batch] = []
        by_status: defaultdict[str, list[Batch]] = defaultdict(list)
        for batch in self._batches.values():
            if batch.parent_batch_id is not None:
                self._runs[batch.parent_batch_id].append(batch.id)
            else:
                listed.append(batch)
                by_status[batch.status].append(batch)
        self._listing = Listing(listed)
        for status, group in by_status.items():
            self._statuses[status] = Listing(group)

    # --- What is true ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._listing)

    def __contains__(self, batch_id: object) -> bool:
        return batch_id in self._batches

    def __getitem__(self, batch_id: str) -> Batch:
        return self._batches[batch_id]

    def get(self, batch_id: str) -> Batch | None:
        return self._batches.get(batch_id)

    def listed(self, status: str | None = None) -> list[Batch]:
        """All that the list holds, newest first; ties by id."""
        with self._lock:
            return [self._batches[batch_id] for batch_id in self._listing_of(status)]

    def count(self, status: str | None = None) -> int:
        return len(self._listing_of(status))

    def page(self, offset: int, limit: int, status: str | None = None) -> list[Batch]:
        """One page, at one instant; the order of ties depends on the query and on all changes before it."""

        def shuffle() -> random.Random:
            return random.Random(f"{self._seed}/{self.revision}/{status}/{offset}/{limit}")

        with self._lock:
            return [
                self._batches[batch_id] for batch_id in self._listing_of(status).page(offset, limit, shuffle)
            ]

    def runs(self, series_id: str) -> list[Batch]:
        """The runs of a series, the latest first."""
        with self._lock:
            runs = [self._batches[batch_id] for batch_id in self._runs.get(series_id, ())]
            return sorted(runs, key=lambda run: run.occurrence_number or 0, reverse=True)

    def pick(self, rng: random.Random, status: str | None = None) -> Batch | None:
        """Any one of the list, or of a status of it; None when there is none."""
        with self._lock:
            listing = self._listing_of(status)
            return self._batches[listing.pick(rng)] if listing else None

    def _listing_of(self, status: str | None) -> Listing:
        return self._listing if status is None else self._statuses.get(status, _NONE)

    # --- What can happen -------------------------------------------------------------------------

    def create(self, **fields: Any) -> Batch:
        """A new batch, a draft of now unless `fields` say otherwise; what they leave open is invented."""
        with self._lock:
            moment = self._now()
            batch = self._inventor.draft(moment)
            return self._put(replace(batch, **{"created_at": moment, "updated_at": moment, **fields}))

    def change(self, batch_id: str, *, touch: bool = True, **fields: Any) -> Batch:
        """Anything at all; `touch` moves updated_at, as a change usually does."""
        with self._lock:
            stamp = {"updated_at": self._now()} if touch else {}
            return self._put(replace(self[batch_id], **{**stamp, **fields}))

    def start(self, batch_id: str) -> Batch:
        return self._move(batch_id, {"draft", "scheduled"}, status="running", started_at=self._now())

    def progress(self, batch_id: str, *, completed: int = 0, failed: int = 0, touch: bool = True) -> Batch:
        """So many more calls ended; nothing keeps their sum below the recipients, as at the source."""
        with self._lock:
            batch = self[batch_id]
            return self.change(
                batch_id,
                touch=touch,
                completed_count=(batch.completed_count or 0) + completed,
                failed_count=(batch.failed_count or 0) + failed,
            )

    def finish(self, batch_id: str, status: str = "completed") -> Batch:
        return self._move(batch_id, {"running"}, status=status, completed_at=self._now())

    def rerun(self, batch_id: str) -> Batch:
        """From the start again: counts back to 0, a new started_at, the old completed_at stays."""
        counts = {"completed_count": 0, "failed_count": 0}
        return self._move(batch_id, DONE, status="running", started_at=self._now(), **counts)

    def pause(self, batch_id: str) -> Batch:
        return self._move(batch_id, {"running", "recurring"}, status="paused")

    def resume(self, batch_id: str) -> Batch:
        """A series waits for its next run again; anything else runs."""
        with self._lock:
            return self._move(
                batch_id, {"paused"}, status="recurring" if self[batch_id].is_series else "running"
            )

    def cancel(self, batch_id: str) -> Batch:
        live = {"draft", "scheduled", "running", "paused", "recurring"}
        return self._move(batch_id, live, status="cancelled")

    def spawn_run(self, series_id: str) -> Batch:
        """The next run of a series: a batch that the list hides."""
        with self._lock:
            number = (self[series_id].recurrence_run_count or 0) + 1
            series = self.change(series_id, recurrence_run_count=number)
            return self._put(self._inventor.run_of(series, number, self._now()))

    def delete(self, batch_id: str) -> Batch:
        """It is gone; what it was is returned, for `restore`."""
        with self._lock:
            batch = self._batches.pop(batch_id)
            self._unlist(batch)
            return batch

    def restore(self, *batches: Batch) -> None:
        """Batches that were gone are back, as they were."""
        with self._lock:
            for batch in batches:
                self._put(batch)

    def vanish(self, share: float = 1.0) -> list[Batch]:
        """A share of the list is gone, drawn by the seed; all of it by default."""
        with self._lock:
            rng = random.Random(f"{self._seed}/{self.revision}/vanish")
            ids = sorted(self._listing)
            return [self.delete(batch_id) for batch_id in rng.sample(ids, round(share * len(ids)))]

    # --- How it is kept --------------------------------------------------------------------------

    def _move(self, batch_id: str, expected: Iterable[str], **fields: Any) -> Batch:
        with self._lock:
            if (status := self[batch_id].status) not in expected:
                raise ValueError(f"batch is {status}: expected one of {', '.join(sorted(expected))}")
            return self.change(batch_id, **fields)

    def _put(self, batch: Batch) -> Batch:
        if (old := self._batches.get(batch.id)) is not None:
            self._unlist(old)
        self._batches[batch.id] = batch
        self.revision += 1
        if batch.parent_batch_id is not None:
            self._runs[batch.parent_batch_id].append(batch.id)
        else:
            self._listing.add(batch)
            self._statuses[batch.status].add(batch)
        return batch

    def _unlist(self, batch: Batch) -> None:
        self.revision += 1
        if batch.parent_batch_id is not None:
            self._runs[batch.parent_batch_id].remove(batch.id)
        else:
            self._listing.remove(batch)
            self._statuses[batch.status].remove(batch)


_NONE = Listing()
