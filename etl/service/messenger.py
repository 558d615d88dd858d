"""Notices sent every way that is configured; one that was not taken is sent again later, that way alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from etl.clock import Clock
from etl.logs import Log
from etl.service.notices import Notice

log = Log(__name__)

_FIRST_PAUSE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 600.0


class Way(Protocol):
    """One way to tell somebody."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def send(self, notice: Notice) -> str | None:
        """Tell; gives why the notice was not taken, None where it was. Never raises."""
        ...


class Messenger:
    """Tells each notice once a way. Not to be used by two threads at once."""

    def __init__(
        self, ways: Iterable[Way], clock: Clock, *, sent: Callable[[str, bool], None] | None = None
    ) -> None:
        """`sent` is told of each attempt: the way's name, and whether the notice was taken."""
        self._ways = tuple(ways)
        self._clock = clock
        self._sent = sent
        self._taken: set[tuple[Notice, str]] = set()  # of notices that are not through every way yet
        self._pause_seconds = 0.0
        self._silent_until = clock.monotonic()

    def tell(self, notice: Notice) -> bool:
        """Tell it; gives whether every way has taken it by now. False as well while there is a pause."""
        if self._clock.monotonic() < self._silent_until:
            return False
        refused = [
            way for way in self._ways if (notice, way.name) not in self._taken and not self._send(way, notice)
        ]
        if refused:
            self._pause()
            return False
        self._pause_seconds = 0.0
        self._taken -= {(notice, way.name) for way in self._ways}
        return True

    def _send(self, way: Way, notice: Notice) -> bool:
        reason = way.send(notice)
        if reason is None:
            self._taken.add((notice, way.name))
        else:
            log.warning("notification.not_taken", way=way.name, reason=reason)
        if self._sent is not None:
            self._sent(way.name, reason is None)
        return reason is None

    def _pause(self) -> None:
        self._pause_seconds = min(max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._silent_until = self._clock.monotonic() + self._pause_seconds
