"""One backfill of one account: the batches created in a window, read again.

The window is found in the list by search, not by walking there. What an earlier attempt at the same window
proved before it was cut off is not read again; nothing here moves the point from which a sync reads on, since
that follows from what is covered without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from etl.clock import SteadyClock
from etl.engine import reading
from etl.interval import RESOLUTION, Interval
from etl.model import Account, RunMode
from etl.plan import Plan, Stretch, cost_of_walk
from etl.reader import Reader
from etl.run import Run
from etl.state.coverage import read_coverage, uncovered
from etl.state.runs import CutOff, read_cut_off_backfill


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Batches created in `[since, until)`; `until` None is until now. `statuses` empty is any status."""

    since: datetime
    until: datetime | None = None
    statuses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or (self.until is not None and self.until.tzinfo is None):
            raise ValueError("a window needs times with a zone")
        if self.until is not None and self.until <= self.since:
            raise ValueError(f"a window that ends, {self.until}, before it begins, {self.since}")

    def __str__(self) -> str:
        """The window's name in `sync_runs`: the same for every attempt at it."""
        parts = [
            self.since.isoformat(),
            self.until.isoformat() if self.until else "now",
            *sorted(self.statuses),
        ]
        return " ".join(parts)

    def interval(self, now: datetime) -> Interval:
        return Interval(after=self.since - RESOLUTION, upto=(self.until or now) - RESOLUTION)


class Backfill:
    """The job of a backfill; one is made for each run."""

    mode = RunMode.BACKFILL

    def __init__(self, window: Window) -> None:
        self._window = window
        self._interval = window.interval(window.since + RESOLUTION)
        self._todo: list[Interval] = []
        self._reached: dict[str, datetime] = {}

    def begin(self, engine: Engine, account: Account, clock: SteadyClock) -> Run:
        """Go on with an attempt at the same window that was cut off, or begin anew."""
        with reading(engine) as connection:
            before = read_cut_off_backfill(connection, account.name, str(self._window))
            began = before.full_since if before else clock.now()
            self._interval = self._window.interval(began)
            self._todo = todo(connection, account.name, self._interval, before)
        self._reached = dict(before.reached) if before else {}
        return Run(
            engine,
            account.name,
            RunMode.BACKFILL,
            clock,
            full_since=began,
            window=str(self._window),
            reached=self._reached,
        )

    def carry_out(self, _run: Run, reader: Reader) -> None:
        """Read what is left of the window."""
        for status in self._window.statuses:
            upto = self._reached.get(status, self._interval.upto)
            if upto is None or self._interval.after is None or upto > self._interval.after:
                reader.read_filtered(status, Interval(after=self._interval.after, upto=upto))
        if not self._window.statuses:
            for part in self._todo:
                reader.read_window(part)


def todo(connection: Connection, account: str, interval: Interval, before: CutOff | None) -> list[Interval]:
    """The parts of the interval that no earlier attempt has proven."""
    if before is None:
        return [interval]
    since = before.full_since
    done = (c for c in read_coverage(connection, account) if c.proven_at >= since)
    return uncovered(interval, done)


def plan_backfill(
    account: str, window: Window, parts: Sequence[Interval], *, rows: int | None, page_rows: int
) -> Plan:
    """What a backfill will read. `rows` is what the table has in the parts, None where it knows nothing."""
    searches = 1  # the table knows about where the window begins
    return Plan(
        account=account,
        mode=RunMode.BACKFILL,
        steps=tuple(Stretch(interval=part) for part in parts),
        requests=None if rows is None else cost_of_walk(rows, page_rows) + searches * len(parts),
        reason=f"asked for: {window}",
    )
