"""The watch over all accounts: what is wrong is kept, logged, and told once.

Of several services on one database one looks at a time. What is still to be told stands in the database, so
that neither a restart nor a receiver that is away loses a notice. A database that is away itself cannot keep
anything: that incident alone is kept in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine

from etl.clock import Clock
from etl.engine import reading, writing
from etl.errors import DestinationError, LockHeldError
from etl.logs import Log
from etl.migrate import HEAD, current_version
from etl.model import RunSummary
from etl.service.incidents import Changes, Seen, compare, find
from etl.service.messenger import Messenger
from etl.service.notices import notice_of
from etl.service.outage import Outage
from etl.settings import Settings
from etl.standing import read_standing
from etl.state.incidents import (
    Finding,
    Incident,
    IncidentKind,
    News,
    mark_told,
    open_incident,
    read_incidents,
    update_incident,
)
from etl.state.lock import account_lock

log = Log(__name__)

# No account can be called so.
_LOCK = "(watch)"


class LastTurns(Protocol):
    """What came of the turns of this process."""

    @property
    def last(self) -> Mapping[str, RunSummary]:
        """By account."""
        ...


class Watch:
    """Looks when it is asked to, from one thread. `faults`: why accounts are not worked for at all."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        turns: LastTurns,
        messenger: Messenger,
        *,
        clock: Clock,
        max_age: timedelta,
        faults: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._turns = turns
        self._messenger = messenger
        self._clock = clock
        self._max_age = max_age
        self._faults = faults
        self._accounts = [account.name for account in settings.accounts]
        self._began = clock.now()
        self._outage = Outage(messenger, clock)

    def look(self) -> None:
        """See what is wrong now, keep what changed, tell what is to be told. Never raises."""
        is_readable = False
        try:
            version = current_version(self._engine)
            is_readable = True
            self._outage.can_be_read()
            if version == HEAD:  # or the first turn is still to migrate
                with suppress(LockHeldError), account_lock(self._engine, self._settings, _LOCK):
                    self._look()
        except DestinationError as error:
            self._outage.seen(str(error), is_readable=is_readable)
        except Exception:
            log.exception("watch.failed")
        else:
            self._outage.over()

    def _look(self) -> None:
        with reading(self._engine) as connection:
            kept = read_incidents(connection, self._accounts)
            changes = self._compare(connection, [each for each in kept if each.closed_at is None])
        if changes:
            with writing(self._engine) as connection:
                _save(connection, changes, self._clock.now())
                kept = read_incidents(connection, self._accounts)
            _log(changes)
        for incident in kept:
            if incident.to_tell is not None:
                self._tell(incident)

    def _compare(self, connection: Connection, open_before: Sequence[Incident]) -> Changes:
        now, turns = self._clock.now(), self._turns.last
        findings: list[Finding] = []
        for health in read_standing(connection, self._settings, now, self._max_age):
            name = health.facts.account
            if health.configured:
                seen = Seen(
                    health=health,
                    last_turn=self._outage.unexplained(turns.get(name)),
                    fault=self._faults.get(name),
                    max_age=self._max_age,
                    working_since=self._began,
                    now=now,
                )
                findings += find(seen, open_before)
        return compare(open_before, findings)

    def _tell(self, incident: Incident) -> None:
        if self._messenger.tell(notice_of(incident)):
            with writing(self._engine) as connection:
                mark_told(connection, incident)


def _save(connection: Connection, changes: Changes, now: datetime) -> None:
    for finding in changes.opened:
        open_incident(connection, finding, News.OPENED)
    for incident, finding in changes.worse:
        # What nobody has heard of yet is told as it is now.
        to_tell = News.OPENED if incident.to_tell is News.OPENED else News.WORSE
        update_incident(
            connection, incident.incident_id, detail=finding.detail, level=finding.level, to_tell=to_tell
        )
    for incident in changes.closed:
        # A field that is known by now is no news to anybody.
        over = None if incident.kind is IncidentKind.DRIFT else News.CLOSED
        update_incident(connection, incident.incident_id, closed_at=now, to_tell=over)


def _log(changes: Changes) -> None:
    for finding in changes.opened:
        log.warning("incident.opened", account=finding.account, kind=finding.kind, detail=finding.detail)
    for incident, finding in changes.worse:
        log.warning("incident.worse", account=incident.account, kind=incident.kind, detail=finding.detail)
    for incident in changes.closed:
        log.info("incident.closed", account=incident.account, kind=incident.kind, detail=incident.detail)
