"""The pace of each account: what a turn has shown, turned into the wait until the next."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, Engine, func, select

from etl.engine import reading
from etl.errors import DestinationError
from etl.model import RunMode, RunSummary
from etl.service.pace import Activity, next_wait
from etl.service.timing import Every
from etl.settings import Settings
from etl.state.allowance import Quota
from etl.tables import batch_calls, sync_runs

_TURNS_LOOKED_AT = 5


class Pacer:
    """Chooses waits within a range; each account's is for the thread of that account alone to ask for."""

    def __init__(self, every: Every, engine: Engine, settings: Settings) -> None:
        self._every = every
        self._engine = engine
        self._hourly_requests = Quota.of(settings).windows[-1].most
        self._before: dict[str, timedelta] = {}

    def wait_after(self, turn: RunSummary) -> timedelta:
        """How long after this turn the account's next one is to begin."""
        before = self._before.get(turn.account, self._every.least)
        wait = next_wait(self._every, before, self._activity(turn))
        self._before[turn.account] = wait
        return wait

    def _activity(self, turn: RunSummary) -> Activity:
        running = 0
        recent_requests: tuple[int, ...] = ()
        try:
            with reading(self._engine) as connection:
                running = _count_running(connection, turn.account)
                recent_requests = _read_requests(connection, turn.account)
        except DestinationError:
            pass  # the turn itself has told of it; until the database is back, the turns move apart
        return Activity(
            running=running,
            changed=bool(turn.inserted or turn.updated or turn.deleted or turn.revived),
            recent_requests=recent_requests,
            hourly_requests=self._hourly_requests,
        )


def _count_running(connection: Connection, account: str) -> int:
    table = batch_calls.c
    is_running = (table.account == account) & (table.status == "running") & table.deleted_at.is_(None)
    return connection.execute(select(func.count()).where(is_running)).scalar_one()


def _read_requests(connection: Connection, account: str) -> tuple[int, ...]:
    """Of the last turns."""
    table = sync_runs.c
    mine = (table.account == account) & table.mode.in_([RunMode.FULL, RunMode.INCREMENTAL])
    query = select(table.requests).where(mine).order_by(table.run_id.desc()).limit(_TURNS_LOOKED_AT)
    return tuple(connection.scalars(query))
