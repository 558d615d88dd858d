"""The quota is the budget: when may the next request be sent?

Two windows of our own (so many a minute, so many an hour), corrected by what the source's headers say.
A request is counted when it is sent, so that threads that fetch ahead cannot overdraw together.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Self

from etl.clock import Clock
from etl.extract.limits import Limits
from etl.logs import Log
from etl.settings import Settings

log = Log(__name__)

# Waits of at least this length are told: somebody may be looking at a bar that stands still.
_NOTABLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most so many requests in any span of so many seconds."""

    most: int
    seconds: float

    def wait(self, sent: deque[float], now: float) -> float:
        """Seconds until one more may be sent, given when the earlier ones were (oldest first)."""
        if len(sent) < self.most:
            return 0.0
        return max(0.0, sent[-self.most] + self.seconds - now)


class Budget:
    """The budget of one key in this process; safe to use from several threads."""

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> Self:
        windows = (
            Window(most=settings.requests_per_minute, seconds=60),
            Window(most=settings.requests_per_hour, seconds=3600),
        )
        return cls(windows, clock)

    def __init__(self, windows: tuple[Window, ...], clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=max(window.most for window in windows))
        self._in_flight = 0
        self._told: int | None = None  # what the source lets us send until _resets_at
        self._resets_at = 0.0
        self._not_before = 0.0

    def acquire(self) -> None:
        """Wait until a request may be sent, and count it as sent."""
        while (wait := self._take()) > 0:
            if wait >= _NOTABLE_SECONDS:
                log.warning("budget.waiting", seconds=wait)
            self._clock.sleep(wait)

    def release(self, limits: Limits | None) -> None:
        """The request ended, with what its answer said of the limits, if it had an answer."""
        now = self._clock.monotonic()
        with self._lock:
            self._in_flight -= 1
            if limits is None:
                return
            if limits.retry_after_seconds is not None:
                self._not_before = max(self._not_before, now + limits.retry_after_seconds)
            if limits.remaining is not None and limits.reset_seconds is not None:
                self._told = max(0, limits.remaining - self._in_flight)
                self._resets_at = now + limits.reset_seconds

    def _take(self) -> float:
        now = self._clock.monotonic()
        with self._lock:
            if self._told is not None and now >= self._resets_at:
                self._told = None
            wait = max(0.0, self._not_before - now, *(w.wait(self._sent, now) for w in self._windows))
            if self._told == 0:
                wait = max(wait, self._resets_at - now)
            if wait > 0:
                return wait
            if self._told is not None:
                self._told -= 1
            self._sent.append(now)
            self._in_flight += 1
            return 0.0
