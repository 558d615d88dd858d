"""When the next request may be sent: the quota is the budget, and everybody who uses the key shares it.

    with budget.request() as request:       # waits until one may be sent, and counts it
        request.limits = read_limits(...)   # what its answer said, for those that follow

What was sent and what was told is in the database (`etl.state.quota`), so that threads, processes and hosts
cannot overdraw together; what follows from it is decided in `etl.state.allowance`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

from sqlalchemy import Engine

from etl.clock import Clock
from etl.engine import writing
from etl.errors import EtlError, StoppedError
from etl.extract.limits import Limits
from etl.logs import Log
from etl.model import Account
from etl.settings import Settings
from etl.state.allowance import Quota, Told, ToldWindow
from etl.state.quota import LONGEST_WAY, Ledger, Taken, budget_of, forget_requests
from etl.threads import Together

log = Log(__name__)

# Waits of at least this length are told: somebody may be looking at a bar that stands still.
_NOTABLE_SECONDS = 5.0
# A process that stands still between the count of a request and its sending, since its machine sleeps, say,
# counts it anew: half the way that the record allows for is left to the request itself.
_LATEST_START = LONGEST_WAY / 2
# While so many are left to the key, by the source's word, nobody has to hear of it at once.
_PLENTY = 25
# A long wait is looked at again so often: meanwhile clocks are set and machines sleep.
_LONGEST_SLEEP_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Request:
    """One request that may be sent now; its sender notes here what the answer said."""

    waited_seconds: float = 0.0
    limits: Limits | None = None  # None while there is no answer
    refused: bool = False  # the answer is a 429


class Budget(Protocol):
    """What a client asks before it sends."""

    def request(self) -> AbstractContextManager[Request]:
        """Wait until a request may be sent, and hold it while it is under way.

        Raises StoppedError when the process is asked to stop, or the budget is closed, while it waits.
        """
        ...

    def close(self) -> None:
        """Let no more requests pass."""
        ...


class Unlimited:
    """For a single request that nobody plans for: there may be no database to count it in."""

    @contextmanager
    def request(self) -> Iterator[Request]:
        yield Request()

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A request that has its answer, or will get none."""

    taken: Taken
    told: Told | None
    at: datetime


class SharedBudget:
    """The budget of one key, kept in a database. Safe to use from several threads.

    What those of one process have to say or to ask at the same time is one transaction. Where the quota makes
    them wait they do so in a queue, and only the first of them asks again.
    """

    @classmethod
    def of(cls, engine: Engine, settings: Settings, account: Account, clock: Clock) -> Self:
        return cls(engine, budget_of(settings, account), Quota.of(settings), clock)

    def __init__(self, engine: Engine, budget: str, quota: Quota, clock: Clock) -> None:
        self._engine = engine
        self._budget = budget
        self._quota = quota
        self._clock = clock
        self._queue = threading.Lock()
        self._together: Together[_Ended | None, Taken | float] = Together(self._transact)
        self._forget_old()

    @contextmanager
    def request(self) -> Iterator[Request]:
        began = self._clock.monotonic()
        taken = self._wait()
        request = Request(waited_seconds=self._clock.monotonic() - began)
        try:
            yield request
        finally:
            now = self._clock.now()
            self._end(_Ended(taken=taken, told=told_by(request, now), at=now))

    def close(self) -> None:
        """Let no more requests pass; what is still under way says no word to the database any more."""
        with suppress(EtlError):  # what is not noted counts for longer, and whoever comes next meets the same
            self._together.close()

    def _end(self, ended: _Ended) -> None:
        """Note it with the next request, or at once where others have to hear what was told.

        While a page is loaded into SQLite nothing is noted, and the answer would wait for that.
        """
        if not ended.taken.is_awaited and _can_wait(ended.told):
            self._together.tell(ended)
            return
        with suppress(StoppedError):  # closed: what was under way then is settled by nobody
            self._together.ask(ended)

    def _wait(self) -> Taken:
        turn = 0.0 if self._queue.locked() else self._take()
        if isinstance(turn, Taken):
            return turn
        with self._queue:
            return self._wait_in_queue()

    def _wait_in_queue(self) -> Taken:
        is_told = False
        while not isinstance(turn := self._take(), Taken):
            if turn >= _NOTABLE_SECONDS and not is_told:
                log.warning("budget.waiting", seconds=round(turn, 1))
                is_told = True
            self._clock.sleep(min(turn, _LONGEST_SLEEP_SECONDS))
        return turn

    def _take(self) -> Taken | float:
        self._clock.check_stopped()
        turn = self._together.ask(None)
        is_late = isinstance(turn, Taken) and self._clock.now() - turn.sent_at > _LATEST_START
        return 0.0 if is_late else turn

    def _transact(self, asked: Sequence[_Ended | None]) -> list[Taken | float]:
        """Settle what has ended, and take for the others, in their order."""
        with writing(self._engine) as connection:
            ledger = Ledger(connection, self._budget, self._quota)
            return [
                self._settle(ledger, ended) if ended else ledger.take(self._clock.now()) for ended in asked
            ]

    @staticmethod
    def _settle(ledger: Ledger, ended: _Ended) -> Taken:
        ledger.settle(ended.taken, ended.told, ended.at)
        return ended.taken

    def _forget_old(self) -> None:
        longest = max(window.seconds for window in self._quota.windows)
        with writing(self._engine) as connection:
            forget_requests(connection, self._clock.now() - timedelta(seconds=longest))


def _can_wait(told: Told | None) -> bool:
    """Whether what was told keeps nobody from sending soon."""
    if told is None or told.refused or told.wait_until is not None:
        return False
    return told.window is None or told.window.remaining >= _PLENTY


def told_by(request: Request, now: datetime) -> Told | None:
    """What the answer said, as instants of our clock; None when there was none."""
    if request.limits is None:
        return None
    return Told(
        window=_told_window(request.limits, now),
        wait_until=_after(now, request.limits.retry_after_seconds),
        refused=request.refused,
    )


def _told_window(limits: Limits, now: datetime) -> ToldWindow | None:
    resets_at = _after(now, limits.reset_seconds)
    if limits.remaining is None or resets_at is None:
        return None
    return ToldWindow(remaining=limits.remaining, limit=limits.limit, resets_at=resets_at)


def _after(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
