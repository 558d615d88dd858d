"""A clock that tests turn: to wait costs nothing, and what was waited for can be looked up."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from etl.errors import StoppedError

START = datetime(2026, 3, 14, 12, tzinfo=UTC)


class FakeClock:
    """Time stands still until somebody sleeps or the test lets it pass. Any thread may use it."""

    def __init__(self, start: datetime = START) -> None:
        self.waits: list[float] = []  # every sleep, in order
        self.stopped = False  # as if the process had been asked to stop
        self._wall = start
        self._monotonic = 1000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._wall

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.check_stopped()
        with self._lock:
            self.waits.append(seconds)
        self.pass_time(max(0.0, seconds))

    def check_stopped(self) -> None:
        if self.stopped:
            raise StoppedError("stopped on request")

    def pass_time(self, seconds: float) -> None:
        """So much time goes by without anybody of the program waiting for it."""
        with self._lock:
            self._wall += timedelta(seconds=seconds)
            self._monotonic += seconds

    def turn(self, by: timedelta) -> None:
        """Somebody sets the wall clock; a span that is being measured does not notice."""
        with self._lock:
            self._wall += by
