"""Writes batches and their history: the table shows the newest state, the history every one that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from etl.load.bulk import append, upsert
from etl.load.changes import Write
from etl.tables import batch_call_history, batch_calls
from etl.transform.fields import COLUMNS

_OWN = ("first_seen_at", "changed_at", "deleted_at", "run_id", "version", "row_hash", "values_hash")
BATCH_COLUMNS = ("account", *COLUMNS, *_OWN)
_OWN_OF_HISTORY = ("account", "id", "version", "observed_at", "run_id", "change")
SNAPSHOT_COLUMNS = tuple(c.name for c in batch_call_history.c if c.name not in _OWN_OF_HISTORY)
HISTORY_COLUMNS = (*_OWN_OF_HISTORY, *SNAPSHOT_COLUMNS)
_SNAPSHOT = tuple(COLUMNS.index(name) for name in SNAPSHOT_COLUMNS)


def save_batches(
    connection: Connection, account: str, run_id: int, observed_at: datetime, writes: Sequence[Write]
) -> None:
    """Write batches as observed at that instant, each with a new row of history."""
    batches, history = [], []
    for write in writes:
        values = write.record.values
        own = (observed_at, observed_at, None, run_id, write.version, write.row_hash, write.values_hash)
        batches.append((account, *values, *own))
        seen = (account, write.record.id, write.version, observed_at, run_id, write.change)
        history.append((*seen, *[values[at] for at in _SNAPSHOT]))
    keep = frozenset({"first_seen_at"})
    upsert(connection, batch_calls, BATCH_COLUMNS, batches, keep=keep, newer_by="changed_at")
    append(connection, batch_call_history, HISTORY_COLUMNS, history)


def save_respelled(connection: Connection, account: str, respelled: Sequence[tuple[str, int]]) -> None:
    """Note the new bytes of rows whose values are the same as before: their hash, and nothing else."""
    if respelled:
        statement = (
            update(batch_calls)
            .where(batch_calls.c.account == account, batch_calls.c.id == bindparam("of_id"))
            .values(row_hash=bindparam("new_hash"))
        )
        connection.execute(statement, [{"of_id": of_id, "new_hash": new} for of_id, new in respelled])
