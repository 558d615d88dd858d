"""One backfill of one account: the batches created in a window, read again.

The window is found in the list by search, not by walking there. What an earlier attempt at the same window
proved before it was cut off is not read again; nothing here moves the point from which a sync reads on, since
that follows from what is covered without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from etl.coverage import Covered, uncovered
from etl.errors import InvariantError
from etl.interval import NEWEST, OLDEST, RESOLUTION, Interval
from etl.load.stored import count_alive
from etl.model import RunMode
from etl.plan import Plan, Stretch, cost_of_stretch
from etl.reader import Reader
from etl.run import Run
from etl.settings import Settings
from etl.state.coverage import read_coverage
from etl.state.runs import CutOff, read_cut_off_backfill, read_last_run

_EARLIEST = OLDEST + RESOLUTION


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
            raise ValueError(
                f"a window from {self.since.isoformat()} to {self.until.isoformat()} holds nothing:"
                " expected an end that is later than the beginning"
            )

    def __str__(self) -> str:
        """The window's name in `sync_runs`: the same for every attempt at it."""
        until = self.until.isoformat() if self.until else "now"
        return ", ".join([f"{self.since.isoformat()} to {until}", *sorted(set(self.statuses))])

    @property
    def interval(self) -> Interval:
        """Whoever has no created_at was created in no window."""
        after = max(self.since, _EARLIEST) - RESOLUTION
        return Interval(after=after, upto=(self.until or NEWEST) - RESOLUTION)


class Backfill:
    """The job of a backfill."""

    mode = RunMode.BACKFILL

    def __init__(self, settings: Settings, window: Window) -> None:
        self._settings = settings
        self._window = window

    def plan(
        self, connection: Connection | None, account: str, now: datetime, *, doubtful: bool = False
    ) -> Plan:
        """What is left to read of the window, once an attempt at it was cut off; all of it, else.

        Without a connection, nothing is known. An attempt that is so old that its proofs are to be renewed
        is not gone on with, nor is one whose age is `doubtful`.
        """
        if connection is None:
            return plan_backfill(account, self._window, steps_left(self._window, None, ()), now=now)
        oldest = now - timedelta(seconds=self._settings.max_age_seconds)
        before = None if doubtful else read_cut_off_backfill(connection, account, str(self._window), oldest)
        coverage = read_coverage(connection, account)
        steps = steps_left(self._window, before, coverage)
        plan = plan_backfill(account, self._window, steps, before=before, now=now)
        if not all(_is_known(step.interval, coverage) for step in steps):
            return plan
        counts = [count_alive(connection, account, step.interval, status=step.status) for step in steps]
        last = read_last_run(connection, account)
        page_rows = (last.page_rows if last else 0) or self._settings.page_size
        requests = sum(cost_of_stretch(rows, page_rows) for rows in counts)
        return replace(plan, rows=sum(counts), requests=requests)

    def carry_out(self, plan: Plan, _run: Run, reader: Reader) -> None:
        """Read what is left of the window."""
        for step in plan.steps:
            if not isinstance(step, Stretch):
                raise InvariantError("a backfill reads stretches of the list and nothing else")
            if step.status is None:
                reader.read_window(step.interval)
            else:
                reader.read_filtered(step.status, step.interval)


def steps_left(window: Window, before: CutOff | None, coverage: Sequence[Covered]) -> tuple[Stretch, ...]:
    """The reads of the window that no earlier attempt has done."""
    whole = window.interval
    if window.statuses:
        reached = before.reached if before else {}
        upto = {status: reached.get(status, whole.upto) for status in window.statuses}
        return tuple(
            Stretch(interval=Interval(after=whole.after, upto=end), status=status)
            for status, end in upto.items()
            if end != whole.after
        )
    done = [covered for covered in coverage if before and covered.proven_at >= before.full_since]
    return tuple(Stretch(interval=part) for part in uncovered(whole, done))


def plan_backfill(
    account: str, window: Window, steps: Sequence[Stretch], *, before: CutOff | None = None, now: datetime
) -> Plan:
    """What a backfill will read, at a cost that is not known yet."""
    return Plan(
        account=account,
        mode=RunMode.BACKFILL,
        steps=tuple(steps),
        requests=None,
        reason=f"asked for: {window}",
        full_since=before.full_since if before else now,
        window=str(window),
        reached=before.reached if before else {},
    )


def _is_known(interval: Interval, coverage: Sequence[Covered]) -> bool:
    """Whether the table has what was created in the interval, but for what is newer than all it has."""
    if not coverage:
        return False
    below_top = interval & Interval(after=None, upto=coverage[0].interval.upto)
    return below_top is None or not uncovered(below_top, coverage)
