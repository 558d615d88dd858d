"""Writes batches and their history: the table shows the newest state, the history every one that was seen.

History is copied inside the database from rows that are there already, so that no value goes there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, FromClause, Insert, Text, bindparam, insert, select, update

from etl.load.bulk import Values, Written, insert_new, upsert
from etl.load.changes import Write
from etl.load.lookup import IsOneOf
from etl.model import Change
from etl.tables import batch_call_history, batch_calls
from etl.transform.fields import COLUMNS, Record

_OWN = ("first_seen_at", "changed_at", "deleted_at", "run_id", "version", "row_hash", "values_hash")
BATCH_COLUMNS = ("account", *COLUMNS, *_OWN)
_KEPT = frozenset({"first_seen_at"})
_IS_ONE_OF_THESE = IsOneOf(batch_calls.c.id, "ids")
_IS_OF_THE_TIME = batch_calls.c.created_at.between(bindparam("oldest"), bindparam("newest"))
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

    `all_new`: they are a whole page's, and that the table has none of them was not looked up. Raises
    DuplicateKeyError where it has.
    """
    for change in Change:
        # In the order of their key: what of its index is next to each other is touched together.
        of_kind = sorted((w for w in writes if w.change is change), key=lambda write: write.record.id)
        if not of_kind:
            continue
        rows = _rows(account, run_id, observed_at, of_kind)
        if all_new:
            written = insert_new(connection, batch_calls, BATCH_COLUMNS, rows)
        else:
            written = upsert(connection, batch_calls, BATCH_COLUMNS, rows, keep=_KEPT, newer_by="changed_at")
        if written is not None:
            append_history(connection, change, written)
        else:
            among, parameters = _find_again([write.record for write in of_kind], all_new=all_new)
            append_written(connection, change, account, run_id, observed_at, among, **parameters)


def _find_again(records: Sequence[Record], *, all_new: bool) -> tuple[ColumnElement[bool], dict[str, object]]:
    """By what the table's batches are found that these became, and the condition's parameters.

    Those of a page that is all new are what there is of their time: to find each of them takes longer.
    """
    if all_new:
        times = [record.created_at for record in records if record.created_at is not None]
        if len(times) == len(records):
            return _IS_OF_THE_TIME, {"oldest": min(times), "newest": max(times)}
    return _IS_ONE_OF_THESE, {"ids": [record.id for record in records]}


def _rows(account: str, run_id: int, observed_at: datetime, writes: Sequence[Write]) -> list[Values]:
    return [
        (
            account,
            *write.record.values,
            *(observed_at, observed_at, None, run_id, write.version, write.row_hash, write.values_hash),
        )
        for write in writes
    ]


def append_history(connection: Connection, change: Change, written: Written) -> None:
    """Note the change of the batches that were written."""
    connection.execute(_copy(written.source), {"as_change": change, **written.parameters})


def append_written(
    connection: Connection,
    change: Change,
    account: str,
    run_id: int,
    observed_at: datetime,
    among: ColumnElement[bool],
    **parameters: object,
) -> None:
    """Note the change of what the run wrote at that instant among some batches, as the table has them now.

    `among`, with its parameters, is to be one of few conditions: what follows from it is kept.
    """
    written = {"of_account": account, "of_run": run_id, "written_at": observed_at}
    connection.execute(_copy(batch_calls, among), {"as_change": change, **written, **parameters})


@cache
def _copy(source: FromClause, among: ColumnElement[bool] | None = None) -> Insert:
    """Built once: to build what names so many columns takes longer than to run it for a few rows."""
    row = source.c
    own = (row.account, row.id, row.version, row.changed_at, row.run_id, bindparam("as_change", type_=Text))
    snapshot = select(*own, *(row[name] for name in SNAPSHOT_COLUMNS))
    if among is not None:
        snapshot = snapshot.where(*_WRITTEN, among)
    return insert(batch_call_history).from_select([*_OWN_OF_HISTORY, *SNAPSHOT_COLUMNS], snapshot)


_WRITTEN = (
    batch_calls.c.account == bindparam("of_account"),
    batch_calls.c.run_id == bindparam("of_run"),
    batch_calls.c.changed_at == bindparam("written_at"),
)


def save_respelled(connection: Connection, account: str, respelled: Sequence[tuple[str, int]]) -> None:
    """Note the new bytes of rows whose values are the same as before: their hash, and nothing else."""
    rows = [{"of_account": account, "of_id": of_id, "row_hash": new} for of_id, new in respelled]
    if rows:
        connection.execute(_SAVE_HASH, rows)


_SAVE_HASH = update(batch_calls).where(
    batch_calls.c.account == bindparam("of_account"), batch_calls.c.id == bindparam("of_id")
)
