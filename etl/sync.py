"""One sync of one account: hold its lock, walk the source, load what is proven, end the run."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from etl.clock import Clock
from etl.errors import DeletesGuardError, EtlError, IncompleteError, InvariantError
from etl.extract.ahead import follow
from etl.extract.budget import Budget
from etl.extract.client import Client
from etl.extract.walk import Walk
from etl.logs import Log
from etl.model import Account, RunMode, RunSummary
from etl.progress import Progress
from etl.run import Run, refused
from etl.settings import Settings
from etl.state.lock import account_lock

if TYPE_CHECKING:
    import httpx

log = Log(__name__)

# Before the first sync nothing is known of the list, so that its end has to be seen twice.
_UNKNOWN = sys.maxsize


class Sync:
    """What every sync of a process shares; `of` runs one. Safe to call from several threads."""

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
        run = Run(self._engine, account.name, RunMode.FULL, self._clock)
        try:
            budget = Budget.of(self._settings, run.clock)
            client = Client(
                account,
                self._settings,
                clock=run.clock,
                budget=budget,
                traffic=run.traffic,
                transport=self._transport,
            )
            with closing(client):
                self._walk(run, client)
            return run.succeed(most_deletes=self._most_deletes(run.rows_before))
        except EtlError as error:
            return run.fail(error)
        except Exception as error:
            log.exception("run.crashed", account=account.name, run_id=run.run_id)
            return run.fail(InvariantError(f"a bug: {type(error).__name__} in the sync"))

    def _walk(self, run: Run, client: Client) -> None:
        settings = self._settings
        walk = Walk(
            limit=settings.page_size, max_pages=settings.max_pages, expected_rows=run.rows_before or _UNKNOWN
        )
        proofs = follow(
            walk,
            client.fetch,
            clock=run.clock,
            most_at_once=settings.fetch_ahead,
            expected_rows=run.rows_before,
        )
        for proof in proofs:
            run.commit(proof)
            self._progress.page(
                account=run.account,
                rows=run.tally.rows_seen,
                pages=run.tally.pages,
                requests=run.traffic.requests,
                expected_rows=run.rows_before or None,
            )
        if walk.stopped is not None:
            raise IncompleteError(walk.stopped, hint="what was read is loaded; run again")
        if walk.is_empty:
            self._take_empty(run)

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
