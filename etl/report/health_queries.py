"""What `status` asks of the tables, for all accounts at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, case, func, select

from etl.coverage import Covered
from etl.interval import Interval
from etl.model import RunMode, RunStatus
from etl.report.health import Facts, Run, Streak
from etl.tables import (
    batch_calls,
    quarantine,
    sync_coverage,
    sync_drift,
    sync_missing,
    sync_runs,
)

_SYNCS = (RunMode.FULL, RunMode.INCREMENTAL)
_UNPROVEN = (RunStatus.FAILED, RunStatus.INCOMPLETE, RunStatus.ABANDONED)
_RUN = tuple(
    sync_runs.c[name]
    for name in (
        "run_id account mode status complete started_at heartbeat_at finished_at requests error".split()
    )
)


def read_facts(connection: Connection) -> tuple[Facts, ...]:
    """One for every account that has a run or a batch, by name."""
    last_runs = _read_runs(connection, _last_of_each())
    last_complete = _read_runs(connection, _last_of_each(sync_runs.c.complete, sync_runs.c.mode.in_(_SYNCS)))
    failing = _read_failing(connection)
    batches = _read_batches(connection)
    aside = _read_set_aside(connection)
    held = _read_held(connection)
    coverage = _read_coverage(connection)
    drift = read_drift(connection)
    return tuple(
        Facts(
            account=account,
            last_run=last_runs.get(account),
            last_complete=last_complete.get(account),
            failing=failing.get(account),
            rows=batches.get(account, (0, 0))[0],
            deleted=batches.get(account, (0, 0))[1],
            rows_set_aside=aside.get(account, (0, 0))[0],
            fields_set_aside=aside.get(account, (0, 0))[1],
            deletes_held=held.get(account, (0, None))[0],
            held_run_id=held.get(account, (0, None))[1],
            coverage=tuple(coverage[account]),
            drift=drift.get(account, ()),
        )
        for account in sorted(last_runs.keys() | batches.keys())
    )


def read_accounts(connection: Connection) -> list[str]:
    """The names of all accounts with a run or a batch."""
    names = select(sync_runs.c.account).union(select(batch_calls.c.account))
    return sorted(connection.scalars(names))


def _last_of_each(*conditions: Any) -> Select[Any]:
    last = select(func.max(sync_runs.c.run_id)).where(*conditions).group_by(sync_runs.c.account)
    return select(*_RUN).where(sync_runs.c.run_id.in_(last))


def _read_runs(connection: Connection, query: Select[Any]) -> dict[str, Run]:
    return {row["account"]: _run(row) for row in connection.execute(query).mappings()}


def _read_failing(connection: Connection) -> dict[str, Streak]:
    """The streaks of the accounts whose last sync was not proven complete."""
    runs, earlier = sync_runs.c, sync_runs.alias()
    # Once an account, not once a run: a key that is refused for a month leaves thousands of runs.
    complete = case((and_(earlier.c.complete, earlier.c.mode.in_(_SYNCS)), earlier.c.run_id), else_=0)
    last_complete = (
        select(earlier.c.account, func.max(complete).label("run_id")).group_by(earlier.c.account).subquery()
    )
    streaks = (
        select(
            func.max(runs.run_id).label("run_id"),
            func.count().label("count"),
            func.min(runs.started_at).label("since"),
        )
        .join(
            last_complete,
            and_(runs.account == last_complete.c.account, runs.run_id > last_complete.c.run_id),
        )
        .where(runs.mode.in_(_SYNCS), runs.status.in_(_UNPROVEN))
        .group_by(runs.account)
        .subquery()
    )
    query = select(*_RUN, streaks.c.count.label("count"), streaks.c.since.label("since")).join(
        streaks, streaks.c.run_id == runs.run_id
    )
    return {
        row["account"]: Streak(count=row["count"], since=row["since"], last=_run(row))
        for row in connection.execute(query).mappings()
    }


def _read_batches(connection: Connection) -> dict[str, tuple[int, int]]:
    """Live and deleted batches of each account."""
    deleted = func.count(batch_calls.c.deleted_at).label("deleted")
    query = select(batch_calls.c.account, func.count().label("rows"), deleted).group_by(batch_calls.c.account)
    return {row.account: (row.rows - row.deleted, row.deleted) for row in connection.execute(query)}


def _read_set_aside(connection: Connection) -> dict[str, tuple[int, int]]:
    """Rows and single fields of each account that are set aside."""
    query = (
        select(
            quarantine.c.account,
            func.count(case((quarantine.c.row_loaded.is_(False), 1))).label("rows"),
            func.count(case((quarantine.c.row_loaded.is_(True), 1))).label("fields"),
        )
        .where(quarantine.c.resolved_at.is_(None))
        .group_by(quarantine.c.account)
    )
    return {row.account: (row.rows, row.fields) for row in connection.execute(query)}


def _read_held(connection: Connection) -> dict[str, tuple[int, int]]:
    """How many deletes of each account the guard holds back, and the last run in which it did."""
    table = sync_missing.c
    query = select(table.account, func.count().label("batches"), func.max(table.held_run_id).label("run_id"))
    held = query.where(table.held_run_id.is_not(None)).group_by(table.account)
    return {row.account: (row.batches, row.run_id) for row in connection.execute(held)}


def _read_coverage(connection: Connection) -> defaultdict[str, list[Covered]]:
    """The coverage of each account, newest first."""
    table = sync_coverage.c
    query = select(table.account, table.created_from, table.created_to, table.proven_at).order_by(
        table.account, table.created_to.desc().nulls_first()
    )
    coverage: defaultdict[str, list[Covered]] = defaultdict(list)
    for row in connection.execute(query):
        interval = Interval(after=row.created_from, upto=row.created_to)
        coverage[row.account].append(Covered(interval, row.proven_at))
    return coverage


def read_drift(connection: Connection, run_ids: Sequence[int] | None = None) -> dict[str, tuple[str, ...]]:
    """By account, the fields and statuses that are new: to this version, or first seen by these runs."""
    table = sync_drift.c
    query = select(table.account, table.kind, table.name).order_by(table.kind, table.name)
    if run_ids is not None:
        query = query.where(table.run_id.in_(run_ids))
    drift: dict[str, tuple[str, ...]] = {}
    for account, kind, name in connection.execute(query):
        drift[account] = (*drift.get(account, ()), f"{kind} {name}")
    return drift


def _run(row: RowMapping) -> Run:
    known = {column.name: row[column.name] for column in _RUN}
    return Run(**known | {"mode": RunMode(row["mode"]), "status": RunStatus(row["status"])})
