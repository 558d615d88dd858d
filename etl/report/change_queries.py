"""What the report asks of the history: each change held against the version before it.

Most batches have but one version, the one that was first seen. They are counted by their rows in
`batch_calls`; only of the others the history is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Double,
    Row,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
)

from etl.report.changes import Changes, Event, Move, most_frequent
from etl.report.queries import counted, within
from etl.report.scope import Scope
from etl.tables import batch_call_history, batch_calls

_MOST_MOVES = 8
_batches = batch_calls.c
_EVENT = "observed_at account id name change before after".split()


def read_changes(connection: Connection, scope: Scope, *, since: datetime, most_events: int) -> Changes:
    """All that was observed since then of the scope's batches, those that are gone by now among them."""
    recent = _recent(scope, since)
    first = connection.execute(_first_seen(scope, since)).one()
    steps = _read_steps(connection, recent)
    later = connection.execute(_events(recent, most_events)).all()
    new = connection.execute(_new(scope, since, most_events)).all()
    events = _newest([*later, *new], most_events)
    return Changes(
        since=since,
        created=first.created,
        loaded=first.loaded,
        gone=_times(steps, change="deleted"),
        returned=_times(steps, change="revived"),
        run_again=_times(steps, again=True),
        completed=int(sum(step.completed for step in steps) + (first.completed or 0)),
        failed=int(sum(step.failed for step in steps) + (first.failed or 0)),
        moves=most_frequent(_moves(steps), _MOST_MOVES),
        events=events,
        events_left_out=max(first.single + _times(steps, notable=True) - len(events), 0),
    )


def _within(scope: Scope) -> ColumnElement[bool]:
    """The scope, without regard to whether the batch is still there: that it went is a change, too."""
    return within(scope, batch_calls)


def _single(since: datetime) -> ColumnElement[bool]:
    """Created since, and never seen to change."""
    return and_(_batches.created_at >= since, _batches.version == 1)


def _first_seen(scope: Scope, since: datetime) -> Any:
    """Batches that were first seen since; calls of those created before were made nobody knows when."""
    young, single = _batches.created_at >= since, _single(since)
    return select(
        _count(young).label("created"),
        _count(or_(_batches.created_at < since, _batches.created_at.is_(None))).label("loaded"),
        _count(single).label("single"),
        _sum(case((single, counted(_batches.completed_count)))).label("completed"),
        _sum(case((single, counted(_batches.failed_count)))).label("failed"),
    ).where(_batches.first_seen_at >= since, _within(scope))


def _recent(scope: Scope, since: datetime) -> CTE:
    """The versions since then, each beside the one before, of the batches that have several."""
    new, old = batch_call_history.alias("new"), batch_call_history.alias("old")
    several = (_batches.changed_at >= since, _batches.version > 1, _within(scope))
    # As a list of keys, so that SQLite begins with them and not with the whole history.
    changed = select(_batches.account, _batches.id).where(*several).correlate(None)
    again = and_(old.c.started_at.is_not(None), new.c.started_at > old.c.started_at)
    moved = and_(new.c.change == "updated", old.c.status != new.c.status)
    young = and_(new.c.change == "inserted", new.c.created_at >= since)
    query = (
        select(
            new.c.account,
            new.c.id,
            new.c.version,
            new.c.observed_at,
            new.c.change,
            _batches.name,
            old.c.status.label("before"),
            new.c.status.label("after"),
            again.label("again"),
            moved.label("moved"),
            or_(moved, young, new.c.change.in_(["deleted", "revived"])).label("notable"),
            _made("completed_count", new, old, again, young).label("completed"),
            _made("failed_count", new, old, again, young).label("failed"),
        )
        .join(batch_calls, and_(_batches.account == new.c.account, _batches.id == new.c.id))
        .outerjoin(
            old,
            and_(old.c.account == new.c.account, old.c.id == new.c.id, old.c.version == new.c.version - 1),
        )
        .where(tuple_(new.c.account, new.c.id).in_(changed), new.c.observed_at >= since)
    )
    return query.cte("recent")


def _made(
    name: str, new: Any, old: Any, again: ColumnElement[bool], young: ColumnElement[bool]
) -> ColumnElement[int]:
    """Calls made between two versions: all of a batch that is new or was run again, else what is more.

    A source that corrects a count downwards has made no calls; when what came back made its calls,
    nobody knows.
    """
    after, before = counted(new.c[name]), counted(old.c[name])
    more = and_(new.c.change == "updated", after > before)
    return case((or_(again, young), after), (more, after - before), else_=0)


def _read_steps(connection: Connection, recent: CTE) -> Sequence[Row[Any]]:
    """The versions of one kind as one: from which status to which, whether it began again, and so on."""
    sides = [recent.c[name] for name in ("change", "before", "after", "again", "moved", "notable")]
    sums = (_sum(recent.c.completed).label("completed"), _sum(recent.c.failed).label("failed"))
    return connection.execute(select(*sides, func.count().label("times"), *sums).group_by(*sides)).all()


def _times(steps: Sequence[Row[Any]], **wanted: object) -> int:
    return sum(step.times for step in steps if all(getattr(step, name) == wanted[name] for name in wanted))


def _moves(steps: Sequence[Row[Any]]) -> list[Move]:
    times = Counter[tuple[str, str]]()
    for step in steps:
        if step.moved:
            times[step.before, step.after] += step.times
    return [Move(before=before, after=after, times=count) for (before, after), count in times.items()]


def _events(recent: CTE, most: int) -> Any:
    columns = (recent.c[name] for name in _EVENT)
    newest_first = (recent.c.observed_at.desc(), recent.c.account, recent.c.id)
    return select(*columns).where(recent.c.notable).order_by(*newest_first).limit(most)


def _new(scope: Scope, since: datetime, most: int) -> Any:
    columns = (
        _batches.first_seen_at.label("observed_at"),
        _batches.account,
        _batches.id,
        _batches.name,
        literal("inserted").label("change"),
        null().label("before"),
        _batches.status.label("after"),
    )
    conditions = (_batches.first_seen_at >= since, _single(since), _within(scope))
    # What a page brings is first seen in the same instant: by what else, both databases have to be told.
    newest_first = (_batches.first_seen_at.desc(), _batches.account, _batches.id)
    return select(*columns).where(*conditions).order_by(*newest_first).limit(most)


def _newest(rows: Iterable[Row[Any]], most: int) -> tuple[Event, ...]:
    events = [Event(**row._mapping) for row in rows]
    events.sort(key=lambda event: (event.account, event.id))
    events.sort(key=lambda event: event.observed_at, reverse=True)
    return tuple(events[:most])


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _sum(column: ColumnElement[int]) -> ColumnElement[float]:
    return func.sum(cast(column, Double))
