from __future__ import annotations

import threading
from datetime import UTC, timedelta

import pytest

from etl.clock import SteadyClock, SystemClock
from etl.errors import StoppedError

from support.clocks import START, FakeClock

HOUR = timedelta(hours=1)


def test_a_steady_clock_begins_at_the_time_of_the_clock_that_it_is_given() -> None:
    assert SteadyClock(FakeClock()).now() == START


def test_a_steady_clock_never_begins_before_its_floor() -> None:
    assert SteadyClock(FakeClock(), floor=START + HOUR).now() == START + HOUR
    assert SteadyClock(FakeClock(), floor=START - HOUR).now() == START


def test_a_steady_clock_knows_how_far_ahead_of_the_machine_s_it_began() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock, floor=START + HOUR)
    clock.turn(timedelta(days=-3))
    assert steady.ahead == HOUR
    assert SteadyClock(clock, floor=START - 4 * 24 * HOUR).ahead == timedelta()


def test_a_steady_clock_runs_on_from_its_floor() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock, floor=START + HOUR)
    clock.pass_time(90)
    assert steady.now() == START + HOUR + timedelta(seconds=90)


@pytest.mark.parametrize("turned", [-HOUR, HOUR])
def test_a_steady_clock_does_not_notice_that_somebody_turns_the_wall_clock(turned: timedelta) -> None:
    clock = FakeClock()
    steady = SteadyClock(clock)
    clock.turn(turned)
    clock.pass_time(1)
    assert steady.now() == START + timedelta(seconds=1)


def test_a_steady_clock_waits_and_measures_as_the_clock_below_it() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock)
    before = steady.monotonic()
    steady.sleep(2.5)
    assert steady.monotonic() - before == 2.5
    assert clock.waits == [2.5]


def test_a_steady_clock_says_when_the_process_is_asked_to_stop() -> None:
    clock = FakeClock()
    steady = SteadyClock(clock)
    steady.check_stopped()
    clock.stopped = True
    with pytest.raises(StoppedError):
        steady.check_stopped()
    with pytest.raises(StoppedError):
        steady.sleep(1)


def test_the_machine_s_clock_tells_utc_and_does_not_step_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_the_machine_s_clock_takes_a_negative_wait_for_none() -> None:
    SystemClock().sleep(-1)


def test_a_sleeper_wakes_as_soon_as_the_process_is_asked_to_stop() -> None:
    clock = SystemClock()
    woken = threading.Event()

    def sleep() -> None:
        with pytest.raises(StoppedError, match="stopped on request"):
            clock.sleep(3600)
        woken.set()

    sleeper = threading.Thread(target=sleep, daemon=True)
    sleeper.start()
    clock.stop.set()
    sleeper.join(timeout=60)
    assert woken.is_set()


def test_several_clocks_can_share_one_request_to_stop() -> None:
    stop = threading.Event()
    one, other = SystemClock(stop), SystemClock(stop)
    one.stop.set()
    with pytest.raises(StoppedError):
        other.check_stopped()
