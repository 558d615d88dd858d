"""The coverage of each account, in its table: which intervals of created_at were proven when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from etl.coverage import Covered, add_closed, in_order
from etl.interval import EVERYTHING, Interval
from etl.proof import Proof
from etl.tables import sync_coverage


def read_coverage(connection: Connection, account: str) -> list[Covered]:
    """The account's intervals, newest first."""
    return in_order(_read_by_row(connection, account).values())


def _read_by_row(connection: Connection, account: str) -> dict[int, Covered]:
    """The account's intervals by the number of their row."""
    row = sync_coverage.c
    query = select(row.coverage_id, row.created_from, row.created_to, row.proven_at)
    found = connection.execute(query.where(row.account == account))
    return {number: Covered(Interval(after=after, upto=upto), at) for number, after, upto, at in found}


def save_coverage(
    connection: Connection,
    account: str,
    proofs: Iterable[Proof],
    *,
    since: datetime,
    only: Interval = EVERYTHING,
) -> None:
    """Record what new proofs say of `only`; where they touch older ones, these are cut or go.

    `since` is when the run, or the first attempt at the same, began: what was proven before is kept apart.
    """
    rows = _read_by_row(connection, account)
    merged = older = in_order(rows.values())
    for proof in proofs:
        merged = add_closed(merged, proof, since=since, only=only)
    # A page touches one or two intervals of many: the others' rows stay.
    over = [number for number, covered in rows.items() if covered not in merged]
    new = [_values(account, covered) for covered in merged if covered not in older]
    if over:
        connection.execute(delete(sync_coverage).where(sync_coverage.c.coverage_id.in_(over)))
    if new:
        connection.execute(insert(sync_coverage), new)


def _values(account: str, covered: Covered) -> dict[str, object]:
    return {
        "account": account,
        "created_from": covered.interval.after,
        "created_to": covered.interval.upto,
        "proven_at": covered.proven_at,
    }
