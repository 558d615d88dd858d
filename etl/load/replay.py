"""Tries rows that were set aside with today's rules, against what the table has by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from etl.load.batches import save_batches
from etl.load.changes import Write, decide_write
from etl.load.stored import Stored, read_stored_by_id
from etl.model import Change, Tally
from etl.tables import quarantine
from etl.transform.records import Parsed, parse_record

_PAGE = 500


class Entry(NamedTuple):
    """One open entry of the quarantine."""

    quarantine_id: int
    field: str | None
    raw: str
    raw_hash: int
    seen_at: datetime


def read_accounts(connection: Connection) -> list[str]:
    """The accounts that have open entries."""
    query = select(quarantine.c.account).where(quarantine.c.resolved_at.is_(None)).distinct()
    return sorted(connection.scalars(query))


def read_entries(connection: Connection, account: str, after: int) -> list[Entry]:
    """The next open entries behind that `quarantine_id`, a few hundred at most."""
    columns = [quarantine.c[name] for name in Entry._fields]
    query = (
        select(*columns)
        .where(
            quarantine.c.account == account,
            quarantine.c.resolved_at.is_(None),
            quarantine.c.quarantine_id > after,
        )
        .order_by(quarantine.c.quarantine_id)
        .limit(_PAGE)
    )
    return [Entry._make(row) for row in connection.execute(query)]


def replay_entries(
    connection: Connection, account: str, run_id: int, now: datetime, entries: Sequence[Entry]
) -> Tally:
    """Load what can be read now and resolve its entries; the others stay open."""
    outcomes = {entry.raw_hash: parse_record(entry.raw.encode()) for entry in entries}
    readable = {raw_hash: parsed for raw_hash, parsed in outcomes.items() if isinstance(parsed, Parsed)}
    stored = read_stored_by_id(connection, account, [parsed.record.id for parsed in readable.values()])
    resolved = [entry for entry in entries if _is_resolved(entry, readable.get(entry.raw_hash))]
    writes = _decide_writes(resolved, readable, stored)
    save_batches(connection, account, run_id, now, writes)
    _resolve(connection, resolved, now)
    changes = [write.change for write in writes]
    return Tally(
        rows_seen=len(outcomes),
        inserted=changes.count(Change.INSERTED),
        updated=changes.count(Change.UPDATED),
        revived=changes.count(Change.REVIVED),
        unchanged=len(readable) - len(writes),
        quarantined=len(outcomes) - len(readable),
    )


def _is_resolved(entry: Entry, parsed: Parsed | None) -> bool:
    """Whether what was wrong with the row, or with the field, is wrong no longer."""
    return parsed is not None and entry.field not in {note.field for note in parsed.notes}


def _decide_writes(
    entries: Sequence[Entry], readable: Mapping[int, Parsed], stored: Mapping[str, Stored]
) -> list[Write]:
    """What to write of these; of several entries of one batch, the last says it."""
    writes: dict[str, Write] = {}
    for entry in entries:
        parsed = readable[entry.raw_hash]
        known = stored.get(parsed.record.id)
        write = decide_write(parsed, known, entry.raw_hash) if _is_current(entry, known) else None
        if write is not None:
            writes[parsed.record.id] = write
    return list(writes.values())


def _resolve(connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
    ids = [entry.quarantine_id for entry in entries]
    connection.execute(update(quarantine).where(quarantine.c.quarantine_id.in_(ids)).values(resolved_at=now))


def _is_current(entry: Entry, known: Stored | None) -> bool:
    """Whether the entry's row is no older than what the table has: an older one must not overwrite it."""
    if known is None or known.changed_at <= entry.seen_at:
        return True
    return known.row_hash == entry.raw_hash and known.deleted_at is None
