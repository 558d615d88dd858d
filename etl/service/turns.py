"""The turns of the accounts: one sync each, which never raises and never takes longer than it may.

Nothing is kept from one turn to the next but what came of it: where the work stands, the database knows.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from etl.clock import Clock, LimitedClock
from etl.errors import EtlError, InvariantError, LockHeldError, StoppedError
from etl.jobs.sync import Sync
from etl.logs import Log
from etl.migrate import migrate
from etl.model import Account, RunMode, RunSummary
from etl.run import refused
from etl.service.meters import Meters
from etl.settings import Settings
from etl.work import Work

if TYPE_CHECKING:
    import httpx

log = Log(__name__)

HELD_ELSEWHERE = LockHeldError.exit_code


class Turns:
    """Takes turns, and tells what became of the last one of each account. Any thread may use it."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        clock: Clock,
        meters: Meters,
        timeout: timedelta,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._meters = meters
        self._timeout = timeout
        self._transport = transport
        self._changed = threading.Condition()
        self._began: dict[str, float] = {}
        self._last: dict[str, RunSummary] = {}
        self._ended = 0

    def take(self, account: Account) -> RunSummary:
        """Sync the account; every failure is told by the summary, and in the log."""
        self._meters.began()
        with self._changed:
            self._began[account.name] = self._clock.monotonic()
        summary = self._sync(account)
        _tell(summary, self._last.get(account.name))
        self._meters.ended()
        with self._changed:
            del self._began[account.name]
            self._last[account.name] = summary
            self._ended += 1
            self._changed.notify_all()
        return summary

    @property
    def last(self) -> Mapping[str, RunSummary]:
        """By account, what came of the last turn that ended here."""
        with self._changed:
            return dict(self._last)

    def overdue(self, grace: timedelta) -> tuple[str, ...]:
        """The accounts whose turn should have ended for longer than that: no look at the clock stops them."""
        longest = (self._timeout + grace).total_seconds()
        now = self._clock.monotonic()
        with self._changed:
            return tuple(name for name, began in self._began.items() if now - began > longest)

    def wait_for_an_end(self, ended_before: int, seconds: float) -> int:
        """Wait until one more turn has ended than that, but no longer than so; gives how many have."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended > ended_before, timeout=seconds)
            return self._ended

    def wait_until_ended(self, seconds: float) -> tuple[str, ...]:
        """Wait for the turns under way, but no longer than that; return the accounts that are still at it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._began, timeout=seconds)
            return tuple(self._began)

    def _sync(self, account: Account) -> RunSummary:
        clock = LimitedClock(self._clock, self._timeout.total_seconds())
        try:
            # Asked at every turn: the database may have been away, or be an older copy that was put back.
            migrate(self._engine, self._settings)
            work = Work(
                self._engine,
                self._settings,
                clock=clock,
                progress=self._meters,
                transport=self._transport,
                heard=self._meters.heard,
            )
            return work.perform(Sync(self._settings), account)
        except EtlError as error:
            return refused(account.name, RunMode.FULL, self._clock, error)
        except Exception as error:
            log.exception("turn.crashed", account=account.name)
            bug = InvariantError(f"a bug: {type(error).__name__} in the turn")
            return refused(account.name, RunMode.FULL, self._clock, bug)


def _tell(summary: RunSummary, before: RunSummary | None) -> None:
    """A line for each turn, but of the one that stands by while another does the work, one for all."""
    if summary.exit_code == HELD_ELSEWHERE:
        if before is None or before.exit_code != HELD_ELSEWHERE:
            log.info("turn.left", account=summary.account, reason=summary.error)
    elif summary.exit_code == StoppedError.exit_code:
        log.info("turn.stopped", account=summary.account)
    elif summary.error is not None:
        log.warning("turn.failed", account=summary.account, error=summary.error, hint=summary.hint)
    else:
        names = "mode requests rows_seen inserted updated deleted revived quarantined seconds".split()
        log.info("turn.ended", account=summary.account, **{name: getattr(summary, name) for name in names})
