"""The budget in the database: whoever shares it, threads, processes or hosts, no request is one too many."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from etl import app
from etl.clock import Clock, SystemClock
from etl.engine import reading, writing
from etl.errors import StoppedError
from etl.extract.budget import SharedBudget
from etl.extract.limits import Limits
from etl.model import Account, RunStatus, Secret
from etl.sandbox import QuotaOptions, QuotaWindow, Sandbox, SandboxOptions, serve
from etl.settings import Settings
from etl.state.allowance import Quota, Told, Window
from etl.state.quota import Ledger, QuotaState, Taken, budget_of, read_quota
from etl.tables import sync_budget, sync_requests

from support.clocks import START, FakeClock
from support.databases import API_KEY, Database
from support.pipeline import Pipeline
from support.processes import worker
from support.sandbox import SandboxTransport
from support.traffic import BudgetInMemory, Traffic, least_seconds, run

MINUTE = Quota(windows=(Window(most=5, seconds=60),))
ACCOUNT = Account(name="acme", api_key=Secret(API_KEY))
KEY = "the-key"


def budget(database: Database, clock: Clock, quota: Quota = MINUTE) -> SharedBudget:
    return SharedBudget(database.engine, KEY, quota, clock)


def send(shared: SharedBudget, times: int = 1, **told: Any) -> None:
    for _ in range(times):
        with shared.request() as request:
            request.limits = Limits(**told)


def state(database: Database, now: datetime, quota: Quota = MINUTE) -> QuotaState:
    with reading(database.engine) as connection:
        return read_quota(connection, KEY, quota, now)


# -- the record ------------------------------------------------------------------------------------------


class BudgetInDatabase:
    def __init__(self, database: Database, quota: Quota) -> None:
        self._engine = database.engine
        self._quota = quota

    def take(self, now: datetime) -> Taken | float:
        with writing(self._engine) as connection:
            return Ledger(connection, KEY, self._quota).take(now)

    def settle(self, taken: Taken, told: Told | None, now: datetime) -> None:
        with writing(self._engine) as connection:
            Ledger(connection, KEY, self._quota).settle(taken, told, now)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_the_quota_is_kept_and_used_as_well_as_in_memory(database: Database, kind: Any, tells: bool) -> None:
    quota = Quota(windows=(Window(most=100 if tells else 10, seconds=6), Window(most=1000, seconds=3600)))
    source = QuotaOptions(windows=(QuotaWindow(requests=10, seconds=6),), kind=kind)
    traffic = Traffic(quota=source, total=25, tells=tells)
    outcome = run(traffic, BudgetInDatabase(database, quota))
    assert outcome == run(traffic, BudgetInMemory(quota))
    assert (outcome.refused, len(outcome.sent_at)) == (0, 25)
    assert outcome.seconds <= 1.3 * least_seconds(traffic)


def test_both_windows_are_kept(database: Database) -> None:
    clock, sent_at = FakeClock(), []
    quota = Quota(windows=(Window(most=5, seconds=60), Window(most=12, seconds=3600)))
    shared = budget(database, clock, quota)
    for _ in range(30):
        with shared.request():
            sent_at.append(clock.now())
            clock.pass_time(0.5)
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in _apart(sent_at, 5))
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in _apart(sent_at, 12))
    assert sent_at[-1] - sent_at[0] <= timedelta(hours=2, minutes=2)


def _apart(moments: Sequence[datetime], places: int) -> zip[tuple[datetime, datetime]]:
    return zip(moments, moments[places:], strict=False)


def test_another_budget_of_the_key_goes_on_where_the_first_was_left(database: Database) -> None:
    clock = FakeClock()
    send(budget(database, clock), 5)
    send(budget(database, clock))
    assert sum(clock.waits) == 60


def test_what_the_source_has_told_is_known_to_all(database: Database) -> None:
    clock = FakeClock()
    send(budget(database, clock), limit=20, remaining=0, reset_seconds=37.0)
    send(budget(database, clock))
    assert sum(clock.waits) == 37


def test_retry_after_holds_all(database: Database) -> None:
    clock = FakeClock()
    send(budget(database, clock), retry_after_seconds=17.0)
    send(budget(database, clock))
    assert sum(clock.waits) == 17


def test_another_key_and_another_source_have_budgets_of_their_own() -> None:
    settings = Settings(api_key=API_KEY)
    other_key = replace(ACCOUNT, api_key=Secret(API_KEY.replace("0", "1")))
    other_source = replace(settings, base_url="http://127.0.0.1:8080/functions/v1")
    names = [budget_of(settings, ACCOUNT), budget_of(settings, other_key), budget_of(other_source, ACCOUNT)]
    assert len(set(names)) == 3
    assert budget_of(settings, replace(ACCOUNT, name="the same by another name")) == names[0]


def test_the_key_is_nowhere_in_the_database(database: Database) -> None:
    send(SharedBudget.of(database.engine, database.settings, ACCOUNT, FakeClock()), limit=5, remaining=4)
    with reading(database.engine) as connection:
        rows = [*connection.execute(select(sync_budget)), *connection.execute(select(sync_requests))]
    assert len(rows) == 2
    assert not any(API_KEY[4:12] in str(row) for row in rows)


def test_what_no_window_holds_is_forgotten(database: Database) -> None:
    clock = FakeClock()
    with closing(budget(database, clock)) as shared:
        send(shared, 3)
    clock.pass_time(61)
    send(budget(database, clock))
    with reading(database.engine) as connection:
        assert len(connection.execute(select(sync_requests)).all()) == 1


@pytest.mark.parametrize(
    ("told", "is_noted"),
    [
        ({"remaining": 25, "reset_seconds": 30.0}, False),
        ({"remaining": 24, "reset_seconds": 30.0}, True),
        ({"remaining": 25, "reset_seconds": 30.0, "retry_after_seconds": 1.0}, True),
    ],
)
def test_what_keeps_others_from_sending_is_noted_at_once(
    database: Database, told: dict[str, Any], is_noted: bool
) -> None:
    clock = FakeClock()
    send(budget(database, clock), limit=100, **told)
    assert (state(database, clock.now()).told.told_remaining is not None) is is_noted


def test_what_others_wait_for_is_noted_at_once(database: Database) -> None:
    clock = FakeClock()
    quota = Quota(windows=(Window(most=100, seconds=60),))
    first, second = budget(database, clock, quota), budget(database, clock, quota)
    send(first, limit=100, remaining=0, reset_seconds=37.0)
    send(first, limit=100, remaining=99, reset_seconds=60.0)
    assert sum(clock.waits) == 37
    send(second)
    assert sum(clock.waits) == 37


@pytest.mark.parametrize("goes_on", [True, False])
def test_all_else_is_noted_with_the_next_request_or_at_the_end(database: Database, goes_on: bool) -> None:
    clock = FakeClock()
    shared = budget(database, clock)
    send(shared, limit=100, remaining=99, reset_seconds=30.0)
    if goes_on:
        with shared.request():
            assert state(database, clock.now()).told.told_remaining == 99
    else:
        shared.close()
        assert state(database, clock.now()).told.told_remaining == 99


def test_what_cannot_be_noted_at_the_end_is_no_fault_of_the_sync(database: Database) -> None:
    shared = budget(database, FakeClock())
    send(shared)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE sync_requests RENAME TO elsewhere"))
    shared.close()


def test_what_is_left_can_be_looked_up(database: Database) -> None:
    clock = FakeClock()
    assert [use.used for use in state(database, clock.now()).windows] == [0]
    send(budget(database, clock), 2, limit=20, remaining=7, reset_seconds=30.0)
    seen = state(database, clock.now())
    assert [(use.used, use.most, use.seconds) for use in seen.windows] == [(2, 5, 60)]
    assert (seen.told.told_remaining, seen.told.told_limit) == (7, 20)
    assert seen.told.resets_at == clock.now() + timedelta(seconds=30)
    assert state(database, clock.now() + timedelta(minutes=2)).windows[0].used == 0


# -- what goes wrong -------------------------------------------------------------------------------------


def test_a_clock_that_was_ahead_stalls_nobody_for_long(database: Database) -> None:
    ahead = FakeClock(START + timedelta(days=1))
    send(budget(database, ahead), 5, limit=20, remaining=0, reset_seconds=0.0)
    send(budget(database, ahead), limit=20, remaining=0, reset_seconds=50_000.0)
    clock = FakeClock()
    send(budget(database, clock), 2)
    assert sum(clock.waits) <= 60


def test_clocks_that_differ_a_little_are_of_one_time(database: Database, caplog: Any) -> None:
    send(budget(database, FakeClock(START + timedelta(seconds=2))), 5)
    clock = FakeClock()
    send(budget(database, clock))
    assert 60 <= sum(clock.waits) <= 62
    assert "clock_differed" not in caplog.text


HOLD = """
from etl.clock import SystemClock
from etl.extract.budget import SharedBudget
from etl.state.allowance import Quota, Window
quota = Quota(windows=(Window(most=1, seconds=60),))
with SharedBudget(engine, "the-key", quota, SystemClock()).request():
    print("under way", flush=True)
    sys.stdin.readline()
