"""Puts the parts together: what each command does, as a function of settings.

Tests and other programs hand in a clock, a transport and an engine here; nothing is patched anywhere. An
engine that is handed in stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine

from etl.clock import Clock, SystemClock
from etl.engine import create_engine, reading
from etl.extract.budget import Unlimited
from etl.extract.client import Client
from etl.extract.walk import Read
from etl.jobs.backfill import Backfill, Window
from etl.jobs.replay import replay_account
from etl.jobs.sync import Sync
from etl.load.replay import read_accounts
from etl.migrate import check_known, current_version, migrate
from etl.model import Account, RunSummary, Traffic
from etl.plan import Plan
from etl.progress import Progress, Silent
from etl.settings import Settings
from etl.work import Job, Work, plan_for

if TYPE_CHECKING:
    import httpx

    from etl.verify.verdict import Verdict

Outcome = TypeVar("Outcome")

MOST_ACCOUNTS_AT_ONCE = 8


def sync(
    settings: Settings | None = None,
    *,
    full: bool = False,
    accounts: Sequence[str] = (),
    allow_deletes: bool = False,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> list[RunSummary]:
    """Sync the accounts of these names, or all, side by side; return a summary each, in the settings' order.

    The database is migrated first. A failed run is told by its summary. Raises SettingsError when there is
    nothing to work with, DestinationError when the database cannot be opened or migrated.
    """
    settings = settings or Settings()
    job = Sync(settings, full=full, allow_deletes=allow_deletes)
    return _perform(
        job,
        settings,
        accounts,
        engine,
        clock=clock or SystemClock(),
        progress=progress or Silent(),
        allow_deletes=allow_deletes,
        transport=transport,
    )


def backfill(
    settings: Settings | None = None,
    *,
    since: datetime,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    accounts: Sequence[str] = (),
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> list[RunSummary]:
    """Read the batches created in `[since, until)` again, of these statuses or of any; a summary per account.

    An attempt at the same window that was cut off is gone on with. Raises as `sync` does, and ValueError for
    a window that ends before it begins or has a time without a zone.
    """
    window = Window(since=since, until=until, statuses=tuple(statuses))
    settings = settings or Settings()
    return _perform(
        Backfill(settings, window),
        settings,
        accounts,
        engine,
        clock=clock or SystemClock(),
        progress=progress or Silent(),
        transport=transport,
    )


def dry_run(
    settings: Settings | None = None,
    *,
    full: bool = False,
    accounts: Sequence[str] = (),
    clock: Clock | None = None,
) -> list[Plan]:
    """What `sync` would read, without a request and without a write."""
    settings = settings or Settings()
    return _plan(Sync(settings, full=full), settings, accounts, clock)


def dry_run_backfill(
    settings: Settings | None = None,
    *,
    since: datetime,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    accounts: Sequence[str] = (),
    clock: Clock | None = None,
) -> list[Plan]:
    """What `backfill` would read, likewise."""
    settings = settings or Settings()
    window = Window(since=since, until=until, statuses=tuple(statuses))
    return _plan(Backfill(settings, window), settings, accounts, clock)


def verify(
    settings: Settings | None = None,
    *,
    accounts: Sequence[str] = (),
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> list[Verdict]:
    """Hold migrated tables against the source; a verdict for each account. Nothing but the quota is written.

    A failure is told by the verdict. Raises SettingsError as `sync` does.
    """
    settings = settings or Settings()
    chosen = settings.select(accounts)
    with opened(settings, engine) as engine:
        work = Work(
            engine,
            settings,
            clock=clock or SystemClock(),
            progress=progress or Silent(),
            transport=transport,
        )
        return _side_by_side(work.verify, chosen)


def replay(
    settings: Settings | None = None,
    *,
    accounts: Sequence[str] = (),
    clock: Clock | None = None,
    engine: Engine | None = None,
) -> list[RunSummary]:
    """Try the rows that were set aside once more; a summary for each account, of these, that has any."""
    settings = settings or Settings()
    with opened(settings, engine) as engine:
        if current_version(engine) is None:
            return []  # to ask for what is set aside makes no tables
        migrate(engine, settings)
        with reading(engine) as connection:
            chosen = [name for name in read_accounts(connection) if not accounts or name in accounts]
        time = clock or SystemClock()
        return [replay_account(engine, settings, account, time) for account in chosen]


def probe(
    settings: Settings,
    account: Account,
    *,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Ask the source for one batch; raises SourceError, with a hint, when it does not give it."""
    time = clock or SystemClock()
    client = Client(
        account,
        settings,
        clock=time,
        budget=Unlimited(),
        traffic=Traffic(),
        transport=transport,
    )
    with closing(client):
        client.fetch(Read(offset=0, limit=1))


@contextmanager
def opened(settings: Settings, given: Engine | None = None) -> Iterator[Engine]:
    """The settings' database, closed at the end; or the engine that is given, as it is."""
    if given is not None:
        yield given
        return
    engine = create_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def _perform(
    job: Job, settings: Settings, accounts: Sequence[str], engine: Engine | None, **parts: Any
) -> list[RunSummary]:
    """Migrate the database, then run the job for each account."""
    chosen = settings.select(accounts)
    with opened(settings, engine) as engine:
        migrate(engine, settings)
        work = Work(engine, settings, **parts)
        return _side_by_side(lambda account: work.perform(job, account), chosen)


def _plan(job: Job, settings: Settings, accounts: Sequence[str], clock: Clock | None) -> list[Plan]:
    """What the job would read, by what the database knows; one that has no tables stays so."""
    chosen = settings.select(accounts)
    clock = clock or SystemClock()
    with opened(settings) as engine:
        version = current_version(engine)
        if version is None:
            return [job.plan(None, account.name, clock.now()) for account in chosen]
        check_known(version)
        return [plan_for(job, engine, account.name, clock)[0] for account in chosen]


def _side_by_side(work: Callable[[Account], Outcome], accounts: Sequence[Account]) -> list[Outcome]:
    """One account in this thread, several in threads of their own."""
    if len(accounts) == 1:
        return [work(accounts[0])]
    with ThreadPoolExecutor(max_workers=min(len(accounts), MOST_ACCOUNTS_AT_ONCE)) as pool:
        return list(pool.map(work, accounts))
