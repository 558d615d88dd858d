"""The whole way of the data in one process: a sandbox, a clock that is turned by hand, and a database.

pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=50)
summary = pipeline.sync()
assert pipeline.differences() == []
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import Connection, Table, select, text

from etl import app
from etl.coverage import Covered
from etl.engine import reading, writing
from etl.model import Account, RunMode, RunSummary, Secret
from etl.run import Run, steady_clock
from etl.sandbox import Sandbox, SandboxOptions, World
from etl.state.coverage import read_coverage
from etl.tables import batch_call_history, batch_calls, quarantine, sync_drift, sync_missing, sync_runs
from etl.verify.verdict import Verdict

from support.clocks import FakeClock
from support.databases import Database
from support.sandbox import SandboxTransport
from support.truth import differences, expected_rows

REQUEST_SECONDS = 0.25  # what an answer takes; time passes, but nobody waited
ABOUT_THE_SOURCE = (batch_calls, batch_call_history, quarantine, sync_drift, sync_missing)
CHANGES = ("inserted", "updated", "unchanged", "deleted", "revived", "quarantined")


class OnPage:
    """A progress that does something whenever a page was committed."""

    def __init__(self, act: Callable[[int], object]) -> None:
        self._act = act

    def page(self, *, account: str, rows: int, pages: int, requests: int, expected_rows: int | None) -> None:
        self._act(pages)

    def finished(self, summary: RunSummary) -> None: ...


class Killed(BaseException):
    """The process is gone: nothing that it still had to do is done."""


class Pipeline:
    """A source, a database and what leads from one to the other. Quota is no matter unless it is set."""

    def __init__(self, database: Database, options: SandboxOptions | None = None, **settings: Any) -> None:
        self.clock = FakeClock()
        self.sandbox = Sandbox(options or SandboxOptions(batches=120), now=self.clock.now)
        self.database = database
        self.transport: httpx.BaseTransport = SandboxTransport(self.sandbox, sleep=self.clock.pass_time)
        self.settings = replace(
            database.settings,
            accounts=tuple(Account(name=n, api_key=Secret(key)) for n, key in self.sandbox.key_of.items()),
            **{"requests_per_minute": 10**6, "requests_per_hour": 10**8, **settings},
        )
        self.sandbox.latency_seconds = self.sandbox.latency_seconds or REQUEST_SECONDS
        self.truth = self.sandbox.account

    # -- what is done --------------------------------------------------------------------------------

    def sync(self, **options: Any) -> RunSummary:
        """One sync of the first account, a full one unless `options` say otherwise."""
        return self.sync_all(accounts=[self.truth.name], **options)[0]

    def sync_all(self, **options: Any) -> list[RunSummary]:
        """A sync of every account, a minute after whatever happened before."""
        self.clock.pass_time(60)
        doubles = {"clock": self.clock, "transport": self.transport, "engine": self.database.engine}
        return app.sync(self.settings, **{**doubles, "full": True, **options})

    def backfill(
        self, since: datetime, until: datetime | None = None, *statuses: str, **doubles: Any
    ) -> RunSummary:
        """A backfill of the first account, a minute after whatever happened before."""
        self.clock.pass_time(60)
        given = {"clock": self.clock, "transport": self.transport, "engine": self.database.engine, **doubles}
        accounts = [self.truth.name]
        return app.backfill(
            self.settings, since=since, until=until, statuses=statuses, accounts=accounts, **given
        )[0]

    def verify(self, **doubles: Any) -> Verdict:
        """The first account held against the source, a minute after whatever happened before."""
        self.clock.pass_time(60)
        given = {"clock": self.clock, "transport": self.transport, "engine": self.database.engine, **doubles}
        return app.verify(self.settings, accounts=[self.truth.name], **given)[0]

    @contextmanager
    def killed_after(self, requests: int) -> Iterator[None]:
        """What is begun in the block dies, as by kill -9, when it sends one request more."""
        last = self.sandbox.requests + requests

        def before(number: int, _world: World) -> None:
            if number > last:
                raise Killed

        self.sandbox.before = before
        try:
            yield
        except Killed:
            pass
        else:
            raise AssertionError(f"it ended within {requests} requests")
        finally:
            self.sandbox.before = None

    def replay(self) -> list[RunSummary]:
        """A replay for the first account; nothing where nothing of it is set aside."""
        self.clock.pass_time(60)
        accounts, engine = [self.truth.name], self.database.engine
        return app.replay(self.settings, accounts=accounts, clock=self.clock, engine=engine)

    def run(self) -> Run:
        """A run that the test feeds itself."""
        self.clock.pass_time(60)
        engine, account = self.database.engine, self.truth.name
        return Run(engine, account, RunMode.FULL, steady_clock(engine, account, self.clock))

    def change(self, statement: Any) -> None:
        with self.connected() as connection:
            connection.execute(statement)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with writing(self.database.engine) as connection:
            yield connection

    # -- what is there -------------------------------------------------------------------------------

    def read(self, table: Table, *conditions: Any) -> list[dict[str, Any]]:
        """The table's rows, in the order of its key."""
        query = select(table).where(*conditions).order_by(*table.primary_key)
        with reading(self.database.engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def alive(self, account: str | None = None) -> dict[str, dict[str, Any]]:
        """An account's batches that are not marked deleted, by id; the first account's by default."""
        is_mine = batch_calls.c.account == (account or self.truth.name)
        return {row["id"]: row for row in self.read(batch_calls, is_mine, batch_calls.c.deleted_at.is_(None))}

    def row(self, batch_id: str) -> dict[str, Any]:
        return self.read(batch_calls, batch_calls.c.id == batch_id)[0]

    def history(self, batch_id: str) -> list[dict[str, Any]]:
        return self.read(batch_call_history, batch_call_history.c.id == batch_id)

    def set_aside(self, *, open_only: bool = True) -> list[dict[str, Any]]:
        return self.read(quarantine, *([quarantine.c.resolved_at.is_(None)] if open_only else []))

    def runs(self) -> list[dict[str, Any]]:
        return self.read(sync_runs)

    def coverage(self) -> list[Covered]:
        with reading(self.database.engine) as connection:
            return read_coverage(connection, self.truth.name)

    def differences(self, account: str | None = None) -> list[str]:
        """How the table differs from what the source lists at this moment."""
        listed = self.sandbox.world[account or self.truth.name].listed()
        return differences(self.alive(account), expected_rows(listed, self.sandbox.options.shape))

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of the tables that are about the source, and not about the runs."""
        return {table.name: self.read(table) for table in ABOUT_THE_SOURCE}

    def forbid_changes(self) -> None:
        """From now on the database refuses to write batches or their history, even with the same values."""
        with self.connected() as connection:
            for table in (batch_calls.name, batch_call_history.name):
                for statement in _FORBID[self.database.dialect]:
                    connection.execute(text(statement.format(table=table)))


_FORBID = {
    "sqlite": [
        f"CREATE TRIGGER no_{deed}_{{table}} BEFORE {deed} ON {{table}}"
        f" BEGIN SELECT RAISE(ABORT, 'a row was written'); END"
        for deed in ("INSERT", "UPDATE", "DELETE")
    ],
    "postgres": [
        "CREATE OR REPLACE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'a row was written'; END $$",
        "CREATE TRIGGER forbidden BEFORE INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION forbid()",
    ],
}


def changes(summary: RunSummary) -> dict[str, int]:
    """What the run did to rows: the counts that are not 0."""
    return {name: count for name in CHANGES if (count := getattr(summary, name))}
