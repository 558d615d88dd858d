"""Coverage against a model of it: for every instant, when it was last proven."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from etl.coverage import GRAIN, Covered, add_proof, find_gaps, uncovered
from etl.interval import EVERYTHING, RESOLUTION, Interval

from support.pages import at

EDGE = 12
# Every edge that an interval can have, and the instants right above them.
INSTANTS = [at(second) + after for second in range(-1, EDGE + 2) for after in (RESOLUTION * 0, RESOLUTION)]

ends = st.integers(0, EDGE)
intervals = st.builds(
    lambda one, other: Interval(after=at(min(one, other)), upto=at(max(one, other) + 1)), ends, ends
) | st.builds(lambda top: Interval(after=None, upto=at(top + 1)), ends)


def proofs(gap: timedelta) -> st.SearchStrategy[list[Covered]]:
    """Some proofs, one after the other."""
    steps = st.lists(intervals, min_size=1, max_size=10)
    return steps.map(lambda some: [Covered(interval, at(0) + gap * n) for n, interval in enumerate(some)])


def covering(given_proofs: list[Covered], *, since: datetime) -> list[Covered]:
    coverage: list[Covered] = []
    for proof in given_proofs:
        coverage = add_proof(coverage, proof, since=since)
    return coverage


def told(coverage: list[Covered], instant: datetime) -> datetime | None:
    times = [covered.proven_at for covered in coverage if instant in covered.interval]
    assert len(times) <= 1, "two proofs of one instant"
    return times[0] if times else None


def expected(given_proofs: list[Covered], instant: datetime) -> datetime | None:
    """The last proof counts."""
    return next((proof.proven_at for proof in reversed(given_proofs) if instant in proof.interval), None)


@given(proofs(gap=2 * GRAIN))
def test_every_instant_is_as_old_as_its_last_proof(given_proofs: list[Covered]) -> None:
    coverage = covering(given_proofs, since=at(0))
    for instant in INSTANTS:
        assert told(coverage, instant) == expected(given_proofs, instant)


@given(proofs(gap=GRAIN / 4), st.integers(0, 10))
def test_what_is_joined_is_never_said_to_be_younger_than_it_is(given_proofs: list[Covered], run: int) -> None:
    coverage = covering(given_proofs, since=at(0) + GRAIN / 4 * run)
    for instant in INSTANTS:
        said, true = told(coverage, instant), expected(given_proofs, instant)
        assert (said is None) is (true is None)
        assert said is None or true is None or said <= true


@given(proofs(gap=GRAIN / 4))
def test_intervals_never_overlap_and_come_newest_first(given_proofs: list[Covered]) -> None:
    coverage = covering(given_proofs, since=at(0))
    for upper, lower in pairwise(coverage):
        assert upper.interval.after is not None
        assert lower.interval.upto is not None
        assert upper.interval.after >= lower.interval.upto


@given(proofs(gap=2 * GRAIN))
def test_the_same_proof_again_changes_nothing(given_proofs: list[Covered]) -> None:
    coverage = covering(given_proofs, since=at(0))
    assert add_proof(coverage, given_proofs[-1], since=at(0)) == coverage


@given(proofs(gap=GRAIN / 2))
def test_every_instant_is_covered_or_in_one_gap(given_proofs: list[Covered]) -> None:
    coverage = covering(given_proofs, since=at(0))
    gaps = find_gaps(coverage)
    for instant in INSTANTS:
        assert sum(instant in gap for gap in gaps) == (told(coverage, instant) is None)
    assert gaps[0].upto is None


@given(proofs(gap=GRAIN / 2), intervals | st.just(EVERYTHING))
def test_an_interval_is_covered_but_for_its_uncovered_parts(
    given_proofs: list[Covered], interval: Interval
) -> None:
    coverage = covering(given_proofs, since=at(0))
    parts = uncovered(interval, coverage)
    for instant in INSTANTS:
        is_open = instant in interval and told(coverage, instant) is None
        assert sum(instant in part for part in parts) == is_open


@given(intervals | st.just(EVERYTHING), intervals | st.just(EVERYTHING))
def test_what_two_intervals_have_in_common_is_in_both(one: Interval, other: Interval) -> None:
    common = one & other
    for instant in INSTANTS:
        assert (common is not None and instant in common) is (instant in one and instant in other)
    assert (other & one) == common
