"""The frame of every run that reads the source: the account's lock, a client, an end that tells how it went.

A `Job` says what is particular: what is to be read, and how.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, Engine

from etl.clock import Clock, SteadyClock
from etl.engine import reading
from etl.errors import EtlError, InvariantError
from etl.extract.budget import SharedBudget
from etl.extract.client import Client
from etl.extract.listing import Listing
from etl.logs import Log
from etl.model import Account, RunMode, RunSummary, Traffic
from etl.plan import Plan
from etl.progress import Progress
from etl.reader import Reader
from etl.run import Run, refused, steady_clock
from etl.settings import Settings
from etl.state.lock import account_lock

if TYPE_CHECKING:
    import httpx

    from etl.verify.verdict import Verdict

log = Log(__name__)

Heard = Callable[[str, int | None, float], None]


class Job(Protocol):
    """What one run is to do."""

    @property
    def mode(self) -> RunMode:
        """What the run is called when it cannot even begin."""
        ...

    def plan(
        self, connection: Connection | None, account: str, now: datetime, *, doubtful: bool = False
    ) -> Plan:
        """What is to be read, by what the database knows; None for a database that has no tables yet.

        `doubtful`: whether no age can be told from `now`.
        """
        ...

    def carry_out(self, plan: Plan, run: Run, reader: Reader, /) -> None:
        """Read what is planned; raises IncompleteError where it cannot be proven."""
        ...


def plan_for(job: Job, engine: Engine, account: str, clock: Clock) -> tuple[Plan, SteadyClock]:
    """What the job would read of the account now, and the clock by which it would."""
    steady = steady_clock(engine, account, clock)
    with reading(engine) as connection:
        return job.plan(connection, account, steady.now(), doubtful=steady.is_doubtful), steady


class Work:
    """What all runs of a process share. Safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        clock: Clock,
        progress: Progress,
        allow_deletes: bool = False,
        transport: httpx.BaseTransport | None = None,
        heard: Heard | None = None,
    ) -> None:
        """`heard` is told of each attempt at a request: its account, the answer's status, its seconds."""
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._allow_deletes = allow_deletes
        self._transport = transport
        self._heard = heard

    def perform(self, job: Job, account: Account) -> RunSummary:
        """Run the job for the account; every failure is told by the summary, none is raised."""
        try:
            with account_lock(self._engine, self._settings, account.name):
                summary = self._run(job, account)
        except EtlError as error:
            summary = refused(account.name, job.mode, self._clock, error)
        except Exception as error:  # before the run had begun: the other accounts' runs go on
            log.exception("run.crashed", account=account.name)
            summary = refused(account.name, job.mode, self._clock, _bug(error, f"{job.mode} run"))
        self._progress.finished(summary)
        return summary

    def verify(self, account: Account) -> Verdict:
        """Hold the table against the source; every failure is told by the verdict, none is raised."""
        from etl.verify.verdict import failed

        traffic = Traffic()
        try:
            with account_lock(self._engine, self._settings, account.name):
                return self._verify(account, traffic)
        except EtlError as error:
            told = error
        except Exception as error:
            log.exception("verification.crashed", account=account.name)
            told = _bug(error, "verification")
        return failed(account.name, told, now=self._clock.now(), requests=traffic.requests)

    def _verify(self, account: Account, traffic: Traffic) -> Verdict:
        from etl.verify.verifier import Verifier

        clock = steady_clock(self._engine, account.name, self._clock)
        with closing(self._client(account, clock, traffic)) as client:
            verifier = Verifier(
                self._engine,
                account.name,
                Listing(client.fetch, self._settings, clock),
                self._settings,
                clock=clock,
                traffic=traffic,
                progress=self._progress,
            )
            return verifier.verify()

    def _run(self, job: Job, account: Account) -> RunSummary:
        plan, clock = plan_for(job, self._engine, account.name, self._clock)
        run = self._begin(plan, clock)
        try:
            with closing(self._client(account, clock, run.traffic)) as client:
                listing = Listing(client.fetch, self._settings, clock)
                job.carry_out(plan, run, Reader(run, listing, self._progress, expected_rows=plan.rows))
            return run.succeed(most_deletes=self._most_deletes(run.rows_before))
        except EtlError as error:
            return run.fail(error)
        except Exception as error:
            log.exception("run.crashed", account=account.name, run_id=run.run_id)
            return run.fail(_bug(error, f"{run.mode} run"))

    def _begin(self, plan: Plan, clock: SteadyClock) -> Run:
        return Run(
            self._engine,
            plan.account,
            plan.mode,
            clock,
            full_since=plan.full_since,
            window=plan.window,
            reached=plan.reached,
        )

    def _client(self, account: Account, clock: Clock, traffic: Traffic) -> Client:
        return Client(
            account,
            self._settings,
            clock=clock,
            budget=SharedBudget.of(self._engine, self._settings, account, self._clock),
            traffic=traffic,
            transport=self._transport,
            heard=partial(self._heard, account.name) if self._heard else None,
        )

    def _most_deletes(self, rows: int) -> int | None:
        if self._allow_deletes:
            return None
        # In floating point, 29 % of 100 is a little less than 29.
        of_share = int(rows * self._settings.delete_guard_share + 1e-9)
        return max(self._settings.delete_guard_rows, of_share)


def _bug(error: Exception, where: str) -> EtlError:
    return InvariantError(f"a bug: {type(error).__name__} in the {where}")
