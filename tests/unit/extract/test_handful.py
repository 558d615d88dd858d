from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from etl.errors import IncompleteError
from etl.extract.handful import in_handfuls
from etl.interval import EVERYTHING
from etl.proof import Proof

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def proof() -> Proof:
    return Proof(interval=EVERYTHING, rows=(), observed_at=NOW)


def sizes(*coming: Proof | None) -> list[int]:
    return [len(handful) for handful in in_handfuls(coming)]


def test_pages_that_are_there_at_once_are_taken_together_more_and_more_of_them() -> None:
    assert sizes(*[proof() for _ in range(6)]) == [1, 2, 3]
    assert sizes(proof(), None, proof(), proof()) == [1, 2]


def test_no_more_than_a_few_are_in_hand() -> None:
    assert sizes(*[proof() for _ in range(16)]) == [1, 2, 3, 4, 4, 2]


def test_a_page_waits_for_no_other_where_one_is_the_most() -> None:
    proofs = iter([proof(), None, proof()])
    handfuls = in_handfuls(proofs, most=1)
    assert len(next(handfuls)) == 1
    assert next(proofs) is None  # the second look at them has not been taken yet


def test_a_page_waits_for_none_that_is_still_to_come() -> None:
    proofs = iter([proof(), proof(), None, proof()])
    handfuls = in_handfuls(proofs)
    assert [len(next(handfuls)), len(next(handfuls))] == [1, 1]
    assert len(list(proofs)) == 1  # what is not there yet has not been asked for


def test_nothing_is_yielded_where_nothing_was_proven() -> None:
    assert sizes() == sizes(None, None) == []


def test_what_is_in_hand_comes_before_the_error_that_ends_the_walk() -> None:
    def fail() -> Iterator[Proof]:
        yield from (proof(), proof(), proof())
        raise IncompleteError("the list moves")

    handfuls = in_handfuls(fail())
    assert [len(next(handfuls)), len(next(handfuls))] == [1, 2]
    with pytest.raises(IncompleteError, match="the list moves"):
        next(handfuls)


def test_a_bug_takes_with_it_what_is_in_hand() -> None:
    def fail() -> Iterator[Proof]:
        yield from (proof(), proof())
        raise ZeroDivisionError

    handfuls = in_handfuls(fail())
    next(handfuls)
    with pytest.raises(ZeroDivisionError):
        next(handfuls)
