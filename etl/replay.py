"""One replay of one account's quarantine: a run of its own, under the account's lock."""

from __future__ import annotations

from sqlalchemy import Engine

from etl.clock import Clock
from etl.engine import DatabaseSettings
from etl.errors import EtlError
from etl.model import RunMode, RunSummary
from etl.run import Run, refused, steady_clock
from etl.state.lock import account_lock


def replay_account(engine: Engine, settings: DatabaseSettings, account: str, clock: Clock) -> RunSummary:
    """Try every open entry once more; every failure is told by the summary, none is raised."""
    try:
        with account_lock(engine, settings, account):
            run = Run(engine, account, RunMode.REPLAY, steady_clock(engine, account, clock))
            try:
                last: int | None = 0
                while last is not None:
                    clock.check_stopped()
                    last = run.replay(after=last)
                return run.succeed_replay()
            except EtlError as error:
                return run.fail(error)
    except EtlError as error:
        return refused(account, RunMode.REPLAY, clock, error)
