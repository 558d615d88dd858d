"""One run of one account: begun, fed with what is proven, ended. Transactions are opened here, nowhere else.

A page, its history, its faults, the coverage and the run's progress are one transaction. So is the end:
deletes, resolved faults and the word that the run succeeded. Nothing in memory outlives a failure.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine

from etl.clock import Clock, SteadyClock
from etl.engine import reading, writing
from etl.errors import DeletesGuardError, EtlError, IncompleteError
from etl.interval import NEWEST, Interval
from etl.load import deletes
from etl.load.page import load_proof
from etl.load.quarantine import resolve_vanished
from etl.load.replay import read_entries, replay_entries
from etl.load.stored import count_alive
from etl.logs import Log
from etl.model import RunMode, RunStatus, RunSummary, Tally, Traffic
from etl.proof import Proof
from etl.state.coverage import Covered, save_coverage
from etl.state.runs import begin_run, finish_run, read_latest_instant, save_progress

log = Log(__name__)


class Run:
    """A run in progress. Whoever makes one holds the account's lock until it has ended."""

    def __init__(self, engine: Engine, account: str, mode: RunMode, clock: Clock) -> None:
        with reading(engine) as connection:
            self.clock = SteadyClock(clock, floor=read_latest_instant(connection, account))
            self.rows_before = count_alive(connection, account)
        self.engine = engine
        self.account = account
        self.mode = mode
        self.tally = Tally()
        self.traffic = Traffic()
        self.proven: Interval | None = None
        self._proven_since: datetime | None = None
        self._began = self.clock.monotonic()
        self.started_at = self.clock.now()
        with writing(engine) as connection:
            self.run_id = begin_run(connection, account, mode, self.started_at)
            if mode is not RunMode.REPLAY:
                deletes.forget_missing(connection, account)
        log.info("run.started", account=account, run_id=self.run_id, mode=mode)

    def commit(self, proof: Proof, *, whole_list: bool = True) -> None:
        """Load a proof and note the progress, in one transaction.

        Raises DestinationError, or LockHeldError when another run has taken the account over.
        """
        tally = Tally(**asdict(self.tally))
        with writing(self.engine) as connection:
            loaded = load_proof(connection, self.account, self.run_id, proof, proves_absence=whole_list)
            tally.add(loaded.tally)
            if whole_list:
                self._extend_proof(proof)
                if self._covered is not None:
                    save_coverage(connection, self.account, self._covered)
            save_progress(connection, self.run_id, tally, self.clock.now(), **asdict(self.traffic))
        self.tally = tally
        log.debug("page.loaded", account=self.account, run_id=self.run_id, **asdict(loaded.tally))
        for kind, name in loaded.drift:
            log.warning("drift.found", account=self.account, run_id=self.run_id, kind=kind, name=name)

    def commit_empty(self) -> None:
        """The source lists nothing, asked twice: all that the table has is missing."""
        with writing(self.engine) as connection:
            deletes.note_all_missing(connection, self.account, self.run_id)

    def replay(self, after: int) -> int | None:
        """Try the next open entries of the quarantine behind that one; return the last, None for none."""
        tally = Tally(**asdict(self.tally))
        with writing(self.engine) as connection:
            entries = read_entries(connection, self.account, after)
            if not entries:
                return None
            tally.add(replay_entries(connection, self.account, self.run_id, self.clock.now(), entries))
            save_progress(connection, self.run_id, tally, self.clock.now())
        self.tally = tally
        return entries[-1].quarantine_id

    def succeed(self, *, most_deletes: int | None) -> RunSummary:
        """End a run that proved the whole list; marks what is missing as deleted.

        Raises DeletesGuardError, with nothing deleted, when that would be more than `most_deletes`.
        """
        with writing(self.engine) as connection:
            self._settle_missing(connection, most_deletes)
            resolve_vanished(connection, self.account, self.run_id, self.clock.now())
            return self._finish(connection)

    def succeed_replay(self) -> RunSummary:
        with writing(self.engine) as connection:
            return self._finish(connection)

    def fail(self, error: EtlError) -> RunSummary:
        """End a run that did not; what it committed is right and stays."""
        status = RunStatus.INCOMPLETE if isinstance(error, IncompleteError) else RunStatus.FAILED
        summary = self._summary(status, error)
        try:
            with writing(self.engine) as connection:
                finish_run(connection, summary, self.proven)
        except EtlError as second:  # the next run of the account will find it still open, and say so
            log.exception("run.end_not_saved", account=self.account, run_id=self.run_id, error=str(second))
        log.error("run.failed", **summary.as_json())
        return summary

    def _finish(self, connection: Connection) -> RunSummary:
        summary = self._summary(RunStatus.SUCCEEDED)
        finish_run(connection, summary, self.proven)
        log.info("run.finished", **summary.as_json())
        return summary

    def _settle_missing(self, connection: Connection, most: int | None) -> None:
        deletes.drop_reappeared(connection, self.account, self.run_id)
        missing = deletes.count_missing(connection, self.account)
        _check_deletes(missing, most, self.rows_before)
        if missing:
            deletes.delete_missing(connection, self.account, self.run_id, self.clock.now())
        self.tally.deleted = missing

    def _extend_proof(self, proof: Proof) -> None:
        """A walk proves downwards from the newest: its pages add up to one interval."""
        self.proven = Interval(after=proof.interval.after, upto=None)
        self._proven_since = self._proven_since or proof.observed_at

    @property
    def _covered(self) -> Covered | None:
        """The proof so far, as old as its oldest page; rows without created_at alone make no interval."""
        if self.proven is None or self._proven_since is None or self.proven.after == NEWEST:
            return None
        return Covered(self.proven, self._proven_since)

    def _summary(self, status: RunStatus, error: EtlError | None = None) -> RunSummary:
        return RunSummary(
            run_id=self.run_id,
            account=self.account,
            mode=self.mode,
            status=status,
            complete=status is RunStatus.SUCCEEDED,
            **asdict(self.traffic),
            **asdict(self.tally),
            started_at=self.started_at,
            finished_at=self.clock.now(),
            seconds=round(self.clock.monotonic() - self._began, 3),
            error=str(error) if error else None,
            exit_code=error.exit_code if error else 0,
            hint=error.hint if error else None,
        )


def _check_deletes(missing: int, most: int | None, rows: int) -> None:
    if most is not None and missing > most:
        raise DeletesGuardError(
            f"{missing:,} of {rows:,} batches are gone from the source, and one run may mark no more than"
            f" {most:,} deleted unasked: none was",
            hint="look at the source; if they are really gone, run `magpipe-etl sync --allow-deletes`",
        )


def refused(account: str, mode: RunMode, clock: Clock, error: EtlError) -> RunSummary:
    """A run that could not even begin: it leaves no row, so its summary alone tells."""
    log.error("run.refused", account=account, error=str(error))
    now = clock.now()
    return RunSummary(
        run_id=None,
        account=account,
        mode=mode,
        status=RunStatus.FAILED,
        complete=False,
        started_at=now,
        finished_at=now,
        error=str(error),
        exit_code=error.exit_code,
        hint=error.hint,
    )
