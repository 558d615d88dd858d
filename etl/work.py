"""The frame of every run that reads the source: the account's lock, a client, an end that tells how it went.

A `Job` says what is particular: how its run begins and what it reads.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

from etl.clock import Clock, SteadyClock
from etl.errors import EtlError, InvariantError
from etl.extract.budget import SharedBudget
from etl.extract.client import Client
from etl.logs import Log
from etl.model import Account, RunMode, RunSummary
from etl.progress import Progress
from etl.reader import Reader
from etl.run import Run, refused, steady_clock
from etl.settings import Settings
from etl.state.lock import account_lock

if TYPE_CHECKING:
    import httpx

log = Log(__name__)


class Job(Protocol):
    """What one run is to do."""

    @property
    def mode(self) -> RunMode:
        """What the run is called when it cannot even begin."""
        ...

    def begin(self, engine: Engine, account: Account, clock: SteadyClock) -> Run:
        """Begin the run; the account's lock is held."""
        ...

    def carry_out(self, run: Run, reader: Reader, /) -> None:
        """Read what there is to read; raises IncompleteError where it cannot be proven."""
        ...


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
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._allow_deletes = allow_deletes
        self._transport = transport

    def perform(self, job: Job, account: Account) -> RunSummary:
        """Run the job for the account; every failure is told by the summary, none is raised."""
        try:
            with account_lock(self._engine, self._settings, account.name):
                summary = self._run(job, account)
        except EtlError as error:
            summary = refused(account.name, job.mode, self._clock, error)
        self._progress.finished(summary)
        return summary

    def _run(self, job: Job, account: Account) -> RunSummary:
        run = job.begin(self._engine, account, steady_clock(self._engine, account.name, self._clock))
        try:
            with closing(self._client(account, run)) as client:
                job.carry_out(run, Reader(run, client.fetch, self._settings, self._progress))
            return run.succeed(most_deletes=self._most_deletes(run.rows_before))
        except EtlError as error:
            return run.fail(error)
        except Exception as error:
            log.exception("run.crashed", account=account.name, run_id=run.run_id)
            return run.fail(InvariantError(f"a bug: {type(error).__name__} in the {run.mode} run"))

    def _client(self, account: Account, run: Run) -> Client:
        return Client(
            account,
            self._settings,
            clock=run.clock,
            budget=SharedBudget.of(self._engine, self._settings, account, self._clock),
            traffic=run.traffic,
            transport=self._transport,
        )

    def _most_deletes(self, rows: int) -> int | None:
        if self._allow_deletes:
            return None
        return max(self._settings.delete_guard_rows, int(rows * self._settings.delete_guard_share))
