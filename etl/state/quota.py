"""The quota as the database keeps it, shared by all threads, processes and hosts that use the same key.

`sync_requests` is the record of what was sent, `sync_budget` what the source has told. Each function works on
a connection that is given, within a short transaction that writes; in PostgreSQL the row of `sync_budget` is
locked first, so that whoever asks next sees what this one has taken.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, text, update

from etl.logs import Log
from etl.model import Account
from etl.state.allowance import Allowance, Ended, Quota, Sent, Told, hear, wait_seconds
from etl.tables import sync_budget, sync_requests

if TYPE_CHECKING:
    from etl.settings import Settings

log = Log(__name__)

# A request that gets no answer, since its process died, say, has reached the source by then or never will.
_LONGEST_WAY = timedelta(seconds=10)
# Hosts whose clocks differ by more are not of one time; what is recorded later than that was not sent then.
_CLOCKS_APART = timedelta(seconds=5)

_REQUEST = sync_requests.c
_KNOWN = tuple(sync_budget.c[field.name] for field in fields(Allowance))
_ADD_BUDGET = text("INSERT INTO sync_budget (budget, refusals) VALUES (:budget, 0) ON CONFLICT DO NOTHING")


class Taken(NamedTuple):
    """A request that is counted as sent."""

    request_id: int
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One window of the quota at one instant."""

    seconds: float
    most: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaState:
    """What is left to one key, by our own count and by the source's word."""

    windows: tuple[Use, ...]
    told: Allowance


def budget_of(settings: Settings, account: Account) -> str:
    """The name under which the account's quota is kept: a fingerprint, by which no key can be found."""
    both = f"{settings.base_url}\0{account.api_key.reveal()}"
    return hashlib.blake2b(both.encode(), digest_size=8).hexdigest()


def take(connection: Connection, budget: str, quota: Quota, now: datetime) -> Taken | float:
    """Count a request as sent, or say after how many seconds to ask again."""
    allowance = _lock(connection, budget)
    sent, latest = _read_sent(connection, budget, quota, allowance.opened_at, now)
    if latest is not None and latest > now + _LONGEST_WAY + _CLOCKS_APART:
        _set_right(connection, budget, latest, now)
        allowance = _lock(connection, budget)
        sent, _ = _read_sent(connection, budget, quota, allowance.opened_at, now)
    wait = wait_seconds(allowance, sent, quota, now)
    if wait > 0:
        return wait
    row = {"budget": budget, "counted_at": now + _LONGEST_WAY}
    new = insert(sync_requests).values(row).returning(_REQUEST.request_id)
    return Taken(connection.execute(new).scalar_one(), now)


def settle(connection: Connection, budget: str, taken: Taken, told: Told | None, now: datetime) -> None:
    """The request has ended: the source has counted it by now. `told` is what its answer said, if any."""
    allowance = _lock(connection, budget)
    mine = _REQUEST.request_id == taken.request_id
    connection.execute(update(sync_requests).where(mine).values(counted_at=now))
    request = Ended(sent_at=taken.sent_at, overtaken_by=_count_answered(connection, budget, taken, now))
    heard = hear(allowance, told, request, now)
    if heard != allowance:
        connection.execute(update(sync_budget).where(sync_budget.c.budget == budget).values(asdict(heard)))


def forget_requests(connection: Connection, before: datetime) -> None:
    """Drop what no window holds any more, whoever sent it."""
    connection.execute(delete(sync_requests).where(_REQUEST.counted_at < before))


def read_quota(connection: Connection, budget: str, quota: Quota, now: datetime) -> QuotaState:
    """What is left, without taking any of it."""
    mine = select(*_KNOWN).where(sync_budget.c.budget == budget)
    row = connection.execute(mine).first()
    uses = (
        Use(seconds=window.seconds, most=window.most, used=_count(connection, budget, now, window.seconds))
        for window in quota.windows
    )
    return QuotaState(windows=tuple(uses), told=Allowance(**row._asdict()) if row else Allowance())


def _lock(connection: Connection, budget: str) -> Allowance:
    """What is known of the budget, for nobody else to change until the transaction ends."""
    mine = select(*_KNOWN).where(sync_budget.c.budget == budget).with_for_update()
    row = connection.execute(mine).first()
    if row is None:
        connection.execute(_ADD_BUDGET, {"budget": budget})
        row = connection.execute(mine).one()
    return Allowance(**row._asdict())


def _read_sent(
    connection: Connection, budget: str, quota: Quota, opened_at: datetime | None, now: datetime
) -> tuple[Sent, datetime | None]:
    """What is to be known of the record, and the latest instant in it."""
    places = {f"before_{place}": window.most - 1 for place, window in enumerate(quota.windows)}
    values = {"budget": budget, "now": now, "opened_at": opened_at or now, **places}
    row = connection.execute(_sent_query(len(quota.windows)), values).one()
    under_way, of_window, latest, *counted_at = row
    return Sent(under_way=under_way, of_window=of_window, counted_at=tuple(counted_at)), latest


@lru_cache
def _sent_query(windows: int) -> Select[Any]:
    is_mine = _REQUEST.budget == bindparam("budget")
    counts = (
        select(func.count()).where(is_mine, _REQUEST.counted_at > bindparam(since))
        for since in ("now", "opened_at")
    )
    backwards = select(_REQUEST.counted_at).where(is_mine).order_by(_REQUEST.counted_at.desc()).limit(1)
    decisive = (backwards.offset(bindparam(f"before_{place}")) for place in range(windows))
    return select(*(query.scalar_subquery() for query in (*counts, backwards, *decisive)))


def _count_answered(connection: Connection, budget: str, taken: Taken, now: datetime) -> int:
    """The others that were answered since this one was sent."""
    is_other = (_REQUEST.budget == budget) & (_REQUEST.request_id != taken.request_id)
    is_since = (_REQUEST.counted_at > taken.sent_at) & (_REQUEST.counted_at <= now)
    return connection.scalar(select(func.count()).where(is_other, is_since)) or 0


def _set_right(connection: Connection, budget: str, latest: datetime, now: datetime) -> None:
    """A clock was ahead of this one: what it recorded counts as sent now, and what it was told is void."""
    log.warning("budget.clock_differed", seconds=(latest - now).total_seconds())
    is_ahead = (_REQUEST.budget == budget) & (_REQUEST.counted_at > now + _LONGEST_WAY + _CLOCKS_APART)
    connection.execute(update(sync_requests).where(is_ahead).values(counted_at=now))
    mine = sync_budget.c.budget == budget
    connection.execute(update(sync_budget).where(mine).values(asdict(Allowance())))


def _count(connection: Connection, budget: str, now: datetime, seconds: float) -> int:
    is_inside = _REQUEST.counted_at > now - timedelta(seconds=seconds)
    query = select(func.count()).where(_REQUEST.budget == budget, is_inside)
    return connection.scalar(query) or 0
