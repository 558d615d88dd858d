from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.coverage import GRAIN, Covered, add_proof, close_top, find_gaps, uncovered
from etl.interval import EVERYTHING, NEWEST, RESOLUTION, Interval

from support.pages import at, between

NOON = datetime(2024, 2, 16, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(hours=3)


def covered(after: int | None, upto: int | None, proven_at: datetime = LONG_AGO) -> Covered:
    return Covered(between(after, upto), proven_at)


OLD = [covered(20, 30), covered(None, 10)]


@pytest.mark.parametrize(
    ("proven", "coverage"),
    [
        (between(30, 40), [(30, 40, NOON), (20, 30, LONG_AGO), (None, 10, LONG_AGO)]),
        (between(12, 18), [(20, 30, LONG_AGO), (12, 18, NOON), (None, 10, LONG_AGO)]),
        (between(10, 20), [(20, 30, LONG_AGO), (10, 20, NOON), (None, 10, LONG_AGO)]),
        (between(25, 40), [(25, 40, NOON), (20, 25, LONG_AGO), (None, 10, LONG_AGO)]),
        (between(22, 24), [(24, 30, LONG_AGO), (22, 24, NOON), (20, 22, LONG_AGO), (None, 10, LONG_AGO)]),
        (between(15, 25), [(25, 30, LONG_AGO), (15, 25, NOON), (None, 10, LONG_AGO)]),
        (between(5, 25), [(25, 30, LONG_AGO), (5, 25, NOON), (None, 5, LONG_AGO)]),
        (between(20, 30), [(20, 30, NOON), (None, 10, LONG_AGO)]),
        (between(None, 30), [(None, 30, NOON)]),
        (between(None, 5), [(20, 30, LONG_AGO), (5, 10, LONG_AGO), (None, 5, NOON)]),
        (between(None, 99), [(None, 99, NOON)]),
    ],
)
def test_a_newer_proof_replaces_what_it_covers_of_older_ones(
    proven: Interval, coverage: list[tuple[int | None, int | None, datetime]]
) -> None:
    assert add_proof(OLD, Covered(proven, NOON), since=NOON) == [covered(*part) for part in coverage]


def test_the_first_proof_is_the_coverage() -> None:
    assert add_proof([], covered(1, 2), since=NOON) == [covered(1, 2)]


def test_neighbours_proven_at_about_the_same_time_are_one_as_old_as_the_older() -> None:
    below = covered(None, 10, NOON - GRAIN)
    assert add_proof([below], covered(10, 20, NOON), since=LONG_AGO) == [covered(None, 20, NOON - GRAIN)]


def test_neighbours_proven_at_different_times_stay_apart() -> None:
    below = covered(None, 10, NOON - GRAIN - RESOLUTION)
    assert add_proof([below], covered(10, 20, NOON), since=LONG_AGO) == [covered(10, 20, NOON), below]


def test_neighbours_of_different_runs_stay_apart() -> None:
    below = covered(None, 10, NOON - RESOLUTION)
    assert add_proof([below], covered(10, 20, NOON), since=NOON) == [covered(10, 20, NOON), below]


def test_what_does_not_touch_is_never_one() -> None:
    below = covered(None, 9, NOON)
    assert add_proof([below], covered(10, 20, NOON), since=LONG_AGO) == [covered(10, 20, NOON), below]


def test_a_proof_with_an_upper_end_keeps_it() -> None:
    assert close_top(between(1, 2), OLD, at(99)) == between(1, 2)


@pytest.mark.parametrize(("newest", "top"), [(at(40), 40), (at(25), 30), (None, 30)])
def test_an_open_proof_ends_at_the_newest_that_was_seen_or_covered_before(
    newest: datetime | None, top: int
) -> None:
    assert close_top(between(5, None), OLD, newest) == between(5, top)
    assert close_top(EVERYTHING, OLD, newest) == between(None, top)


def test_a_proof_up_to_the_rows_without_a_time_is_an_open_one() -> None:
    assert close_top(Interval(after=at(5), upto=NEWEST), OLD, at(40)) == between(5, 40)


@pytest.mark.parametrize("after", [at(40), at(41), NEWEST])
def test_an_open_proof_above_all_that_was_seen_covers_nothing(after: datetime) -> None:
    assert close_top(Interval(after=after, upto=None), OLD, at(40)) is None


def test_nothing_is_covered_where_nothing_was_seen() -> None:
    assert close_top(EVERYTHING, [], None) is None


@pytest.mark.parametrize(
    ("coverage", "gaps"),
    [
        ([], [EVERYTHING]),
        ([covered(None, 10)], [between(10, None)]),
        ([covered(5, 10)], [between(10, None), between(None, 5)]),
        (OLD, [between(30, None), between(10, 20)]),
        ([covered(20, 30), covered(10, 20), covered(None, 10)], [between(30, None)]),
    ],
)
def test_gaps_are_what_no_proof_covers_newest_first(coverage: list[Covered], gaps: list[Interval]) -> None:
    assert find_gaps(coverage) == gaps


@pytest.mark.parametrize(
    ("interval", "parts"),
    [
        (between(25, 28), []),
        (between(5, 25), [between(10, 20)]),
        (between(12, 18), [between(12, 18)]),
        (between(5, 40), [between(30, 40), between(10, 20)]),
        (EVERYTHING, [between(30, None), between(10, 20)]),
    ],
)
def test_the_uncovered_parts_of_an_interval_are_newest_first(
    interval: Interval, parts: list[Interval]
) -> None:
    assert uncovered(interval, OLD) == parts
