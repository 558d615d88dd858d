"""Why a batch is not in the table as the source lists it, decided without effects.

A difference is explained when the source can have made it after the batch was last proven, and that is not
longer ago than every batch is to be proven again: no sync could know. Anything else a sync should have
prevented. What the source says of its own times is held against ours with some tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.coverage import Covered
from etl.interval import NEWEST
from etl.load.stored import Kept
from etl.proof import Row
from etl.transform.fields import SOURCE_COLUMNS, Record
from etl.transform.records import Rejection, parse_record, values_hash
from etl.transform.statuses import ENDED_STATUSES
from etl.verify.verdict import Difference, Kind

# The source's clock and ours are taken to differ by no more; and what it creates shows up no later.
CLOCKS_APART = timedelta(minutes=5)

_STATUS = SOURCE_COLUMNS.index("status")
_CREATED_AT = SOURCE_COLUMNS.index("created_at")
_UPDATED_AT = SOURCE_COLUMNS.index("updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows of an account, beside its batches."""

    now: datetime
    max_age: timedelta
    coverage: Sequence[Covered]  # newest first
    synced_at: datetime | None  # when the last complete sync began to read
    held: frozenset[str]  # ids of batches whose deletes are held back
    set_aside: Mapping[int, str | None]  # rows that are known to be unreadable: the hash and the id of each

    def proven_at(self, place: datetime | None) -> datetime | None:
        """When what was created there was last read with proof; every sync reads the top of the list."""
        if place is not None:
            for covered in self.coverage:
                if place in covered.interval:
                    return covered.proven_at
        return self.synced_at if place is None or self._is_at_top(place) else None

    def _is_at_top(self, place: datetime) -> bool:
        top = self.coverage[0].interval.upto if self.coverage else None
        return top is None or place > top


def compare(row: Row, kept: Kept | None, known: Known) -> Difference | None:
    """A row of the list and what the table has of that batch."""
    if kept is not None and kept.stored.deleted_at is not None:
        since = max(kept.stored.deleted_at, known.proven_at(row.place) or kept.stored.deleted_at)
        return _aged(known, row.id, Kind.RETURNED, "listed again since it was marked deleted", since)
    outcome = parse_record(row.raw)
    if isinstance(outcome, Rejection):
        return _explain_unreadable(row, kept, known)
    if kept is None:
        return _explain_absent(row, known)
    return _compare_values(row, outcome.record, kept, known)


def explain_gone(of_id: str, kept: Kept, known: Known) -> Difference:
    """A batch that the table has and the list does not."""
    if of_id in known.held:
        what = "gone from the source, as a sync has seen; `magpipe-etl status` says why it is not marked"
        return Difference(id=of_id, kind=Kind.HELD, what=what, explained=False)
    since = _right_until(kept, known)
    return _aged(known, of_id, Kind.GONE, "gone from the source since it was last proven", since)


def _compare_values(row: Row, record: Record, kept: Kept, known: Known) -> Difference | None:
    stored = kept.stored
    shown = record.values[: len(SOURCE_COLUMNS)]
    differing = [
        name for name, ours, theirs in zip(SOURCE_COLUMNS, kept.source, shown, strict=True) if ours != theirs
    ]
    if stored.row_hash == row.row_hash or stored.values_hash == values_hash(record):
        if not differing:
            return None
        what = f"the table has other values than those that were loaded: {', '.join(differing)}"
        return Difference(id=row.id, kind=Kind.UNEXPLAINED, what=what, explained=False)
    return _explain_changed(record, kept, ", ".join(differing) or "extra", known)


def _explain_changed(record: Record, kept: Kept, fields: str, known: Known) -> Difference:
    since = _right_until(kept, known)
    updated_at = record.updated_at
    has_moved = updated_at is not None and updated_at != kept.source[_UPDATED_AT]
    if has_moved and updated_at is not None and updated_at < since - CLOCKS_APART:
        what = f"changed, as the source says, before it was last proven, and not in the table: {fields}"
        return Difference(id=record.id, kind=Kind.UNEXPLAINED, what=what, since=since, explained=False)
    return _aged(known, record.id, Kind.CHANGED, f"changed since it was last proven: {fields}", since)


def _explain_unreadable(row: Row, kept: Kept | None, known: Known) -> Difference | None:
    """A row that cannot be loaded; one that an earlier version could is in the table as it is."""
    if kept is not None and kept.stored.row_hash == row.row_hash:
        return None
    if row.row_hash in known.set_aside:
        what = "it cannot be read, and is set aside: `magpipe-etl quarantine list` shows why"
        return Difference(id=row.id, kind=Kind.SET_ASIDE, what=what, explained=True)
    if kept is None:
        return _explain_absent(row, known)
    what = "changed since it was last proven, and cannot be read now"
    return _aged(known, row.id, Kind.CHANGED, what, _right_until(kept, known))


def _explain_absent(row: Row, known: Known) -> Difference:
    """A batch that the list has and the table does not."""
    proven_at = known.proven_at(row.place)
    if proven_at is None:
        what = "in a part of the list that no sync has read with proof yet"
        return Difference(id=row.id, kind=Kind.NOT_READ, what=what, explained=False)
    if row.id is not None and row.id in known.set_aside.values():
        what = "set aside when it was last proven, and otherwise at the source now"
        return _aged(known, row.id, Kind.SET_ASIDE, what, proven_at)
    created_at = row.place if row.place is not None and row.place != NEWEST else None
    if created_at is not None and created_at < proven_at - CLOCKS_APART:
        what = "created before its time was last proven, and not in the table"
        return Difference(id=row.id, kind=Kind.UNEXPLAINED, what=what, since=proven_at, explained=False)
    return _aged(known, row.id, Kind.CREATED, "created since the last sync", created_at or proven_at)


def _right_until(kept: Kept, known: Known) -> datetime:
    """When the table was last known to have the batch as the source did; every sync reads those alive."""
    seen = [kept.stored.changed_at, known.proven_at(kept.source[_CREATED_AT] or NEWEST)]
    if kept.source[_STATUS] not in ENDED_STATUSES:
        seen.append(known.synced_at)
    return max(moment for moment in seen if moment is not None)


def _aged(known: Known, of_id: str | None, kind: Kind, what: str, since: datetime) -> Difference:
    """A difference that is explained while it is younger than what a sync may leave unread."""
    is_young = known.now - since <= known.max_age
    late = "" if is_young else ", longer ago than every batch is to be proven again"
    return Difference(id=of_id, kind=kind, what=what + late, since=since, explained=is_young)
