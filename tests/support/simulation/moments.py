"""The one time of a simulated world, and the clocks of its machines.

Nothing waits: whoever sleeps moves the time. It is counted in whole microseconds, so that every change of the
world has a moment of its own and the judge can say what was true when.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 14, 12, tzinfo=UTC)
_TICK = 1000  # microseconds between two events, at least


class Moments:
    """How many microseconds have passed since the beginning."""

    def __init__(self) -> None:
        self.now = 0

    @property
    def instant(self) -> datetime:
        """The true time, which the source's own clock shows."""
        return START + timedelta(microseconds=self.now)

    def tick(self) -> int:
        """Move on a little, so that what happens next has a moment of its own."""
        self.now += _TICK
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += max(_TICK, round(seconds * 1_000_000))


class HostClock:
    """One machine's clock, as a process asks it: it may be wrong, and somebody may set it.

    `watch` hears of every sleep: a process can be stopped or die there.
    """

    def __init__(self, moments: Moments, watch: Callable[[str], None]) -> None:
        self.error = timedelta()
        self._moments = moments
        self._watch = watch

    def now(self) -> datetime:
        return self._moments.instant + self.error

    def monotonic(self) -> float:
        return self._moments.now / 1_000_000

    def sleep(self, seconds: float) -> None:
        self._watch("sleep")
        self._moments.pass_time(max(0.0, seconds))
        self._watch("woken")
        self.check_stopped()

    def check_stopped(self) -> None:
        self._watch("check")
