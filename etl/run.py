"""One run of one account: begun, fed with what is proven, ended. Transactions are opened here, nowhere else.

A page, its history, its faults, the coverage and the run's progress are one transaction. So is the end:
deletes, resolved faults and the word that the run succeeded. Nothing in memory outlives a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from etl.clock import Clock, SteadyClock
from etl.coverage import Covered, add_proof, proven_since, uncovered
from etl.engine import reading, writing
from etl.errors import DeletesGuardError, EtlError, IncompleteError, LockHeldError
from etl.interval import EVERYTHING, Interval
from etl.load import deletes
from etl.load.bulk import DuplicateKeyError
from etl.load.facts import Facts
from etl.load.page import Loaded, load_proof, load_rows
from etl.load.quarantine import resolve_vanished
from etl.load.stored import count_alive
from etl.logs import Log
from etl.model import RunMode, RunStatus, RunSummary, Tally, Traffic
from etl.proof import Proof, Row
from etl.state.coverage import read_coverage, save_coverage
from etl.state.runs import begin_run, finish_run, read_latest_instant, save_progress

log = Log(__name__)


def steady_clock(engine: Engine, account: str, clock: Clock) -> SteadyClock:
    """A clock for the account's next run, which starts no earlier than its last one ended."""
    with reading(engine) as connection:
        steady = SteadyClock(clock, floor=read_latest_instant(connection, account))
    if steady.is_doubtful:
        log.warning("clock.behind", account=account, seconds=steady.ahead.total_seconds())
    return steady


