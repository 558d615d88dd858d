"""Requests on their way to a source and back, in a time that costs nothing: is the quota kept, and used?

Some workers send as soon as the budget lets them. Each way takes as long as chance has it, so that requests
are counted in another order than they were sent in, and answered in a third. The source is the sandbox's.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from random import Random
from typing import Protocol

from etl.extract.budget import Request, told_by
from etl.extract.limits import read_limits
from etl.sandbox.options import QuotaOptions
from etl.sandbox.quota import Quota as SourceQuota
from etl.state.allowance import Allowance, Ended, Quota, Sent, Told, hear, wait_seconds
from etl.state.quota import LONGEST_WAY, Taken

START = 1_773_489_600.0


class Budget(Protocol):
    """What `etl.state.quota` offers, wherever it is kept."""

    def take(self, now: datetime) -> Taken | float: ...

    def settle(self, taken: Taken, told: Told | None, now: datetime) -> None: ...


class BudgetInMemory:
    """The budget without a database."""

    def __init__(self, quota: Quota) -> None:
        self.allowance = Allowance()
        self._quota = quota
        self._counted_at: dict[int, datetime] = {}

    def take(self, now: datetime) -> Taken | float:
        wait = wait_seconds(self.allowance, self._sent(now), self._quota, now)
        if wait > 0:
            return wait
        taken = Taken(request_id=len(self._counted_at) + 1, sent_at=now)
        self._counted_at[taken.request_id] = now + LONGEST_WAY
        return taken

    def settle(self, taken: Taken, told: Told | None, now: datetime) -> None:
        del self._counted_at[taken.request_id]
        overlapping = sum(other > taken.sent_at for other in self._counted_at.values())
        self._counted_at[taken.request_id] = now
        self.allowance = hear(
            self.allowance, told, Ended(sent_at=taken.sent_at, overlapping=overlapping), now
        )

    def _sent(self, now: datetime) -> Sent:
        latest_first = sorted(self._counted_at.values(), reverse=True)
        most = [window.most for window in self._quota.windows]
        return Sent(
            under_way=sum(counted > now for counted in latest_first),
            of_window=sum(counted > (self.allowance.opened_at or now) for counted in latest_first),
            counted_at=tuple(latest_first[n - 1] if len(latest_first) >= n else None for n in most),
        )


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What is sent, and what it meets."""

    quota: QuotaOptions
    total: int
    workers: int = 8
    seed: int = 0
    way_seconds: tuple[float, float] = (0.005, 0.015)
    begins: float = START + 0.3
    rounds_down: bool = False  # the source's resets; the sandbox rounds up
    tells: bool = True  # the source has headers


@dataclass(frozen=True, kw_only=True)
class Outcome:
    refused: int
    seconds: float
    sent_at: tuple[float, ...]


def least_seconds(traffic: Traffic) -> float:
    """What the quota alone costs, with requests that take no time."""
    return max((math.ceil(traffic.total / w.requests) - 1) * w.seconds for w in traffic.quota.windows)


def run(traffic: Traffic, budget: Budget) -> Outcome:
    """Send everything, again where it was refused."""
    return _Course(traffic, budget).run()


class _Course:
    def __init__(self, traffic: Traffic, budget: Budget) -> None:
        self._traffic = traffic
        self._budget = budget
        self._rng = Random(traffic.seed)
        self._source = SourceQuota(traffic.quota)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers: Iterator[int] = count()
        self._left = traffic.total
        self._idle = traffic.workers
        self._asks = False  # the workers of one process wait in a queue
        self._sent_at: list[float] = []
        self._refused = 0

    def run(self) -> Outcome:
        now = self._traffic.begins
        self._ask_soon(now)
        while self._events:
            now, _, happen = heapq.heappop(self._events)
            happen(now)
        seconds = now - self._traffic.begins
        return Outcome(refused=self._refused, seconds=seconds, sent_at=tuple(self._sent_at))

    def _at(self, moment: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happen))

    def _ask_soon(self, now: float) -> None:
        if self._left and self._idle and not self._asks:
            self._asks = True
            self._at(now + 0.001, self._ask)

    def _ask(self, now: float) -> None:
        turn = self._budget.take(_instant(now))
        if not isinstance(turn, Taken):
            self._at(now + min(turn, 60), self._ask)
            return
        self._asks = False
        self._left -= 1
        self._idle -= 1
        self._sent_at.append(now)
        self._at(now + self._way(), lambda then: self._arrive(then, turn))
        self._ask_soon(now)

    def _arrive(self, now: float, taken: Taken) -> None:
        is_counted = self._source.take(now)
        headers = {} if is_counted else self._source.retry_after(now)
        if self._traffic.tells:
            headers |= self._told(now)
        self._at(now + self._way(), lambda then: self._receive(then, taken, headers, is_counted))

    def _told(self, now: float) -> dict[str, str]:
        headers = self._source.headers(now)
        if self._traffic.rounds_down:
            headers["X-RateLimit-Reset"] = str(int(headers["X-RateLimit-Reset"]) - 1)
        return headers | {"Date": format_datetime(_instant(math.floor(now)), usegmt=True)}

    def _receive(self, now: float, taken: Taken, headers: dict[str, str], is_counted: bool) -> None:
        lower = {name.lower(): text for name, text in headers.items()}
        limits = read_limits(lower, _instant(now), sent_at=taken.sent_at)
        told = told_by(Request(limits=limits, refused=not is_counted), _instant(now))
        self._budget.settle(taken, told, _instant(now))
        self._idle += 1
        self._refused += not is_counted
        self._left += not is_counted
        self._ask_soon(now)

    def _way(self) -> float:
        return self._rng.uniform(*self._traffic.way_seconds)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def seeded(traffic: Traffic, seed: int) -> Traffic:
    """The same traffic by other chances, begun at another fraction of a second."""
    return replace(traffic, seed=seed, begins=START + Random(f"{seed}/begins").random())
