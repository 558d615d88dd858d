"""The one home of time: what it is now, and waiting.

Everything else is handed a `Clock`, so that tests run years of waiting in a moment.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from etl.errors import StoppedError, TimedOutError

STOPPED = "stopped on request"
# By so much the clocks of two hosts, or of one before and after it was set, may differ without a word.
MOST_APART = timedelta(minutes=15)


class Clock(Protocol):
    """What the program may ask of time."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. It may step back: never measure a span with it."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; raises StoppedError as soon as the process is asked to stop."""
        ...

    def check_stopped(self) -> None:
        """Raise StoppedError when the process was asked to stop."""
        ...


class SteadyClock:
    """A clock that never steps back: it begins at `clock`'s time or at `floor`, the later, and runs on.

    What one run writes is so never older than what an earlier run wrote, whatever happens to the machine's
    clock; within the run, spans are true.
    """

    def __init__(self, clock: Clock, floor: datetime | None = None) -> None:
        self._clock = clock
        machine_s = clock.now()
        self._began = max(machine_s, floor) if floor is not None else machine_s
        self._began_monotonic = clock.monotonic()
        self.ahead = self._began - machine_s  # of the machine's clock, when this one began

    @property
    def is_doubtful(self) -> bool:
        """Whether it hardly moves from run to run, since the machine's clock was once far ahead."""
        return self.ahead > MOST_APART

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._clock.monotonic() - self._began_monotonic)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def check_stopped(self) -> None:
        self._clock.check_stopped()


class LimitedClock:
    """A clock that runs out after so many seconds: whoever waits by it, or looks at it between two pages,
    gets a TimedOutError then.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._ends = clock.monotonic() + seconds

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self.check_stopped()
        self._clock.sleep(min(seconds, self._ends - self._clock.monotonic()))
        self.check_stopped()

    def check_stopped(self) -> None:
        self._clock.check_stopped()
        if self._clock.monotonic() >= self._ends:
            raise TimedOutError(
                f"it took longer than the {self._seconds:g} s that a run may take",
                hint="what it read is kept, and the next run goes on; allow more with `schedule --timeout`",
            )


class SystemClock:
    """The machine's clock; `stop` wakes every sleeper."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop if stop is not None else threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self.stop.wait(max(0.0, seconds))
        self.check_stopped()

    def check_stopped(self) -> None:
        if self.stop.is_set():
            raise StoppedError(STOPPED)
