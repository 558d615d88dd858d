"""The schedule: each job by itself, never twice at once, and right whatever becomes of the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from etl.clock import SystemClock
from etl.service.schedule import Schedule
from etl.service.timing import Every, Timing, parse_cron

PATIENCE_SECONDS = 30
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class SetClock(SystemClock):
    """A machine's clock that somebody has set."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self.off = off

    def now(self) -> datetime:
        return super().now() + self.off


@contextmanager
def running(
    timing: Timing, *, clock: SystemClock | None = None, **jobs: Callable[[], timedelta | None]
) -> Iterator[Schedule]:
    schedule = Schedule(timing, jobs=len(jobs), jitter=timedelta(), clock=clock or SystemClock())
    for name, work in jobs.items():
        schedule.add(name, work)
    schedule.start()
    try:
        yield schedule
    finally:
        schedule.stop()


def every(length: timedelta) -> Every:
    return Every(least=length, most=length)


def test_every_job_begins_at_once_and_one_that_hangs_keeps_no_other_waiting() -> None:
    begun, released = [threading.Event() for _ in range(3)], threading.Event()

    def hang() -> None:
        begun[0].set()
        released.wait(PATIENCE_SECONDS)

    with running(every(HOUR), hangs=hang, second=begun[1].set, third=begun[2].set):
        assert all(each.wait(PATIENCE_SECONDS) for each in begun)
        released.set()


def test_a_job_is_never_done_twice_at_once_and_what_was_missed_is_made_up_for_once() -> None:
    at_once, most, done = 0, 0, threading.Semaphore(0)
    late = threading.Event()

    def work() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        late.wait(2.5)  # longer than two turns, the first time
        late.set()
        at_once -= 1
        done.release()

    with running(every(SECOND), job=work):
        assert all(done.acquire(timeout=PATIENCE_SECONDS) for _ in range(3))
    assert most == 1


def test_a_job_that_raises_has_its_next_turn_all_the_same() -> None:
    turns = threading.Semaphore(0)

    def fail() -> None:
        turns.release()
        raise RuntimeError("a bug of the job")

    with running(every(SECOND), job=fail):
        assert all(turns.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))


def test_a_job_may_choose_when_its_next_turn_is() -> None:
    turns = threading.Semaphore(0)

    def soon() -> timedelta:
        turns.release()
        return timedelta(milliseconds=20)

    with running(Every(least=SECOND, most=HOUR), job=soon):
        assert all(turns.acquire(timeout=PATIENCE_SECONDS) for _ in range(3))


def test_cron_says_when_the_first_turn_is() -> None:
    before = datetime.now(UTC)
    with running(parse_cron("0 0 1 1 *"), job=lambda: None) as schedule:
        [due] = schedule.next_turns().values()
        assert (due.month, due.day, due.hour) == (1, 1, 0)
        assert due > before


def test_what_was_due_by_a_clock_that_was_ahead_is_due_by_the_right_one() -> None:
    begun = threading.Event()
    clock = SetClock(timedelta(days=365))
    with running(every(SECOND), clock=clock, job=begun.set) as schedule:
        [due] = schedule.next_turns().values()
        assert due - datetime.now(UTC) > timedelta(days=364)
        clock.off = timedelta()
        schedule.restart()
        assert begun.wait(PATIENCE_SECONDS)


def test_nothing_begins_once_it_was_stopped() -> None:
    begun = threading.Event()
    with running(every(HOUR), job=begun.set) as schedule:
        assert begun.wait(PATIENCE_SECONDS)
    assert schedule.next_turns() == {}
