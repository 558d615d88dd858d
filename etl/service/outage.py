"""The database away, or full: the one incident that cannot be kept where all others are."""

from __future__ import annotations

from datetime import datetime, timedelta

from etl.clock import Clock
from etl.logs import Log
from etl.model import RunSummary
from etl.service.messenger import Messenger
from etl.service.notices import Notice
from etl.state.incidents import News

log = Log(__name__)

# A database that was restarted is back within so long, and nobody has to be told.
_PATIENCE = timedelta(minutes=1)


class Outage:
    """The database away: kept in memory, told when it has lasted for longer than a restart takes."""

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger = messenger
        self._clock = clock
        self._since: datetime | None = None
        self._until: datetime | None = None  # while its end is still to be told
        self._detail = ""
        self._was_readable = False
        self._told = False
        self._explains_until: datetime | None = None

    def seen(self, detail: str, *, is_readable: bool) -> None:
        """It is away, or refuses what is to be kept."""
        now = self._clock.now()
        if self._since is None:
            log.error("database.lost", reason=detail)
        self._since, self._until = self._since or now, None
        self._detail, self._was_readable = detail, is_readable
        if not self._told and now - self._since >= _PATIENCE:
            self._told = self._messenger.tell(self._notice(News.OPENED))

    def can_be_read(self) -> None:
        """It answers again: turns that failed until now did so for want of it, of which was told."""
        if self._since is not None and not self._was_readable:
            self._explains_until = self._clock.now()

    def over(self) -> None:
        """It answers, and keeps what is to be kept."""
        if self._since is None:
            return
        if self._until is None:
            log.info("database.found", reason=self._detail)
            self._until = self._clock.now()
        if not self._told or self._messenger.tell(self._notice(News.CLOSED)):
            self._since, self._until, self._told = None, None, False

    def unexplained(self, turn: RunSummary | None) -> RunSummary | None:
        """The turn, unless it failed in an outage."""
        if turn is None or self._explains_until is None or turn.started_at > self._explains_until:
            return turn
        return None

    def _notice(self, news: News) -> Notice:
        return Notice(
            news=news,
            kind="database",
            account=None,
            detail=self._detail,
            since=self._since or self._clock.now(),
            until=self._until,
        )
