"""Which intervals of created_at were proven when: the answer to "how stale can any number be?".

The intervals of an account never overlap: a newer proof replaces what it covers of older ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from etl.interval import Interval
from etl.tables import sync_coverage

_LOWEST = datetime.min.replace(tzinfo=UTC)
_HIGHEST = datetime.max.replace(tzinfo=UTC)


class Covered(NamedTuple):
    """An interval, and when every batch in it was last read with proof."""

    interval: Interval
    proven_at: datetime


def read_coverage(connection: Connection, account: str) -> list[Covered]:
    """The account's intervals, newest first."""
    columns = (sync_coverage.c.created_from, sync_coverage.c.created_to, sync_coverage.c.proven_at)
    query = select(*columns).where(sync_coverage.c.account == account)
    found = [Covered(Interval(after=after, upto=upto), at) for after, upto, at in connection.execute(query)]
    return sorted(found, key=lambda covered: _top(covered.interval), reverse=True)


def save_coverage(connection: Connection, account: str, proven: Covered) -> None:
    """Record a new proof; where it touches older ones, they are cut or go."""
    kept = list(cut_out(read_coverage(connection, account), proven.interval))
    connection.execute(delete(sync_coverage).where(sync_coverage.c.account == account))
    connection.execute(insert(sync_coverage), [_values(account, covered) for covered in [*kept, proven]])


def cut_out(older: Iterable[Covered], interval: Interval) -> Iterator[Covered]:
    """What is left of older proofs outside the interval."""
    for covered in older:
        for rest in _outside(covered.interval, interval):
            yield Covered(rest, covered.proven_at)


def _outside(whole: Interval, cut: Interval) -> Iterator[Interval]:
    """The parts of `whole` above and below `cut`."""
    if cut.upto is not None and _top(whole) > cut.upto:
        yield Interval(after=max(cut.upto, _bottom(whole)), upto=whole.upto)
    if cut.after is not None and _bottom(whole) < cut.after:
        yield Interval(after=whole.after, upto=min(cut.after, _top(whole)))


def _top(interval: Interval) -> datetime:
    return interval.upto if interval.upto is not None else _HIGHEST


def _bottom(interval: Interval) -> datetime:
    return interval.after if interval.after is not None else _LOWEST


def _values(account: str, covered: Covered) -> dict[str, object]:
    return {
        "account": account,
        "created_from": covered.interval.after,
        "created_to": covered.interval.upto,
        "proven_at": covered.proven_at,
    }
