"""The rows of `sync_runs`: one a run, written as it goes on, so that what happened can always be seen.

A run's row is also its right to write: whoever starts the next run of the account marks those left behind as
abandoned, and a run that finds itself so marked stops (`save_progress`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from etl.coverage import Covered, uncovered
from etl.errors import LockHeldError
from etl.interval import EVERYTHING, Interval
from etl.model import RunMode, RunStatus, RunSummary, Tally
from etl.tables import sync_runs
from etl.version import VERSION

_LAST_FULL = 5  # full syncs among which one is looked for that was no sequel


def read_latest_instant(connection: Connection, account: str) -> datetime | None:
    """The latest time that any run of the account has written: a new run's clock starts no earlier."""
    latest = func.max(sync_runs.c.heartbeat_at, type_=sync_runs.c.heartbeat_at.type)
    moment: datetime | None = connection.scalar(select(latest).where(sync_runs.c.account == account))
    return moment


class LastRun(NamedTuple):
    """What the newest run that read the source left behind."""

    complete: bool
    started_at: datetime
    heartbeat_at: datetime
    page_rows: int
    full_since: datetime | None


def read_last_run(connection: Connection, account: str) -> LastRun | None:
    """The newest sync of the account, whatever became of it."""
    columns = [sync_runs.c[name] for name in LastRun._fields]
    syncs = (sync_runs.c.account == account) & sync_runs.c.mode.in_([RunMode.FULL, RunMode.INCREMENTAL])
    query = select(*columns).where(syncs).order_by(sync_runs.c.run_id.desc()).limit(1)
    row = connection.execute(query).first()
    return LastRun._make(row) if row else None


def read_synced_at(connection: Connection, account: str) -> datetime | None:
    """When the newest complete sync of the account began to read, in its first attempt."""
    syncs = sync_runs.c.mode.in_([RunMode.FULL, RunMode.INCREMENTAL]) & sync_runs.c.complete
    began = func.coalesce(sync_runs.c.full_since, sync_runs.c.started_at, type_=sync_runs.c.started_at.type)
    newest = select(began).where(sync_runs.c.account == account, syncs).order_by(sync_runs.c.run_id.desc())
    moment: datetime | None = connection.scalar(newest.limit(1))
    return moment


def read_whole_at(connection: Connection, account: str) -> datetime | None:
    """When the newest full sync began that was no sequel: it read all of the list by itself."""
    columns = (sync_runs.c.started_at, sync_runs.c.proven)
    is_full = (sync_runs.c.account == account) & (sync_runs.c.mode == RunMode.FULL) & sync_runs.c.complete
    newest = select(*columns).where(is_full).order_by(sync_runs.c.run_id.desc()).limit(_LAST_FULL)
    for started_at, proven in connection.execute(newest):
        read = [
            Covered(Interval(after=_moment(one["created_from"]), upto=_moment(one["created_to"])), started_at)
            for one in proven
        ]
        if not uncovered(EVERYTHING, read):
            whole_at: datetime = started_at
            return whole_at
    return None


class CutOff(NamedTuple):
    """What an attempt at a backfill that did not end left behind."""

    full_since: datetime  # its proofs, and those of the attempts before it, are from then on
    reached: dict[str, datetime]  # per status: down to where a filtered backfill has read


def read_cut_off_backfill(
    connection: Connection, account: str, window: str, oldest: datetime
) -> CutOff | None:
    """The newest attempt at that window, if it did not end well and was at work after `oldest`."""
    columns = [sync_runs.c[name] for name in ("complete", "full_since", "reached", "heartbeat_at")]
    same = (sync_runs.c.account == account) & (sync_runs.c.window == window)
    query = select(*columns).where(same).order_by(sync_runs.c.run_id.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None or row.complete or row.full_since is None or row.heartbeat_at < oldest:
        return None
    reached = {status: datetime.fromisoformat(text) for status, text in (row.reached or {}).items()}
    return CutOff(row.full_since, reached)


def begin_run(connection: Connection, account: str, mode: RunMode, now: datetime, **columns: object) -> int:
    """Start a run and return its id; the caller holds the account's lock, so runs still open are dead."""
    abandoned = {
        "status": RunStatus.ABANDONED,
        "finished_at": now,
        "error": "the process ended without a word",
    }
    is_open = (sync_runs.c.account == account) & (sync_runs.c.status == RunStatus.RUNNING)
    connection.execute(update(sync_runs).where(is_open).values(**abandoned))
    started = {
        "status": RunStatus.RUNNING,
        "started_at": now,
        "heartbeat_at": now,
        "program_version": VERSION,
    }
    new = (
        insert(sync_runs)
        .values(account=account, mode=mode, **started, **columns)
        .returning(sync_runs.c.run_id)
    )
    run_id: int = connection.execute(new).scalar_one()
    return run_id


def save_progress(
    connection: Connection, run_id: int, tally: Tally, now: datetime, **columns: object
) -> None:
    """Note what the run has done; raises LockHeldError when another run has taken over."""
    mine = (sync_runs.c.run_id == run_id) & (sync_runs.c.status == RunStatus.RUNNING)
    values = {**asdict(tally), "heartbeat_at": now, **columns}
    _check_mine(connection.execute(update(sync_runs).where(mine).values(**values)).rowcount)


def _check_mine(rows: int) -> None:
    if rows == 0:
        raise LockHeldError(
            "another run of this account has taken over",
            hint="the connection that held the lock was lost; what was committed is right",
        )


def finish_run(
    connection: Connection,
    summary: RunSummary,
    proven: Sequence[Interval],
    page_rows: int,
    *,
    resumable: bool = True,
) -> None:
    """Write the run's end and what it proved; raises LockHeldError when another run has taken over.

    One that read all and was stopped for what it found is not `resumable`: the next looks at all of it again,
    since what was gone may be back.
    """
    values = {name: getattr(summary, name) for name in _FINAL}
    if not resumable:
        values["full_since"] = None
    ended = connection.execute(
        update(sync_runs)
        .where(sync_runs.c.run_id == summary.run_id, sync_runs.c.status == RunStatus.RUNNING)
        .values(
            **values,
            heartbeat_at=summary.finished_at,
            page_rows=page_rows,
            proven=[{"created_from": _text(one.after), "created_to": _text(one.upto)} for one in proven],
        )
    )
    _check_mine(ended.rowcount)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


_FINAL = (
    "status complete requests retries rate_limited pages rows_seen inserted updated unchanged deleted revived"
    " quarantined finished_at seconds error"
).split()
