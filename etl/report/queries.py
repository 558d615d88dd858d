"""What the report asks of the tables: sums, formed where the rows are, over live batches alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Double,
    Row,
    Select,
    and_,
    asc,
    case,
    cast,
    desc,
    func,
    select,
    type_coerce,
)

from etl.report.figures import Campaign, Tally
from etl.tables import batch_calls, quarantine


def _sum(name: str) -> ColumnElement[float]:
    """A column's sum as a float: SQLite gives up on a sum of integers beyond 64 bits."""
    return func.coalesce(func.sum(cast(batch_calls.c[name], Double)), 0.0)


_ATTEMPTED = func.coalesce(batch_calls.c.completed_count, 0) + func.coalesce(batch_calls.c.failed_count, 0)
_TALLY = (
    func.count().label("campaigns"),
    _sum("total_recipients").label("recipients"),
    _sum("completed_count").label("completed"),
    _sum("failed_count").label("failed"),
)
_CAMPAIGN = tuple(
    batch_calls.c[name]
    for name in "account id name status started_at total_recipients completed_count failed_count".split()
)
CAMPAIGN_COLUMNS = (
    "account id name status created_at scheduled_at started_at completed_at total_recipients completed_count"
    " failed_count success_rate failure_rate completion_rate duration_seconds counts_consistent"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which live batches a report is about: created in `[since, until)`, of these accounts or of all."""

    accounts: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def clause(self) -> ColumnElement[bool]:
        conditions: list[ColumnElement[bool]] = [batch_calls.c.deleted_at.is_(None)]
        if self.accounts:
            conditions.append(batch_calls.c.account.in_(self.accounts))
        if self.since is not None:
            conditions.append(batch_calls.c.created_at >= self.since)
        if self.until is not None:
            conditions.append(batch_calls.c.created_at < self.until)
        return and_(*conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """What a reader of the figures has to know: of each, how many."""

    inconsistent: int  # campaigns whose calls are more than their recipients
    without_time: int  # campaigns without created_at, absent from the trend and from any window
    rows_set_aside: int  # not in the table at all, or there as an older version
    fields_set_aside: int  # loaded, one field empty


def read_total(connection: Connection, scope: Scope) -> Tally:
    return _tally(connection.execute(select(*_TALLY).where(scope.clause())).one())


def read_statuses(connection: Connection, scope: Scope) -> dict[str, Tally]:
    """A tally per status, the most frequent first."""
    query = (
        select(batch_calls.c.status, *_TALLY)
        .where(scope.clause())
        .group_by(batch_calls.c.status)
        .order_by(func.count().desc(), batch_calls.c.status)
    )
    return {row.status: _tally(row) for row in connection.execute(query)}


def read_days(connection: Connection, scope: Scope) -> list[tuple[date, Tally]]:
    """A tally per UTC day of creation, oldest first; days without campaigns are left out."""
    day = utc_day(connection).label("day")
    query = (
        select(day, *_TALLY)
        .where(scope.clause(), batch_calls.c.created_at.is_not(None))
        .group_by(day)
        .order_by(day)
    )
    return [(row.day, _tally(row)) for row in connection.execute(query)]


def utc_day(connection: Connection) -> ColumnElement[date]:
    """The day of created_at, whatever zone the session is in."""
    if connection.dialect.name == "sqlite":
        return type_coerce(func.substr(batch_calls.c.created_at, 1, 10), Date())
    return type_coerce(func.date(func.timezone("UTC", batch_calls.c.created_at)), Date())


def read_best(connection: Connection, scope: Scope, *, least_calls: int, limit: int) -> list[Campaign]:
    return _read_ranked(connection, scope, desc(batch_calls.c.success_rate), least_calls, limit)


def read_worst(connection: Connection, scope: Scope, *, least_calls: int, limit: int) -> list[Campaign]:
    return _read_ranked(connection, scope, asc(batch_calls.c.success_rate), least_calls, limit)


def count_ranked(connection: Connection, scope: Scope, *, least_calls: int) -> int:
    """How many campaigns have calls enough to be ranked."""
    query = select(func.count()).where(scope.clause(), _attempted(least_calls))
    return connection.execute(query).scalar_one()


def read_running(connection: Connection, scope: Scope, *, limit: int) -> list[Campaign]:
    """Campaigns that call at this moment, the last started first."""
    query = (
        select(*_CAMPAIGN)
        .where(scope.clause(), batch_calls.c.status == "running")
        .order_by(batch_calls.c.started_at.desc().nulls_last(), batch_calls.c.account, batch_calls.c.id)
        .limit(limit)
    )
    return [_campaign(row) for row in connection.execute(query)]


def read_oddities(connection: Connection, scope: Scope) -> Oddities:
    odd = select(
        _count_where(batch_calls.c.counts_consistent.is_(False)),
        _count_where(batch_calls.c.created_at.is_(None)),
    ).where(scope.clause())
    aside = select(
        _count_where(quarantine.c.row_loaded.is_(False)),
        _count_where(quarantine.c.row_loaded.is_(True)),
    ).where(quarantine.c.resolved_at.is_(None))
    if scope.accounts:
        aside = aside.where(quarantine.c.account.in_(scope.accounts))
    inconsistent, without_time = connection.execute(odd).one()
    rows, fields = connection.execute(aside).one()
    return Oddities(
        inconsistent=inconsistent, without_time=without_time, rows_set_aside=rows, fields_set_aside=fields
    )


def read_campaigns(connection: Connection, scope: Scope) -> Iterator[Row[Any]]:
    """The campaigns themselves, newest first, a few thousand at a time."""
    query: Select[Any] = (
        select(*(batch_calls.c[name] for name in CAMPAIGN_COLUMNS))
        .where(scope.clause())
        .order_by(batch_calls.c.created_at.desc().nulls_last(), batch_calls.c.account, batch_calls.c.id)
    )
    yield from connection.execute(query, execution_options={"yield_per": 2000})


def _read_ranked(
    connection: Connection, scope: Scope, order: ColumnElement[Any], least_calls: int, limit: int
) -> list[Campaign]:
    query = (
        select(*_CAMPAIGN)
        .where(scope.clause(), _attempted(least_calls))
        .order_by(order, _ATTEMPTED.desc(), batch_calls.c.account, batch_calls.c.id)
        .limit(limit)
    )
    return [_campaign(row) for row in connection.execute(query)]


def _attempted(least_calls: int) -> ColumnElement[bool]:
    """Campaigns with so many calls; one without any has no rate to be ranked by."""
    least = max(least_calls, 1)
    return least <= _ATTEMPTED


def _count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _tally(row: Row[Any]) -> Tally:
    return Tally(
        campaigns=row.campaigns,
        recipients=int(row.recipients),
        completed=int(row.completed),
        failed=int(row.failed),
    )


def _campaign(row: Row[Any]) -> Campaign:
    tally = Tally(
        campaigns=1,
        recipients=row.total_recipients or 0,
        completed=row.completed_count or 0,
        failed=row.failed_count or 0,
    )
    return Campaign(
        account=row.account,
        id=row.id,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        tally=tally,
    )
