"""Writes batches and their history: the table shows the newest state, the history every one that was seen.

History is copied inside the database from rows that are there already, so that no value goes there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, bindparam, insert, literal, select, update

from etl.load.bulk import Values, insert_new, is_one_of, upsert
from etl.load.changes import Write
from etl.model import Change
from etl.tables import batch_call_history, batch_calls
from etl.transform.fields import COLUMNS

_OWN = ("first_seen_at", "changed_at", "deleted_at", "run_id", "version", "row_hash", "values_hash")
BATCH_COLUMNS = ("account", *COLUMNS, *_OWN)
_KEPT = frozenset({"first_seen_at"})
_OWN_OF_HISTORY = ("account", "id", "version", "observed_at", "run_id", "change")
SNAPSHOT_COLUMNS = tuple(c.name for c in batch_call_history.c if c.name not in _OWN_OF_HISTORY)


def save_batches(
    connection: Connection,
    account: str,
    run_id: int,
    observed_at: datetime,
    writes: Sequence[Write],
    *,
    all_new: bool = False,
) -> None:
    """Write batches as observed at that instant, each with a new row of history.

    `all_new`: that the table has none of them was not looked up. Raises DuplicateKeyError where it has.
    """
    for change in Change:
        of_kind = [write for write in writes if write.change is change]
        if not of_kind:
            continue
        rows = _rows(account, run_id, observed_at, of_kind)
        if all_new:
            written = insert_new(connection, batch_calls, BATCH_COLUMNS, rows)
        else:
            written = upsert(connection, batch_calls, BATCH_COLUMNS, rows, keep=_KEPT, newer_by="changed_at")
        if written is None:
            among = is_one_of(connection, batch_calls.c.id, [write.record.id for write in of_kind])
            written = select_written(account, run_id, observed_at, among)
        append_history(connection, change, written)


def _rows(account: str, run_id: int, observed_at: datetime, writes: Sequence[Write]) -> list[Values]:
    return [
        (
            account,
            *write.record.values,
            *(observed_at, observed_at, None, run_id, write.version, write.row_hash, write.values_hash),
        )
        for write in writes
    ]


def select_written(
    account: str, run_id: int, observed_at: datetime, among: ColumnElement[bool]
) -> FromClause:
    """What the run wrote at that instant among these batches, as the table has them now."""
    return (
        select(batch_calls)
        .where(
            batch_calls.c.account == account,
            among,
            batch_calls.c.run_id == run_id,
            batch_calls.c.changed_at == observed_at,
        )
        .subquery()
    )


def append_history(connection: Connection, change: Change, written: FromClause) -> None:
    """Note the change of batches that were just written."""
    row = written.c
    own = (row.account, row.id, row.version, row.changed_at, row.run_id, literal(str(change)))
    snapshot = select(*own, *(row[name] for name in SNAPSHOT_COLUMNS))
    columns = [*_OWN_OF_HISTORY, *SNAPSHOT_COLUMNS]
    connection.execute(insert(batch_call_history).from_select(columns, snapshot))


def save_respelled(connection: Connection, account: str, respelled: Sequence[tuple[str, int]]) -> None:
    """Note the new bytes of rows whose values are the same as before: their hash, and nothing else."""
    if respelled:
        statement = (
            update(batch_calls)
            .where(batch_calls.c.account == account, batch_calls.c.id == bindparam("of_id"))
            .values(row_hash=bindparam("new_hash"))
        )
        connection.execute(statement, [{"of_id": of_id, "new_hash": new} for of_id, new in respelled])
