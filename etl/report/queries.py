"""What the report asks of the view `report_campaigns`, which has the batches that are at the source.

Sums are formed where the rows are. Few queries, each over all rows: the view is put together for each anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Double,
    FromClause,
    Interval,
    Row,
    Select,
    and_,
    asc,
    case,
    cast,
    desc,
    func,
    literal,
    select,
    true,
    type_coerce,
)

from etl.interval import NEWEST, OLDEST
from etl.report.days import Shift, derive_shifts
from etl.report.figures import Campaign, Tally
from etl.report.scope import Scope
from etl.report.sums import Cell, Sums
from etl.report.trend import LONGEST_TREND
from etl.tables import UtcDateTime, batch_calls, quarantine
from etl.views import report_campaigns

_batches = report_campaigns.c


def counted(column: ColumnElement[Any]) -> ColumnElement[int]:
    """A count as it is added up: one that is missing or negative adds nothing."""
    return case((column > 0, column), else_=0)


def _sum(name: str) -> ColumnElement[float]:
    """A column's sum as a float: SQLite gives up on a sum of integers beyond 64 bits."""
    return func.coalesce(func.sum(cast(counted(_batches[name]), Double)), 0.0)


_ATTEMPTED = _batches.attempted_count
_TALLY = (
    func.count().label("campaigns"),
    _sum("total_recipients").label("recipients"),
    _sum("completed_count").label("completed"),
    _sum("failed_count").label("failed"),
)
_CAMPAIGN = tuple(
    _batches[name]
    for name in "account id name status started_at total_recipients completed_count failed_count".split()
)
CAMPAIGN_COLUMNS = (
    "account id name status created_at scheduled_at started_at completed_at total_recipients completed_count"
    " failed_count success_rate failure_rate completion_rate duration_seconds counts_consistent"
).split()


def read_sums(connection: Connection, scope: Scope, *, least_calls: int) -> Sums:
    """All campaigns of the scope, added up by account, status and day of creation in the scope's zone."""
    sides = (_batches.account, _batches.status, _day(connection, scope).label("day"))
    query = select(
        *sides,
        *_TALLY,
        _count_where(_attempted(least_calls)).label("ranked"),
        _count_where(_batches.counts_consistent.is_(False)).label("inconsistent"),
    )
    rows = connection.execute(query.where(within(scope)).group_by(*sides))
    return Sums(
        tuple(
            Cell(
                account=row.account,
                status=row.status,
                day=row.day,
                tally=_tally(row),
                ranked=row.ranked,
                inconsistent=row.inconsistent,
            )
            for row in rows
        )
    )


def within(scope: Scope, of: FromClause = report_campaigns) -> ColumnElement[bool]:
    """The scope as a condition on the view, or on the table itself."""
    conditions: list[ColumnElement[bool]] = [true()]
    if scope.accounts:
        conditions.append(of.c.account.in_(scope.accounts))
    if scope.statuses:
        conditions.append(of.c.status.in_(scope.statuses))
    if scope.since is not None:
        conditions.append(of.c.created_at >= scope.since)
    if scope.until is not None:
        conditions.append(of.c.created_at < scope.until)
    return and_(*conditions)


def read_best(connection: Connection, scope: Scope, *, least_calls: int, limit: int) -> list[Campaign]:
    return _read_ranked(connection, scope, desc(_batches.success_rate), least_calls, limit)


def read_worst(connection: Connection, scope: Scope, *, least_calls: int, limit: int) -> list[Campaign]:
    return _read_ranked(connection, scope, asc(_batches.success_rate), least_calls, limit)


def read_running(connection: Connection, scope: Scope, *, limit: int) -> list[tuple[Campaign, datetime]]:
    """Campaigns that call at this moment, the last started first, each with the time of its last change."""
    query = (
        select(*_CAMPAIGN, _batches.changed_at)
        .where(within(scope), _batches.status == "running")
        .order_by(_batches.started_at.desc().nulls_last(), _batches.account, _batches.id)
        .limit(limit)
    )
    return [(_campaign(row), row.changed_at) for row in connection.execute(query)]


def read_set_aside(connection: Connection, scope: Scope) -> tuple[int, int]:
    """Rows, and single fields, of the scope's accounts that could not be read."""
    aside = select(
        _count_where(quarantine.c.row_loaded.is_(False)),
        _count_where(quarantine.c.row_loaded.is_(True)),
    ).where(quarantine.c.resolved_at.is_(None))
    if scope.accounts:
        aside = aside.where(quarantine.c.account.in_(scope.accounts))
    rows, fields = connection.execute(aside).one()
    return rows, fields


def read_campaigns(connection: Connection, scope: Scope) -> Iterator[Row[Any]]:
    """The campaigns themselves, newest first, a few thousand at a time."""
    query: Select[Any] = (
        select(*(_batches[name] for name in CAMPAIGN_COLUMNS))
        .where(within(scope))
        .order_by(_batches.created_at.desc().nulls_last(), _batches.account, _batches.id)
    )
    yield from connection.execute(query, execution_options={"yield_per": 2000})


def _day(connection: Connection, scope: Scope) -> ColumnElement[date]:
    """The day of created_at in the scope's zone, whatever zone the session is in."""
    shifts = () if scope.zone is UTC else _shifts(connection, scope.zone)
    if connection.dialect.name == "sqlite":
        if not shifts:
            return type_coerce(func.substr(_batches.created_at, 1, 10), Date())
        seconds = func.substr(_batches.created_at, 1, 19)  # of a finer time, SQLite makes the nearest one
        return type_coerce(func.date(seconds, _shifted(shifts, _as_modifier)), Date())
    moment = func.timezone("UTC", _batches.created_at)
    return type_coerce(func.date(moment + _shifted(shifts, _as_interval) if shifts else moment), Date())


def _shifts(connection: Connection, zone: tzinfo) -> tuple[Shift, ...]:
    """Those of the years that a trend can show; what was created before keeps the days of UTC."""
    newest: datetime | None = connection.scalar(
        select(func.max(batch_calls.c.created_at, type_=UtcDateTime()))
    )
    if newest is None or newest - OLDEST < LONGEST_TREND or NEWEST - newest < timedelta(days=2):
        return ()
    oldest = newest - LONGEST_TREND
    return Shift(oldest, timedelta()), *derive_shifts(zone, oldest, newest)


def _shifted(
    shifts: Sequence[Shift], spelled: Callable[[timedelta], ColumnElement[Any]]
) -> ColumnElement[Any]:
    """How far to put a created_at forward, that its UTC day becomes the zone's."""
    *dated, last = shifts
    branches = [(_batches.created_at < shift.until, spelled(shift.ahead)) for shift in dated]
    return case(*branches, else_=spelled(last.ahead))


def _as_modifier(ahead: timedelta) -> ColumnElement[str]:
    return literal(f"{ahead.total_seconds():+.0f} seconds")


def _as_interval(ahead: timedelta) -> ColumnElement[timedelta]:
    return literal(ahead, Interval())


def _read_ranked(
    connection: Connection, scope: Scope, order: ColumnElement[Any], least_calls: int, limit: int
) -> list[Campaign]:
    query = (
        select(*_CAMPAIGN)
        .where(within(scope), _attempted(least_calls), _batches.success_rate.is_not(None))
        .order_by(order, _ATTEMPTED.desc(), _batches.account, _batches.id)
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
        recipients=max(row.total_recipients or 0, 0),
        completed=max(row.completed_count or 0, 0),
        failed=max(row.failed_count or 0, 0),
    )
    return Campaign(
        account=row.account,
        id=row.id,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        tally=tally,
    )
