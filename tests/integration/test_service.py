"""The service as a whole, in one process: what only its loop can see, and how it ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from etl.clock import SystemClock
from etl.errors import SettingsError
from etl.sandbox import SandboxOptions
from etl.service.service import Ending, Options, Service, options_for
from etl.service.timing import Every, parse_cron
from etl.settings import Settings

from support.clocks import FakeClock
from support.databases import Database, fresh_sqlite
from support.pipeline import Pipeline

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class TickingClock(FakeClock):
    """A clock whose waits are short: of the thread that made it each is a tick, which the test may use."""

    def __init__(self, on_tick: Callable[[int], None]) -> None:
        super().__init__(SystemClock().now())
        self._on_tick = on_tick
        self._ticks = 0
        self._owner = threading.get_ident()
        self._pause = threading.Event()

    def sleep(self, seconds: float) -> None:
        self.check_stopped()
        self._pause.wait(0.005)
        if threading.get_ident() == self._owner:
            self._ticks += 1
            self._on_tick(self._ticks)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with fresh_sqlite(tmp_path) as database:
        yield Pipeline(database, SandboxOptions(batches=20))


def run(pipeline: Pipeline, clock: FakeClock, transport: httpx.BaseTransport | None = None) -> Ending:
    every = Every(least=HOUR, most=HOUR)
    options = options_for(every, jitter=timedelta(), timeout=HOUR, max_age=None, address=None)
    return Service(
        pipeline.settings,
        options,
        clock=clock,
        engine=pipeline.database.engine,
        transport=transport or pipeline.transport,
    ).run()


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith(f"{name} ")]


def test_it_works_until_it_is_stopped(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    def tick(_number: int) -> None:
        clock.stopped = clock.stopped or bool(events(caplog, "turn.ended"))

    clock = TickingClock(tick)
    with caplog.at_level(logging.INFO, "etl.service"):
        assert run(pipeline, clock) == Ending(cut_off=(), failure=None)
    assert events(caplog, "service.started") == ['service.started accounts=default turns="every 3600 s"']
    assert pipeline.differences() == []


@pytest.mark.parametrize(("step", "told"), [(-HOUR, "-3600"), (HOUR, "3600")])
def test_a_clock_that_is_set_is_noticed(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, step: timedelta, told: str
) -> None:
    def tick(number: int) -> None:
        if number == 3:
            clock.turn(step)
        clock.stopped = number > 5

    clock = TickingClock(tick)
    with caplog.at_level(logging.WARNING, "etl.service"):
        run(pipeline, clock)
    assert events(caplog, "clock.was_set") == [f"clock.was_set seconds={told}"]


def test_a_turn_that_nothing_ends_ends_the_service_for_a_new_one_to_begin(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    begun, released = threading.Event(), threading.Event()

    class Stuck(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return pipeline.transport.handle_request(request)

        def close(self) -> None:
            begun.set()
            released.wait(60)

    def tick(_number: int) -> None:
        if begun.is_set():
            clock.pass_time(3 * HOUR.total_seconds())

    clock = TickingClock(tick)
    try:
        ending = run(pipeline, clock, Stuck())
    finally:
        released.set()
    assert ending == Ending(cut_off=("default",), failure="the turns of default do not end")
    assert events(caplog, "service.hung")


def test_without_an_account_that_can_be_worked_for_it_does_not_begin(database: Database) -> None:
    settings = Settings(database_url=database.settings.database_url, page_size=10)
    options = options_for(None, jitter=None, timeout=HOUR, max_age=None, address=None)
    with pytest.raises(SettingsError, match="MAGPIPE_API_KEY"):
        Service(settings, options, engine=database.engine).run()


def options(timing: Any = None, **given: Any) -> Options:
    return options_for(timing, **{"jitter": None, "timeout": HOUR, "max_age": None, "address": None, **given})


def test_what_was_not_asked_for_follows_from_what_was() -> None:
    assert options().timing == Every(least=5 * MINUTE, most=5 * MINUTE)
    assert (options().jitter, options().max_age) == (MINUTE / 2, 15 * MINUTE)
    hourly = options(parse_cron("0 * * * *"))
    assert (hourly.jitter, hourly.max_age) == (MINUTE / 2, 3 * HOUR)
    often = options(Every(least=timedelta(seconds=2), most=timedelta(seconds=2)))
    assert (often.jitter, often.max_age) == (timedelta(seconds=0.2), MINUTE)


def test_what_was_asked_for_is_taken() -> None:
    given = options(jitter=timedelta(), max_age=timedelta(seconds=3))
    assert (given.jitter, given.max_age) == (timedelta(), timedelta(seconds=3))
