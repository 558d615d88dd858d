from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from etl.errors import IncompleteError
from etl.extract.handful import in_handfuls
from etl.interval import EVERYTHING
from etl.proof import Proof

from support.clocks import FakeClock

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def proof() -> Proof:
    return Proof(interval=EVERYTHING, rows=(), observed_at=NOW)


def coming(clock: FakeClock, *moments: float | None) -> Iterator[Proof | None]:
    """A proof after each of so many seconds; None for a look in vain, a tenth of a second later."""
    for seconds in moments:
        clock.pass_time(0.1 if seconds is None else seconds)
        yield None if seconds is None else proof()


def sizes(*moments: float | None) -> list[int]:
    clock = FakeClock()
    return [len(handful) for handful in in_handfuls(coming(clock, *moments), clock)]


def test_pages_that_follow_each_other_at_once_are_taken_together() -> None:
    assert sizes(0.0, 0.0, 0.0) == [3]
    assert sizes(0.0, 0.02, 0.02) == [3]


def test_no_more_than_a_few_are_in_hand() -> None:
    assert sizes(*[0.0] * 9) == [4, 4, 1]


def test_a_page_does_not_wait_long_for_the_next() -> None:
    assert sizes(0.0, None, None, 0.0) == [1, 1]


def test_pages_that_trickle_in_are_let_go_before_there_are_many() -> None:
    assert sizes(0.0, 0.06, 0.06, 0.06) == [3, 1]


def test_nothing_is_yielded_where_nothing_was_proven() -> None:
    assert sizes() == sizes(None, None) == []


def test_what_is_in_hand_comes_before_the_error_that_ends_the_walk() -> None:
    def fail() -> Iterator[Proof]:
        yield proof()
        yield proof()
        raise IncompleteError("the list moves")

    handfuls = in_handfuls(fail(), FakeClock())
    assert len(next(handfuls)) == 2
    with pytest.raises(IncompleteError, match="the list moves"):
        next(handfuls)


def test_a_bug_takes_with_it_what_is_in_hand() -> None:
    def fail() -> Iterator[Proof]:
        yield proof()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(in_handfuls(fail(), FakeClock()))