"""


def test_a_request_whose_process_was_killed_counts_and_holds_nobody_for_ever(database: Database) -> None:
    with worker(HOLD, database) as process:
        assert process.hear() == "under way"
        process.kill()
    clock = FakeClock(SystemClock().now())
    send(budget(database, clock, Quota(windows=(Window(most=1, seconds=60),))))
    assert 50 <= sum(clock.waits) <= 130  # it may have been counted until ten seconds after it was sent


def test_a_process_that_stood_still_before_it_could_send_counts_its_request_anew(database: Database) -> None:
    clock = FakeClock()
    shared = budget(database, clock)
    event.listen(database.engine, "commit", lambda _connection: clock.pass_time(100), once=True)
    with shared.request():
        assert state(database, clock.now()).windows[0].used == 1


def test_a_stop_ends_the_wait_at_once(database: Database) -> None:
    clock = SystemClock()
    shared = budget(database, clock)
    send(shared, 5)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(send, shared) for _ in range(3)]
        clock.stop.set()
        assert all(isinstance(each.exception(timeout=30), StoppedError) for each in waiting)


def test_a_closed_budget_lets_nothing_pass_and_says_no_more_word(database: Database) -> None:
    clock = FakeClock()
    shared = budget(database, clock)
    with shared.request() as request:
        request.limits = Limits(limit=20, remaining=0, reset_seconds=1000.0)
        shared.close()
    with pytest.raises(StoppedError), shared.request():
        pass
    assert state(database, clock.now()).told.told_remaining is None


def test_long_waits_are_told_and_short_ones_are_not(database: Database, caplog: Any) -> None:
    clock = FakeClock()
    shared = budget(database, clock)
    send(shared, 5)
    clock.pass_time(55.5)
    with caplog.at_level(logging.DEBUG, "etl"):
        send(shared)
        assert caplog.messages == []
        send(shared, 4)
        send(shared)
    assert caplog.messages == ["budget.waiting seconds=60"]


# -- many at once ----------------------------------------------------------------------------------------


def test_threads_cannot_overdraw_together(database: Database) -> None:
    clock = FakeClock()
    shared = budget(database, clock)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(send, shared) for _ in range(17)]:
            done.result()
    # The clock is everybody's: who has an answer and has not said so while another waits is counted later.
    assert 180 <= sum(clock.waits) <= 241
    assert 2 <= state(database, clock.now()).windows[0].used <= 5


def test_accounts_of_one_key_share_its_quota(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60, cap=20), requests_per_minute=6, fetch_ahead=2)
    key = Secret(pipeline.sandbox.key)
    pipeline.settings = replace(
        pipeline.settings, accounts=tuple(Account(name=name, api_key=key) for name in ("one", "two"))
    )
    asked_at: list[datetime] = []
    pipeline.sandbox.before = lambda number, world: asked_at.append(pipeline.clock.now())
    runs = pipeline.sync_all()
    assert [(each.status, each.inserted) for each in runs] == [(RunStatus.SUCCEEDED, 60)] * 2
    assert len(asked_at) == sum(each.requests for each in runs) > 6
    # The clock of the source stands a little after that of the budget.
    assert all(later - earlier >= timedelta(seconds=59) for earlier, later in _apart(asked_at, 6))


def test_a_sync_over_the_hour_s_quota_waits_and_succeeds(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=200, cap=20), requests_per_hour=6)
    summary = pipeline.sync()
    assert (summary.status, summary.rate_limited, summary.inserted) == (RunStatus.SUCCEEDED, 0, 200)
    assert pipeline.differences() == []
    assert summary.seconds >= 3600 * ((summary.requests - 1) // 6)


def test_a_probe_needs_no_database(database: Database) -> None:
    sandbox = Sandbox(SandboxOptions(batches=1), now=FakeClock().now)
    nowhere = replace(database.settings, database_url="sqlite:////nowhere/at/all.db")
    account = replace(ACCOUNT, api_key=Secret(sandbox.key))
    app.probe(nowhere, account, clock=FakeClock(), transport=SandboxTransport(sandbox))
    assert len(sandbox.journal) == 1


# -- over a socket ---------------------------------------------------------------------------------------

ASK = """
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from etl.clock import SystemClock
from etl.extract.budget import SharedBudget
from etl.extract.client import Client
from etl.extract.walk import Read
from etl.model import Traffic
from etl.settings import Settings
print("ready", flush=True)
given = json.loads(sys.stdin.readline())
settings = Settings(**given["settings"])
(account,) = settings.accounts
clock, traffic = SystemClock(), Traffic()
shared = SharedBudget.of(engine, settings, account, clock)
with closing(Client(account, settings, clock=clock, budget=shared, traffic=traffic)) as client:
    with ThreadPoolExecutor(given["threads"]) as pool:
        reads = [Read(offset=number, limit=1) for number in range(given["reads"])]
        pages = list(pool.map(client.fetch, reads))
print(len(pages), traffic.rate_limited, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("kind", ["fixed", "sliding"])
def test_nothing_is_refused_over_a_socket(database: Database, kind: Any, processes: int) -> None:
    quota = QuotaOptions(windows=(QuotaWindow(requests=10, seconds=2),), kind=kind)
    with serve(SandboxOptions(batches=30, quota=quota)) as server, ExitStack() as stack:
        workers = [stack.enter_context(worker(ASK, database)) for _ in range(processes)]
        given = {"base_url": server.base_url, "api_key": server.key}
        order = json.dumps({"settings": given, "threads": 4, "reads": 24 // processes})
        assert [each.hear() for each in workers] == ["ready"] * processes
        for each in workers:
            each.say(order)
        assert [each.hear() for each in workers] == [f"{24 // processes} 0"] * processes
        answered = Counter(entry.answered for entry in server.sandbox.journal)
    assert answered == {200: 24}
