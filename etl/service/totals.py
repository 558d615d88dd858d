"""What all runs add up to, by account, mode and status, for counters that never go back.

The table of runs grows for years, and is asked for its sums every few seconds: what was added up once is not
read again, but for the runs that were under way then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, or_, select

from etl.model import RunStatus
from etl.tables import sync_runs

ROW_OUTCOMES = ("inserted", "updated", "unchanged", "deleted", "revived", "quarantined")
SUMMED = ("requests", "retries", "rate_limited", *ROW_OUTCOMES)


class Kind(NamedTuple):
    """What runs are added up by."""

    account: str
    mode: str
    status: str


class Sums(NamedTuple):
    """How many runs there were, and the sums of what they did by the columns' names."""

    runs: int
    of: Mapping[str, int]

    def __add__(self, other: object) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        return Sums(self.runs + other.runs, {name: self.of[name] + other.of[name] for name in SUMMED})


NOTHING = Sums(0, MappingProxyType(dict.fromkeys(SUMMED, 0)))


class Totals:
    """Adds up, reading on from where it has read before. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[Kind, Sums] = {}
        self._upto = 0
        self._open: tuple[int, ...] = ()  # runs that were under way when they were passed

    def read(self, connection: Connection) -> Mapping[Kind, Sums]:
        """The sums of all runs that have ended."""
        with self._lock:
            newest = connection.scalar(select(func.max(sync_runs.c.run_id))) or 0
            if newest < self._upto:  # another database, or an older copy of this one
                self._sums, self._upto, self._open = {}, 0, ()
            for kind, sums in self._read_new(connection):
                self._sums[kind] = self._sums.get(kind, NOTHING) + sums
            self._open = self._read_open(connection)
            self._upto = newest
            return dict(self._sums)

    def _read_new(self, connection: Connection) -> Iterable[tuple[Kind, Sums]]:
        by = [sync_runs.c[name] for name in Kind._fields]
        sums = [func.sum(sync_runs.c[name]).label(name) for name in SUMMED]
        is_over = sync_runs.c.status != RunStatus.RUNNING
        query = select(*by, func.count(), *sums).where(self._is_new(), is_over).group_by(*by)
        for account, mode, status, runs, *found in connection.execute(query):
            yield Kind(account, mode, status), Sums(runs, dict(zip(SUMMED, map(int, found), strict=True)))

    def _read_open(self, connection: Connection) -> tuple[int, ...]:
        is_open = sync_runs.c.status == RunStatus.RUNNING
        return tuple(connection.scalars(select(sync_runs.c.run_id).where(self._is_new(), is_open)))

    def _is_new(self) -> ColumnElement[bool]:
        is_newer = sync_runs.c.run_id > self._upto
        # With an empty list beside it, SQLite would look at every row.
        return or_(is_newer, sync_runs.c.run_id.in_(self._open)) if self._open else is_newer