class Run:
    """A run in progress. Whoever makes one holds the account's lock until it has ended."""

    def __init__(
        self,
        engine: Engine,
        account: str,
        mode: RunMode,
        clock: SteadyClock,
        *,
        full_since: datetime | None = None,
        window: str | None = None,
        reached: Mapping[str, datetime] | None = None,
    ) -> None:
        """Begin. `full_since`: when the first attempt at the same began, whose proofs still count.

        `window`, `reached`: of a backfill, and how far an earlier attempt came.
        """
        self.engine = engine
        self.account = account
        self.mode = mode
        self.clock = clock
        self.tally = Tally()
        self.traffic = Traffic()
        self.page_rows = 0  # rows of the longest page so far
        self._proven: list[Covered] = []
        self._lists_nothing = False
        self._contradictions: set[str] = set()  # what was told of the source already
        self._reached = dict(reached or {})
        self._began = clock.monotonic()
        self.started_at = clock.now()
        self._since = full_since or self.started_at
        with writing(engine) as connection:
            self.run_id = begin_run(
                connection,
                account,
                mode,
                self.started_at,
                full_since=full_since,
                window=window,
                **self._progress(),
            )
            self.rows_before = count_alive(connection, account, EVERYTHING)
            self._facts = Facts.read(connection, account)
        log.info("run.started", account=account, run_id=self.run_id, mode=mode)

    # -- what has been read ------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[tuple[Connection, Tally]]:
        """A step of the run: what is done in it and the run's progress are committed together or not at all.

        What the step did is to be added to the tally that is given. Raises DestinationError, or LockHeldError
        when another run has taken the account over.
        """
        tally = replace(self.tally)
        with writing(self.engine) as connection:
            yield connection, tally
            save_progress(connection, self.run_id, tally, self.clock.now(), **self._progress())
        self.tally = tally

    def commit(self, proofs: Iterable[Proof], *, only: Interval = EVERYTHING) -> None:
        """Load what pages prove, or `only` an interval of it, and note what is covered by it, all at once."""
        cuts = [(proof, inside) for proof in proofs if (inside := proof.within(only)) is not None]
        if not cuts:
            return
        before = replace(self._facts)
        try:
            loads = self._commit(cuts, only)
        except DuplicateKeyError:  # not all was new, as it is nearly always in an account's first run
            self._facts = replace(before, is_first=False)
            loads = self._commit(cuts, only)
        for _, inside in cuts:
            covered = Covered(inside.interval, inside.observed_at)
            self._proven = add_proof(self._proven, covered, since=self._since)
        for loaded in loads:
            self._tell(loaded)

    def _commit(self, cuts: Sequence[tuple[Proof, Proof]], only: Interval) -> list[Loaded]:
        with self.transaction() as (connection, tally):
            loads = [
                load_proof(connection, self.account, self.run_id, inside, self._facts) for _, inside in cuts
            ]
            proofs = [proof for proof, _ in cuts]
            save_coverage(connection, self.account, proofs, since=self._since, only=only)
            for loaded in loads:
                tally.add(loaded.tally)
        return loads

    def commit_rows(
        self, rows: tuple[Row, ...], observed_at: datetime, *, reached: tuple[str, datetime] | None = None
    ) -> None:
        """Load rows that are true and prove nothing about others.

        `reached`: the status by which the list was filtered, and down to which created_at it was read.
        """
        if reached is not None:
            self._reached[reached[0]] = reached[1]
        with self.transaction() as (connection, tally):
            loaded = load_rows(connection, self.account, self.run_id, rows, observed_at, self._facts)
            tally.add(loaded.tally)
        self._tell(loaded)

    def commit_empty(self) -> None:
        """The source lists nothing, asked twice: the table's batches are missing, and no row is set aside."""
        self._lists_nothing = True
        with self.transaction() as (connection, _tally):
            deletes.note_all_missing(connection, self.account, self.run_id)
            now = self.clock.now()
            resolve_vanished(connection, self.account, self.run_id, now, since=self.started_at)

    def note_page(self, rows: int) -> None:
        self.page_rows = max(self.page_rows, rows)

    def unproven(self, interval: Interval) -> list[Interval]:
        """The parts of the interval that this run has not proven, newest first."""
        return uncovered(interval, self._proven)

    def has_proven(self, place: datetime) -> bool:
        return any(place in covered.interval for covered in self._proven)

    def _progress(self) -> dict[str, object]:
        reached = {status: place.isoformat() for status, place in self._reached.items()} or None
        return {**asdict(self.traffic), "page_rows": self.page_rows, "reached": reached}

    def _tell(self, loaded: Loaded) -> None:
        log.debug("page.loaded", account=self.account, run_id=self.run_id, **asdict(loaded.tally))
        for what in loaded.contradictions:
            if what not in self._contradictions:
                self._contradictions.add(what)
                log.warning("source.contradicted", account=self.account, run_id=self.run_id, what=what)
        for kind, name in loaded.drift:
            log.warning("drift.found", account=self.account, run_id=self.run_id, kind=kind, name=name)

    # -- how it ends -------------------------------------------------------------------------------

    def succeed(self, *, most_deletes: int | None) -> RunSummary:
        """End a run that proved all that it set out to; marks what is missing as deleted.

        Raises DeletesGuardError, with nothing deleted, when that would be more than `most_deletes`.
        """
        with writing(self.engine) as connection:
            deleted = self._settle_missing(connection, most_deletes)
            self._resolve_vanished(connection)
            return self._save_success(connection, deleted)

    def finish(self) -> RunSummary:
        """End a run that read nothing of the source, so that it has nothing to delete."""
        with writing(self.engine) as connection:
            return self._save_success(connection, deleted=0)

    def fail(self, error: EtlError) -> RunSummary:
        """End a run that did not; what it committed is right and stays."""
        status = RunStatus.INCOMPLETE if isinstance(error, IncompleteError) else RunStatus.FAILED
        summary = self._summary(status, error)
        try:
            with writing(self.engine) as connection:
                is_guarded = isinstance(error, DeletesGuardError)
                if is_guarded:
                    deletes.hold_missing(connection, self.account, self.run_id)
                self._save_end(connection, summary, resumable=not is_guarded)
        except EtlError as second:  # the next run of the account will find it still open, and say so
            log.exception("run.end_not_saved", account=self.account, run_id=self.run_id, error=str(second))
        log.error("run.failed", **summary.as_json())
        return summary

    def _settle_missing(self, connection: Connection, most: int | None) -> int:
        """Mark as deleted what is missing; return how many.

        What has no created_at may be listed anywhere: only a run that read all can tell that it is gone.
        """
        if self.unproven(EVERYTHING) and not self._lists_nothing:
            deletes.forget_undated(connection, self.account)
        missing = deletes.count_missing(connection, self.account)
        _check_deletes(missing, most, self.rows_before)
        if missing:
            deletes.delete_missing(connection, self.account, self.run_id, self.clock.now())
        return missing

    def _resolve_vanished(self, connection: Connection) -> None:
        """Resolve what no part of the list has shown when it was last read, above the newest included."""
        since = None
        if not self.unproven(EVERYTHING):
            since = self.started_at
        elif any(covered.interval.upto is None for covered in self._proven):
            since = proven_since(read_coverage(connection, self.account))
        if since is not None:
            resolve_vanished(connection, self.account, self.run_id, self.clock.now(), since=since)

    def _save_success(self, connection: Connection, deleted: int) -> RunSummary:
        summary = replace(self._summary(RunStatus.SUCCEEDED), deleted=deleted)
        self._save_end(connection, summary)
        log.info("run.finished", **summary.as_json())
        return summary

    def _save_end(self, connection: Connection, summary: RunSummary, *, resumable: bool = True) -> None:
        proven = [covered.interval for covered in self._proven]
        finish_run(connection, summary, proven, self.page_rows, resumable=resumable)

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
    tell = log.info if isinstance(error, LockHeldError) else log.error
    tell("run.refused", account=account, error=str(error))
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
