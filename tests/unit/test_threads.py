from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from etl.errors import StoppedError
from etl.threads import FairLock, Together

SECONDS = 10  # longest wait for another thread


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Gate:
    """An act that waits until it is let go, and gives back in capitals what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.open = threading.Event()

    def act(self, asked: Sequence[str]) -> list[str]:
        self.calls.append(list(asked))
        assert self.open.wait(SECONDS)
        if "bad" in asked:
            raise ValueError("bad")
        return [each.upper() for each in asked]


# -- the lock ----------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one_at_a_time() -> None:
    lock = FairLock()
    held: list[int] = []

    def count(number: int) -> None:
        for _ in range(200):
            with lock:
                held.append(number)
                assert held == [number]
                held.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))


def test_whoever_waits_comes_before_whoever_asks_again() -> None:
    lock = FairLock()
    order: list[str] = []

    def wait_for_it() -> None:
        with lock:
            order.append("the other")

    with lock:
        other = threading.Thread(target=wait_for_it)
        other.start()
        until(lock._next.locked)
    with lock:
        order.append("the same again")
    other.join(SECONDS)
    assert order == ["the other", "the same again"]


def test_a_lock_is_free_after_an_error() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    with lock:
        pass


def test_who_is_interrupted_while_waiting_leaves_the_lock_to_the_others() -> None:
    lock = FairLock()

    class Interrupted:
        def acquire(self) -> None:
            raise KeyboardInterrupt

    own, lock._lock = lock._lock, Interrupted()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt), lock:
        pass
    lock._lock = own
    with lock:
        pass


# -- together ----------------------------------------------------------------------------------------------


def test_each_is_given_what_it_asked_for() -> None:
    together: Together[int, int] = Together(lambda asked: [2 * number for number in asked])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(together.ask, range(500))) == [2 * number for number in range(500)]


def ask_while_busy(gate: Gate, *others: str) -> list[Any]:
    """What each gets that is asked for while an `act` is under way, be it an error."""
    together: Together[str, str] = Together(gate.act)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.ask, "first")
        until(lambda: gate.calls == [["first"]])
        rest = [pool.submit(together.ask, other) for other in others]
        until(lambda: len(together._asked) == len(others))
        gate.open.set()
        assert first.result(SECONDS) == "FIRST"
        return [each.exception(SECONDS) or each.result() for each in rest]


def test_what_is_asked_for_while_another_is_served_is_served_at_once() -> None:
    gate = Gate()
    assert ask_while_busy(gate, "a", "b", "c") == ["A", "B", "C"]
    assert [sorted(call) for call in gate.calls] == [["first"], ["a", "b", "c"]]


def test_an_error_is_everybody_s_who_was_served_by_that_call() -> None:
    errors = ask_while_busy(Gate(), "good", "bad")
    assert [type(error) for error in errors] == [ValueError, ValueError]


def test_once_closed_nothing_more_is_done() -> None:
    gate = Gate()
    gate.open.set()
    together: Together[str, str] = Together(gate.act)
    together.close()
    with pytest.raises(StoppedError):
        together.ask("late")
    assert gate.calls == []


def test_what_was_told_is_done_before_what_is_asked_for_next() -> None:
    gate = Gate()
    gate.open.set()
    together: Together[str, str] = Together(gate.act)
    together.tell("a")
    together.tell("b")
    assert gate.calls == []
    assert together.ask("c") == "C"
    assert together.ask("d") == "D"
    assert gate.calls == [["a", "b", "c"], ["d"]]


def test_what_was_told_is_done_at_the_end_if_nobody_asks() -> None:
    gate = Gate()
    gate.open.set()
    together: Together[str, str] = Together(gate.act)
    together.tell("a")
    together.close()
    together.close()
    assert gate.calls == [["a"]]


def test_closing_waits_for_what_is_under_way() -> None:
    gate = Gate()
    together: Together[str, str] = Together(gate.act)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.ask, "first")
        until(lambda: bool(gate.calls))
        closed = pool.submit(together.close)
        assert not closed.done()
        gate.open.set()
        assert first.result(SECONDS) == "FIRST"
        closed.result(SECONDS)
