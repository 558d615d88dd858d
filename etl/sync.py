"""One sync of one account: hold its lock, plan the reads, carry them out, end the run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from etl.clock import Clock
from etl.engine import reading
from etl.errors import DeletesGuardError, EtlError, InvariantError
from etl.extract.budget import Budget
from etl.extract.client import Client
from etl.interval import RESOLUTION, Interval
from etl.logs import Log
from etl.model import Account, RunMode, RunSummary
from etl.plan import FullWalk, Head, Plan, Stretch, plan_sync
from etl.progress import Progress
from etl.reader import Reader
from etl.run import Run, refused, steady_clock
from etl.settings import Settings
from etl.state.lock import account_lock
from etl.survey import survey

if TYPE_CHECKING:
    import httpx

log = Log(__name__)


class Sync:
    """What every sync of a process shares; `of` runs one. Safe to call from several threads."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        clock: Clock,
        progress: Progress,
        full: bool = False,
        allow_deletes: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._full = full
        self._allow_deletes = allow_deletes
        self._transport = transport

    def of(self, account: Account) -> RunSummary:
        """Sync the account; every failure is told by the summary, none is raised."""
        try:
            with account_lock(self._engine, self._settings, account.name):
                summary = self._run(account)
        except EtlError as error:
            summary = refused(account.name, RunMode.FULL, self._clock, error)
        self._progress.finished(summary)
        return summary

    def _run(self, account: Account) -> RunSummary:
        clock = steady_clock(self._engine, account.name, self._clock)
        plan = self._plan(account, clock)
        run = Run(
            self._engine,
            account.name,
            plan.mode,
            clock,
            anew=plan.steps == (FullWalk(),),
            full_since=plan.full_since,
        )
        try:
            with closing(self._client(account, run)) as client:
                self._carry_out(plan, run, Reader(run, client.fetch, self._settings, self._progress))
            return run.succeed(most_deletes=self._most_deletes(run.rows_before))
        except EtlError as error:
            return run.fail(error)
        except Exception as error:
            log.exception("run.crashed", account=account.name, run_id=run.run_id)
            return run.fail(InvariantError(f"a bug: {type(error).__name__} in the sync"))

    def _plan(self, account: Account, clock: Clock) -> Plan:
        with reading(self._engine) as connection:
            known = survey(connection, account.name, self._settings, clock.now())
        return plan_sync(known, full=self._full)

    def _client(self, account: Account, run: Run) -> Client:
        return Client(
            account,
            self._settings,
            clock=run.clock,
            budget=Budget.of(self._settings, run.clock),
            traffic=run.traffic,
            transport=self._transport,
        )

    def _carry_out(self, plan: Plan, run: Run, reader: Reader) -> None:
        for step in plan.steps:
            if isinstance(step, FullWalk | Head):
                until = step.until if isinstance(step, Head) else None
                if not reader.read_down_to(until):
                    return self._take_empty(run)
            elif isinstance(step, Stretch):
                for part in run.unproven(step.interval):
                    reader.read_stretch(part, most_pages=step.most_pages)
            else:
                _read_live(step.statuses, run, reader)
        return None

    def _take_empty(self, run: Run) -> None:
        """An empty list never deletes anything by itself."""
        if run.rows_before and not self._allow_deletes:
            raise DeletesGuardError(
                f"the source lists no batch at all, the table {run.rows_before:,}: none was marked deleted",
                hint="look at the source; if it is really empty, run `magpipe-etl sync --allow-deletes`",
            )
        run.commit_empty()

    def _most_deletes(self, rows: int) -> int | None:
        if self._allow_deletes:
            return None
        return max(self._settings.delete_guard_rows, int(rows * self._settings.delete_guard_share))


def _read_live(statuses: Sequence[str], run: Run, reader: Reader) -> None:
    """Read the lists of the live statuses, then look up in the whole list whoever is in none of them now."""
    seen: set[str] = set()
    for status in statuses:
        for page in reader.read_status(status):
            run.commit_rows(page.rows, page.observed_at)
            seen |= {row.id for row in page.rows if row.id is not None}
    for place in run.read_unproven_places(statuses, but=seen):
        if not run.has_proven(place):
            reader.read_stretch(Interval(after=place - RESOLUTION, upto=place))
