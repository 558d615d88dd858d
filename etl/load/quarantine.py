"""Rows, and single fields, that could not be read: set aside once, kept as long as the source shows them so.

An entry belongs to the bytes it was made of. While a page shows the very same bytes it stays; once the batch
comes with others, or is gone, it is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from etl.load.changes import Changes, Fault
from etl.load.lookup import IsOneOf
from etl.proof import Row
from etl.tables import quarantine, sync_runs

_IS_OPEN = quarantine.c.resolved_at.is_(None)


class _Entry(NamedTuple):
    quarantine_id: int
    id: str | None
    raw_hash: int
    field: str | None
    last_run_id: int


_OPEN = select(*(quarantine.c[name] for name in _Entry._fields)).where(
    quarantine.c.account == bindparam("account"), _IS_OPEN
)
_BY_ID = _OPEN.where(IsOneOf(quarantine.c.id, "keys"))
_BY_BYTES = _OPEN.where(quarantine.c.id.is_(None), IsOneOf(quarantine.c.raw_hash, "keys"))


def has_open(connection: Connection, account: str) -> bool:
    return bool(connection.scalar(select(exists().where(quarantine.c.account == account, _IS_OPEN))))


def read_set_aside(connection: Connection, account: str) -> dict[int, str | None]:
    """The rows that could not be loaded, by their hash, with the id where that can be read."""
    query = select(quarantine.c.raw_hash, quarantine.c.id).where(
        quarantine.c.account == account, _IS_OPEN, quarantine.c.row_loaded.is_(False)
    )
    return dict(connection.execute(query).tuples().all())


def save_faults(
    connection: Connection,
    account: str,
    run_id: int,
    observed_at: datetime,
    rows: Sequence[Row],
    changes: Changes,
) -> int:
    """Bring the quarantine up to date with what a page shows: new faults in, mended ones resolved.

    What an earlier version set aside and this one has read is mended, too. Returns how many rows were set
    aside that no page of this run had shown: pages overlap.
    """
    entries = _read_open(connection, account, rows)
    faulty = {(fault.row.row_hash, fault.field) for fault in changes.faults}
    as_before = {row.row_hash for row in rows} - changes.read
    still_so = [e for e in entries if e.raw_hash in as_before or (e.raw_hash, e.field) in faulty]
    mended = [entry for entry in entries if entry not in still_so]
    _update(connection, still_so, last_run_id=run_id)
    _update(connection, mended, resolved_at=observed_at)
    known = {(entry.raw_hash, entry.field) for entry in entries}
    new = [fault for fault in changes.faults if (fault.row.row_hash, fault.field) not in known]
    if new:
        connection.execute(
            insert(quarantine), [_values(fault, account, run_id, observed_at) for fault in new]
        )
    met = {entry.raw_hash for entry in entries if entry.last_run_id == run_id}
    return len({fault.row.row_hash for fault in changes.faults if not fault.row_loaded} - met)


def resolve_vanished(
    connection: Connection, account: str, run_id: int, observed_at: datetime, *, since: datetime
) -> None:
    """Resolve what was seen by earlier runs only, all of which had ended when the list was read `since` then.

    The whole list: by this run, or one part of it by this and another by that.
    """
    ended = select(sync_runs.c.run_id).where(
        sync_runs.c.account == account, sync_runs.c.heartbeat_at <= since, sync_runs.c.run_id != run_id
    )
    connection.execute(
        update(quarantine)
        .where(quarantine.c.account == account, _IS_OPEN, quarantine.c.last_run_id.in_(ended))
        .values(resolved_at=observed_at)
    )


def _read_open(connection: Connection, account: str, rows: Iterable[Row]) -> list[_Entry]:
    """The open entries of the page's batches, and those of rows without an id that are just as they were.

    By a query each: of either or the other, every open entry of the account might be looked at.
    """
    ids = [row.id for row in rows if row.id is not None]
    nameless = [row.row_hash for row in rows if row.id is None]
    asked = [(_BY_ID, ids), (_BY_BYTES, nameless)]
    found = (connection.execute(query, {"account": account, "keys": keys}) for query, keys in asked if keys)
    return [_Entry._make(row) for rows_of_query in found for row in rows_of_query]


def _update(connection: Connection, entries: Sequence[_Entry], **values: object) -> None:
    if entries:
        among = IsOneOf(quarantine.c.quarantine_id, "among")
        numbers = [entry.quarantine_id for entry in entries]
        connection.execute(update(quarantine).where(among).values(**values), {"among": numbers})


def _values(fault: Fault, account: str, run_id: int, observed_at: datetime) -> dict[str, object]:
    return {
        "account": account,
        "id": fault.row.id,
        "run_id": run_id,
        "last_run_id": run_id,
        "field": fault.field,
        "reason": fault.reason,
        "raw": _storable(fault.row.raw),
        "raw_hash": fault.row.row_hash,
        "row_loaded": fault.row_loaded,
        "seen_at": observed_at,
    }


def _storable(raw: bytes) -> str:
    """The row as text that every database takes: what is no UTF-8, and NUL, is spelled out."""
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\u0000")
