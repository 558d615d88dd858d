"""One replay of one account's quarantine: a run of its own, under the account's lock."""

from __future__ import annotations

from sqlalchemy import Engine

from etl.clock import Clock
from etl.engine import DatabaseSettings
from etl.errors import EtlError
from etl.load.replay import read_entries, replay_entries
from etl.model import RunMode, RunSummary
from etl.run import Run, refused, steady_clock
from etl.state.lock import account_lock


def replay_account(engine: Engine, settings: DatabaseSettings, account: str, clock: Clock) -> RunSummary:
    """Try every open entry once more; every failure is told by the summary, none is raised."""
    try:
        with account_lock(engine, settings, account):
            run = Run(engine, account, RunMode.REPLAY, steady_clock(engine, account, clock))
            try:
                _replay_all(run)
                return run.finish()
            except EtlError as error:
                return run.fail(error)
    except EtlError as error:
        return refused(account, RunMode.REPLAY, clock, error)


def _replay_all(run: Run) -> None:
    last: int | None = 0
    while last is not None:
        run.clock.check_stopped()
        last = _replay_some(run, after=last)


def _replay_some(run: Run, *, after: int) -> int | None:
    """Try the next open entries behind that one, in one transaction; return the last, None for none."""
    with run.transaction() as (connection, tally):
        entries = read_entries(connection, run.account, after)
        if not entries:
            return None
        tally.add(replay_entries(connection, run.account, run.run_id, run.clock.now(), entries))
    return entries[-1].quarantine_id
