"""Axes: round marks that hold every value, and labels that have room."""

from __future__ import annotations

from itertools import pairwise

import pytest

from etl.report.scales import rate_scale, round_step, scale, thinned


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, (0, 0.25, 0.5, 0.75, 1)),
        (0, 11_000, (0, 5000, 10_000, 15_000)),
        (0, 3, (0, 1, 2, 3)),
        (0, 0, (0, 0.25)),
        (7, 7, (7, 7.2)),
    ],
)
def test_marks_are_round_and_reach_both_ends(low: float, high: float, marks: tuple[float, ...]) -> None:
    assert scale(low, high, start=0, end=1).marks == pytest.approx(marks)


def test_a_value_lies_between_the_ends_as_among_the_marks() -> None:
    lies = scale(0, 100, start=200, end=100)
    assert [lies(value) for value in (0, 25, 100)] == [200, 175, 100]


def test_an_axis_of_shares_does_not_leave_them() -> None:
    assert rate_scale(0.97, 1.0, start=0, end=1).marks[-1] <= 1
    assert rate_scale(0.0, 0.02, start=0, end=1).marks[0] >= 0
    assert rate_scale(1.0, 1.0, start=0, end=1).marks == (0.9, 0.95, 1.0)
    assert rate_scale(0.0, 0.0, start=0, end=1).marks == (0.0, 0.25)


def test_a_step_is_the_smallest_round_one_that_is_enough() -> None:
    assert [round_step(span, 4) for span in (1, 4, 5, 9, 10, 40)] == [0.25, 1, 2, 2.5, 2.5, 10]


@pytest.mark.parametrize(("count", "most"), [(1, 5), (5, 5), (6, 5), (60, 4), (3, 0)])
def test_labels_are_even_few_and_the_last_is_among_them(count: int, most: int) -> None:
    places = list(thinned(count, most))
    assert len(places) <= max(most, 1)
    assert places[-1] == count - 1
    assert len({after - before for before, after in pairwise(places)}) <= 1
