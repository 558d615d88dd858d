"""The quota as the database keeps it, shared by all threads, processes and hosts that use the same key.

`sync_requests` is the record of what was sent, `sync_budget` what the source has told. All works on a
connection that is given, within a short transaction; in PostgreSQL the row of `sync_budget` is locked by
whoever writes, so that the next one sees what was taken.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, text, update

from etl.logs import Log
from etl.model import Account
from etl.state.allowance import Allowance, Ended, Quota, Sent, Told, Window, hear, is_awaited, wait_seconds
from etl.tables import sync_budget, sync_requests

if TYPE_CHECKING:
    from etl.settings import Settings

log = Log(__name__)

# A request that gets no answer, since its process died, say, has reached the source by then or never will.
LONGEST_WAY = timedelta(seconds=10)
# Hosts whose clocks differ by more are not of one time; what is recorded later than that was not sent then.
_CLOCKS_APART = timedelta(seconds=5)

_REQUEST, _BUDGET = sync_requests.c, sync_budget.c
_FIELDS = tuple(field.name for field in fields(Allowance))
_IS_MINE = _REQUEST.budget == bindparam("of_budget")

# Built once: a request costs five of these, and to build them would cost more than to run them.
_ADD_BUDGET = text("INSERT INTO sync_budget (budget, refusals) VALUES (:budget, 0) ON CONFLICT DO NOTHING")
_READ_BUDGET = select(*(_BUDGET[name] for name in _FIELDS)).where(_BUDGET.budget == bindparam("of_budget"))
_LOCK_BUDGET = _READ_BUDGET.with_for_update()
_SAVE_BUDGET = update(sync_budget).where(_BUDGET.budget == bindparam("of_budget"))
_ADD_REQUEST = insert(sync_requests).returning(_REQUEST.request_id)
_END_REQUEST = update(sync_requests).where(_REQUEST.request_id == bindparam("ended"))
_COUNT_SINCE = select(func.count()).where(_IS_MINE, _REQUEST.counted_at > bindparam("since"))
_COUNT_OVERLAPPING = _COUNT_SINCE.where(_REQUEST.request_id != bindparam("ended"))


class Taken(NamedTuple):
    """A request that is counted as sent."""

    request_id: int
    sent_at: datetime
    is_awaited: bool = False  # nobody sends another before this one's answer is noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One window of the quota at one instant."""

    seconds: float
    most: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaState:
    """What is left to one key, by our own count and by the source's word."""

    windows: tuple[Use, ...]
    told: Allowance


def budget_of(settings: Settings, account: Account) -> str:
    """The name under which the account's quota is kept: a fingerprint, by which no key can be found."""
    both = f"{settings.base_url}\0{account.api_key.reveal()}"
    return hashlib.blake2b(both.encode(), digest_size=8).hexdigest()


class Ledger:
    """What is recorded of one key, for nobody else to change until the connection's transaction ends."""

    def __init__(self, connection: Connection, budget: str, quota: Quota) -> None:
        self._connection = connection
        self._budget = budget
        self._quota = quota
        self._allowance = self._lock()

    def take(self, now: datetime) -> Taken | float:
        """Count a request as sent, or say after how many seconds to ask again."""
        sent, latest = self._read_sent(now)
        if latest is not None and latest > now + LONGEST_WAY + _CLOCKS_APART:
            self._set_right(latest, now)
            return self.take(now)
        wait = wait_seconds(self._allowance, sent, self._quota, now)
        if wait > 0:
            return wait
        row = {"budget": self._budget, "counted_at": now + LONGEST_WAY}
        request_id = self._connection.execute(_ADD_REQUEST, row).scalar_one()
        return Taken(request_id, now, is_awaited(self._allowance, sent, self._quota))

    def settle(self, taken: Taken, told: Told | None, now: datetime) -> None:
        """The request has ended: the source has counted it by now. `told` is what its answer said, if any."""
        self._connection.execute(_END_REQUEST, {"ended": taken.request_id, "counted_at": now})
        others = {"of_budget": self._budget, "since": taken.sent_at, "ended": taken.request_id}
        overlapping = self._connection.execute(_COUNT_OVERLAPPING, others).scalar_one()
        self._save(hear(self._allowance, told, Ended(sent_at=taken.sent_at, overlapping=overlapping), now))

    def _lock(self) -> Allowance:
        row = self._connection.execute(_LOCK_BUDGET, {"of_budget": self._budget}).first()
        if row is None:
            self._connection.execute(_ADD_BUDGET, {"budget": self._budget})
            return self._lock()
        return Allowance(**row._asdict())

    def _save(self, allowance: Allowance) -> None:
        if allowance != self._allowance:
            values = {name: getattr(allowance, name) for name in _FIELDS}
            self._connection.execute(_SAVE_BUDGET, {"of_budget": self._budget, **values})
            self._allowance = allowance

    def _read_sent(self, now: datetime) -> tuple[Sent, datetime | None]:
        """What is to be known of the record, and the latest instant in it."""
        places = {f"before_{place}": window.most - 1 for place, window in enumerate(self._quota.windows)}
        opened_at = self._allowance.opened_at or now
        values = {"of_budget": self._budget, "now": now, "opened_at": opened_at, **places}
        row = self._connection.execute(_sent_query(len(self._quota.windows)), values).one()
        under_way, of_window, latest, *counted_at = row
        return Sent(under_way=under_way, of_window=of_window, counted_at=tuple(counted_at)), latest

    def _set_right(self, latest: datetime, now: datetime) -> None:
        """A clock was ahead of this one: what it recorded counts as sent now; what it was told is void."""
        log.warning("budget.clock_differed", seconds=(latest - now).total_seconds())
        is_ahead = _REQUEST.counted_at > now + LONGEST_WAY + _CLOCKS_APART
        is_mine = _REQUEST.budget == self._budget
        self._connection.execute(update(sync_requests).where(is_mine, is_ahead).values(counted_at=now))
        self._save(Allowance())


@lru_cache
def _sent_query(windows: int) -> Select[Any]:
    counts = (
        select(func.count()).where(_IS_MINE, _REQUEST.counted_at > bindparam(since))
        for since in ("now", "opened_at")
    )
    backwards = select(_REQUEST.counted_at).where(_IS_MINE).order_by(_REQUEST.counted_at.desc()).limit(1)
    decisive = (backwards.offset(bindparam(f"before_{place}")) for place in range(windows))
    return select(*(query.scalar_subquery() for query in (*counts, backwards, *decisive)))


def forget_requests(connection: Connection, before: datetime) -> None:
    """Drop what no window holds any more, whoever sent it."""
    connection.execute(delete(sync_requests).where(_REQUEST.counted_at < before))


def read_quota(connection: Connection, budget: str, quota: Quota, now: datetime) -> QuotaState:
    """What is left, without taking any of it."""
    row = connection.execute(_READ_BUDGET, {"of_budget": budget}).first()
    uses = (
        Use(seconds=window.seconds, most=window.most, used=_count_since(connection, budget, now, window))
        for window in quota.windows
    )
    return QuotaState(windows=tuple(uses), told=Allowance(**row._asdict()) if row else Allowance())


def _count_since(connection: Connection, budget: str, now: datetime, window: Window) -> int:
    since = {"of_budget": budget, "since": now - timedelta(seconds=window.seconds)}
    return connection.execute(_COUNT_SINCE, since).scalar_one()
