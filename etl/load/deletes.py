"""Batches that are gone from the source: noted page by page, marked deleted at the end of a proven walk.

Deciding at the end keeps three promises cheap: a run that would delete too much deletes nothing, a batch
that turns up elsewhere in the same walk was never gone, and no memory grows with the number of deletes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, text, update

from etl.load.batches import append_written
from etl.load.lookup import IsOneOf
from etl.load.stored import Stored
from etl.model import Change
from etl.proof import Proof
from etl.tables import batch_calls, sync_missing

_NOTE = text(
    "INSERT INTO sync_missing (account, id, run_id) VALUES (:account, :id, :run_id) ON CONFLICT DO NOTHING"
)
_IS_NOTED = batch_calls.c.id.in_(
    select(sync_missing.c.id).where(sync_missing.c.account == bindparam("of_account"))
)


def find_missing(proof: Proof, stored: Iterable[Stored]) -> list[str]:
    """The ids that the table has alive in the proof's interval and the page does not show.

    A page with a row that has no id proves no absence: that row may be any of them. Nor does it tell of what
    was seen after it.
    """
    if not proof.names_all:
        return []
    shown = {row.id for row in proof.rows}
    alive = [b for b in stored if b.deleted_at is None and b.changed_at <= proof.observed_at]
    return [batch.id for batch in alive if batch.id not in shown]


def note_missing(connection: Connection, account: str, run_id: int, ids: Iterable[str]) -> None:
    noted = [{"account": account, "id": of_id, "run_id": run_id} for of_id in ids]
    if noted:
        connection.execute(_NOTE, noted)


def note_all_missing(connection: Connection, account: str, run_id: int) -> None:
    """The source lists nothing at all."""
    noted = select(sync_missing.c.id).where(sync_missing.c.account == account)
    alive = select(batch_calls.c.account, batch_calls.c.id, literal(run_id)).where(
        batch_calls.c.account == account,
        batch_calls.c.deleted_at.is_(None),
        batch_calls.c.id.not_in(noted),
    )
    connection.execute(insert(sync_missing).from_select(["account", "id", "run_id"], alive))


def forget_shown(connection: Connection, account: str, ids: Iterable[str]) -> None:
    """Take back what an earlier page lacked and this one shows."""
    shown = (sync_missing.c.account == account) & IsOneOf(sync_missing.c.id, "shown")
    connection.execute(delete(sync_missing).where(shown), {"shown": list(ids)})


def forget_missing(connection: Connection, account: str) -> None:
    connection.execute(delete(sync_missing).where(sync_missing.c.account == account))


def forget_undated(connection: Connection, account: str) -> None:
    """Take back the batches without a created_at."""
    undated = select(batch_calls.c.id).where(
        batch_calls.c.account == account, batch_calls.c.created_at.is_(None)
    )
    noted = (sync_missing.c.account == account) & sync_missing.c.id.in_(undated)
    connection.execute(delete(sync_missing).where(noted))


def hold_missing(connection: Connection, account: str, run_id: int) -> None:
    """The delete guard keeps what is noted from being marked deleted."""
    connection.execute(
        update(sync_missing).where(sync_missing.c.account == account).values(held_run_id=run_id)
    )


def read_held(connection: Connection, account: str) -> set[str]:
    """The ids of the batches that the delete guard keeps from being marked deleted."""
    is_held = (sync_missing.c.account == account) & sync_missing.c.held_run_id.is_not(None)
    return set(connection.scalars(select(sync_missing.c.id).where(is_held)))


def count_missing(connection: Connection, account: str) -> int:
    query = select(func.count()).select_from(sync_missing).where(sync_missing.c.account == account)
    return connection.scalar(query) or 0


def delete_missing(connection: Connection, account: str, run_id: int, observed_at: datetime) -> None:
    """Mark what is noted as deleted, with a row of history each; the notes go."""
    connection.execute(
        update(batch_calls)
        .where(batch_calls.c.account == account, batch_calls.c.deleted_at.is_(None), _IS_NOTED)
        .values(
            deleted_at=observed_at, changed_at=observed_at, run_id=run_id, version=batch_calls.c.version + 1
        ),
        {"of_account": account},
    )
    append_written(connection, Change.DELETED, account, run_id, observed_at, _IS_NOTED)
    forget_missing(connection, account)
