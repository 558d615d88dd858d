"""Which rows of a page mean a change, decided without a database.

A row whose bytes are known is unchanged and is not even decoded. One whose bytes differ is read; when its
values are the same all the same, only its hash is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from etl.load.stored import Stored
from etl.model import Change
from etl.proof import Row
from etl.transform.fields import Record
from etl.transform.records import Note, Parsed, Rejection, parse_records, values_hash


class Write(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A batch to be written, and why."""

    record: Record
    change: Change
    version: int
    row_hash: int
    values_hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row, or one field of it, that could not be read."""

    row: Row
    field: str | None
    reason: str
    row_loaded: bool


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a page's rows come to."""

    writes: list[Write] = field(default_factory=list)
    respelled: list[tuple[str, int]] = field(default_factory=list)  # id and the hash of its new bytes
    unchanged: int = 0  # the respelled ones among them
    faults: list[Fault] = field(default_factory=list)
    unknown_fields: set[str] = field(default_factory=set)
    statuses: set[str] = field(default_factory=set)  # of the rows that were read
    users: set[str] = field(default_factory=set)  # owners of the rows that were read
    undated: int = 0  # rows without a created_at that stand below others
    moved: int = 0  # rows whose created_at is another than before, which cannot be

    @property
    def read(self) -> set[int]:
        """The hashes of the rows that were read, rather than known by their bytes, and can be loaded."""
        return {write.row_hash for write in self.writes} | {new_hash for _, new_hash in self.respelled}

    def count(self, change: Change) -> int:
        return sum(write.change is change for write in self.writes)


def find_changes(rows: Iterable[Row], stored: Mapping[str, Stored], observed_at: datetime) -> Changes:
    """Compare rows with what is stored of them."""
    changes = Changes()
    unknown = []
    for row in rows:
        known = stored.get(row.id) if row.id is not None else None
        if known is not None and known.row_hash == row.row_hash and known.deleted_at is None:
            changes.unchanged += 1
        elif known is not None and known.changed_at > observed_at:
            changes.unchanged += 1  # an older observation says nothing about a newer one
        else:
            unknown.append((row, known))
    outcomes = parse_records([row.raw for row, _ in unknown])
    for (row, known), outcome in zip(unknown, outcomes, strict=True):
        if isinstance(outcome, Rejection):
            fault = Fault(row=row, field=outcome.field, reason=outcome.reason, row_loaded=False)
            changes.faults.append(fault)
        else:
            _note(row, outcome, known, changes)
    return changes


def _note(row: Row, parsed: Parsed, known: Stored | None, changes: Changes) -> None:
    record = parsed.record
    changes.statuses.add(record.status)
    if record.user_id is not None:
        changes.users.add(record.user_id)
    if row.place is None and record.created_at is None:
        changes.undated += 1
    if known is not None and known.created_at not in (None, record.created_at):
        changes.moved += 1
    if parsed.unknown_fields or parsed.notes:
        changes.unknown_fields.update(parsed.unknown_fields)
        changes.faults.extend(_fault(row, note) for note in parsed.notes)
    write = decide_write(parsed, known, row.row_hash)
    if write is None:
        changes.unchanged += 1
        changes.respelled.append((record.id, row.row_hash))
    else:
        changes.writes.append(write)


def decide_write(parsed: Parsed, known: Stored | None, row_hash: int) -> Write | None:
    """What to write for a row that was read; None when the table has the very same values."""
    hash_of_values = values_hash(parsed.record)
    change = _change(known, hash_of_values)
    if change is None:
        return None
    return Write(
        record=parsed.record,
        change=change,
        version=known.version + 1 if known else 1,
        row_hash=row_hash,
        values_hash=hash_of_values,
    )


def _change(known: Stored | None, hash_of_values: int) -> Change | None:
    if known is None:
        return Change.INSERTED
    if known.deleted_at is not None:
        return Change.REVIVED
    return None if known.values_hash == hash_of_values else Change.UPDATED


def _fault(row: Row, note: Note) -> Fault:
    return Fault(row=row, field=note.field, reason=note.reason, row_loaded=True)
