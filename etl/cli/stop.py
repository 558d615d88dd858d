"""Stopping on request: the first Ctrl-C or SIGTERM lets the page in hand finish, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from etl.clock import SystemClock
from etl.errors import StoppedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


@contextmanager
def stoppable_clock() -> Iterator[SystemClock]:
    """A clock that the signals stop while the block lasts; whatever is committed is right at any instant."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            _say(_SHOW_CURSOR)
            os._exit(StoppedError.exit_code)
        stop.set()
        _say("\nstopping after the page in hand; once more to stop at once\n")

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield SystemClock(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: what it has begun is cleared away."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(text: str) -> None:
    """Tell somebody at a terminal; elsewhere stderr is a log, whose lines may have to be JSON."""
    if sys.stderr.isatty():
        # Straight to the descriptor: the signal may have come in the middle of a buffered write.
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
