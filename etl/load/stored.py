"""What the table knows of the batches that a page may touch: enough to see what changed, and no more.

Of most rows the hash is enough, and that it is the same is all there is to know; the rest is read of those
whose hash differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from etl.interval import NEWEST, Interval
from etl.load.lookup import IsOneOf, PairsOf
from etl.tables import batch_call_history, batch_calls
from etl.transform.fields import SOURCE_COLUMNS


class Stored(NamedTuple):
    """One batch as the table has it."""

    id: str
    row_hash: int
    values_hash: int
    version: int
    changed_at: datetime
    deleted_at: datetime | None
    created_at: datetime | None = None


class Kept(NamedTuple):
    """One batch with what the table has of the source's own fields, in their order."""

    stored: Stored
    source: tuple[Any, ...]


_HISTORY = batch_call_history.c
_COLUMNS = tuple(batch_calls.c[name] for name in Stored._fields)
_SOURCE = tuple(batch_calls.c[name] for name in SOURCE_COLUMNS)

# Built once: a page takes two of them, and to build them takes longer than to run them for a few rows.
_IS_ASKED = (batch_calls.c.account == bindparam("account"), IsOneOf(batch_calls.c.id, "ids"))
_HASHES = select(PairsOf(batch_calls.c.id, batch_calls.c.row_hash))
# No condition on deleted_at: without statistics it would be taken for the rarer one, and PostgreSQL would
# hold every batch of the account against all the ids.
_HASH_IF_ALIVE = case((batch_calls.c.deleted_at.is_(None), batch_calls.c.row_hash))
_HASHES_BY_ID = select(PairsOf(batch_calls.c.id, _HASH_IF_ALIVE)).where(*_IS_ASKED)
_STORED = select(*_COLUMNS).where(*_IS_ASKED)
_KEPT = select(*_COLUMNS, *_SOURCE).where(*_IS_ASKED)
_REMOVED = (
    select(_HISTORY.id, func.max(_HISTORY.version), func.max(_HISTORY.observed_at))
    .where(_HISTORY.account == bindparam("account"), IsOneOf(_HISTORY.id, "ids"))
    .group_by(_HISTORY.id)
)


def read_hashes(connection: Connection, account: str, interval: Interval) -> dict[str, int]:
    """The hash of each batch that is there and was created in the interval, by id."""
    hashes: dict[str, int] = {}
    for condition in _parts(interval):
        hashes |= connection.execute(_HASHES.where(_is_alive(account), condition)).scalar_one()
    return hashes


def read_hashes_by_id(connection: Connection, account: str, ids: Sequence[str]) -> dict[str, int]:
    """The same of those of these ids, wherever they were created."""
    if not ids:
        return {}
    hashes = connection.execute(_HASHES_BY_ID, {"account": account, "ids": ids}).scalar_one()
    return {of_id: row_hash for of_id, row_hash in hashes.items() if row_hash is not None}


def read_stored_by_id(connection: Connection, account: str, ids: Sequence[str]) -> dict[str, Stored]:
    """The batches of these ids, wherever they were created, those that are marked deleted among them.

    What somebody removed from the table, and the history still has, counts as deleted: its versions go on.
    """
    if not ids:
        return {}
    found = connection.execute(_STORED, {"account": account, "ids": ids})
    stored = {row[0]: Stored._make(row) for row in found}
    return stored | _read_removed(connection, account, [of_id for of_id in ids if of_id not in stored])


def _read_removed(connection: Connection, account: str, ids: Sequence[str]) -> dict[str, Stored]:
    if not ids:
        return {}
    return {
        of_id: Stored(of_id, 0, 0, version, changed_at=seen_at, deleted_at=seen_at)
        for of_id, version, seen_at in connection.execute(_REMOVED, {"account": account, "ids": ids})
    }


def read_kept_by_id(connection: Connection, account: str, ids: Sequence[str]) -> dict[str, Kept]:
    """The batches of these ids with their values."""
    found = connection.execute(_KEPT, {"account": account, "ids": ids})
    split = len(_COLUMNS)
    return {row[0]: Kept(Stored._make(row[:split]), tuple(row[split:])) for row in found}


def has_any(connection: Connection, account: str) -> bool:
    """Whether the table has batches of the account, be it deleted ones, or had some once."""
    is_there = (exists().where(table.c.account == account) for table in (batch_calls, batch_call_history))
    return bool(connection.scalar(select(or_(*is_there))))


def read_owner(connection: Connection, account: str) -> str | None:
    """The owner of any batch of the account; there should be but one, and to find any is quick."""
    is_owned = (batch_calls.c.account == account) & batch_calls.c.user_id.is_not(None)
    # No bound parameter: PostgreSQL would plan for any limit, and look at all batches first.
    query = select(batch_calls.c.user_id).where(is_owned).limit(literal_column("1"))
    return connection.scalar(query)


def has_user(connection: Connection, account: str, user_id: str) -> bool:
    """Whether any batch of the account has that owner; PostgreSQL may look at all of them to tell."""
    is_theirs = exists().where(batch_calls.c.account == account, batch_calls.c.user_id == user_id)
    return bool(connection.scalar(select(is_theirs)))


def read_statuses(connection: Connection, account: str) -> dict[str, str]:
    """The status of each batch that the table has as at the source, by id."""
    query = select(batch_calls.c.id, batch_calls.c.status).where(_is_alive(account))
    return dict(connection.execute(query).tuples().all())


def count_alive(
    connection: Connection, account: str, interval: Interval, *, status: str | None = None
) -> int:
    """How many batches created in the interval, of one status or of any, the table has as at the source."""
    has_status = batch_calls.c.status == status if status is not None else true()
    query = select(func.count()).where(_is_alive(account), is_inside(interval), has_status)
    return connection.scalar(query) or 0


def count_by_status(connection: Connection, account: str) -> dict[str, int]:
    """The same for the whole account, by status."""
    status = batch_calls.c.status
    query = select(status, func.count()).where(_is_alive(account)).group_by(status)
    return {row.status: row[1] for row in connection.execute(query)}


def read_alive(connection: Connection, account: str, statuses: Iterable[str]) -> dict[str, datetime]:
    """The places of the batches that are at the source in one of these statuses, by id."""
    query = select(batch_calls.c.id, batch_calls.c.created_at).where(
        _is_alive(account), batch_calls.c.status.in_(list(statuses))
    )
    return {of_id: created_at or NEWEST for of_id, created_at in connection.execute(query)}


def _is_alive(account: str) -> ColumnElement[bool]:
    return and_(batch_calls.c.account == account, batch_calls.c.deleted_at.is_(None))


def is_inside(interval: Interval) -> ColumnElement[bool]:
    """`interval` as a condition on batch_calls; a batch without created_at is newer than all."""
    return or_(*_parts(interval))


def _parts(interval: Interval) -> Iterator[ColumnElement[bool]]:
    """It in parts of which each is found by an index: of one or the other, SQLite looks at all batches."""
    created_at = batch_calls.c.created_at
    above = created_at > interval.after if interval.after is not None else true()
    if interval.after == NEWEST:
        yield false()
    elif interval.upto is not None and interval.upto != NEWEST:
        yield and_(above, created_at <= interval.upto)
    elif interval.after is None:
        yield true()
    else:
        yield created_at.is_(None)
        yield above
