"""Requests an account may make, counted in windows, and the headers that tell of them.

A refused request is not counted. The headers tell of the window with the fewest requests left; a refusal
of the one that opens last.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol

from etl.sandbox.options import QuotaOptions, QuotaWindow


class Window(Protocol):
    """So many requests in so many seconds. Times are epoch seconds."""

    requests: int

    def left(self, now: float) -> int: ...

    def opens_at(self, now: float) -> float:
        """When there is room, or more room, again."""
        ...

    def count(self, now: float) -> None: ...


class FixedWindow:
    """Begins with a request and ends as a whole."""

    def __init__(self, window: QuotaWindow) -> None:
        self.requests = window.requests
        self._seconds = window.seconds
        self._ends_at = -math.inf
        self._used = 0

    def left(self, now: float) -> int:
        return self.requests - (self._used if now < self._ends_at else 0)

    def opens_at(self, now: float) -> float:
        return self._ends_at if now < self._ends_at else now + self._seconds

    def count(self, now: float) -> None:
        if now >= self._ends_at:
            self._ends_at, self._used = now + self._seconds, 0
        self._used += 1


class SlidingWindow:
    """Forgets each request by itself, so it can be crossed at no border."""

    def __init__(self, window: QuotaWindow) -> None:
        self.requests = window.requests
        self._seconds = window.seconds
        self._seen: deque[float] = deque()

    def left(self, now: float) -> int:
        while self._seen and self._seen[0] <= now - self._seconds:
            self._seen.popleft()
        return self.requests - len(self._seen)

    def opens_at(self, now: float) -> float:
        return (self._seen[0] if self._seen else now) + self._seconds

    def count(self, now: float) -> None:
        self._seen.append(now)


class Quota:
    """All windows of one account."""

    def __init__(self, options: QuotaOptions) -> None:
        kind = FixedWindow if options.kind == "fixed" else SlidingWindow
        self._options = options
        self._windows: list[Window] = [kind(window) for window in options.windows]

    def take(self, now: float) -> bool:
        """Count a request; False when a window has no room for it."""
        if any(window.left(now) <= 0 for window in self._windows):
            return False
        for window in self._windows:
            window.count(now)
        return True

    def headers(self, now: float) -> dict[str, str]:
        """What an answer tells of the quota; a refused one also when to come again, if it is to."""
        if not self._windows:
            return {}
        least = min(window.left(now) for window in self._windows)
        told = max((w for w in self._windows if w.left(now) == least), key=lambda w: w.opens_at(now))
        delay = told.opens_at(now) - now
        return {
            "X-RateLimit-Limit": str(told.requests),
            "X-RateLimit-Remaining": str(least),
            "X-RateLimit-Reset": str(math.ceil(delay if self._options.reset_as == "delay" else now + delay)),
        }

    def retry_after(self, now: float) -> dict[str, str]:
        """The Retry-After header of a refusal, in the form that was asked for."""
        opens_at = max(window.opens_at(now) for window in self._windows if window.left(now) <= 0)
        match self._options.retry_after:
            case "seconds":
                return {"Retry-After": str(math.ceil(opens_at - now))}
            case "date":
                moment = datetime.fromtimestamp(math.ceil(opens_at), UTC)
                return {"Retry-After": format_datetime(moment, usegmt=True)}
            case None:
                return {}
