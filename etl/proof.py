"""What a read of the source proves, on its way from the walk to the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from etl.interval import NEWEST, Interval


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row as received. `place` is its created_at, NEWEST for none, None where that cannot be told."""

    raw: bytes
    row_hash: int
    id: str | None
    place: datetime | None

    @property
    def identity(self) -> str | int:
        """What tells it from the other rows of a walk, also when it has no readable id."""
        return self.row_hash if self.id is None else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What one page adds: every batch listed in `interval` at `observed_at` is among `rows`.

    `rows`, newest first, also holds those of the page whose place cannot be told.
    """

    interval: Interval
    rows: tuple[Row, ...]
    observed_at: datetime

    @property
    def newest(self) -> datetime | None:
        """The newest created_at among the rows."""
        return next((row.place for row in self.rows if row.place not in (None, NEWEST)), None)

    def within(self, interval: Interval) -> Proof | None:
        """What the proof says of an interval; None when that is nothing."""
        common = self.interval & interval
        if common is None:
            return None
        if common == self.interval:
            return self
        rows = tuple(row for row in self.rows if row.place is None or row.place in common)
        return Proof(interval=common, rows=rows, observed_at=self.observed_at)

    @property
    def names_all(self) -> bool:
        """Whether every row has an id; otherwise no absence can be told from it."""
        return all(row.id is not None for row in self.rows)
