from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.interval import EVERYTHING, NEWEST, RESOLUTION, Interval

NOON = datetime(2024, 2, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MORNING = Interval(after=NOON - HOUR, upto=NOON)


@pytest.mark.parametrize(
    ("place", "is_inside"),
    [
        (NOON + RESOLUTION, False),
        (NOON, True),
        (NOON - HOUR + RESOLUTION, True),
        (NOON - HOUR, False),
        (NEWEST, False),
    ],
)
def test_an_interval_holds_its_upper_end_and_not_its_lower(place: datetime, is_inside: bool) -> None:
    assert (place in MORNING) is is_inside


def test_neighbours_share_no_instant_and_leave_none_out() -> None:
    evening = Interval(after=MORNING.upto, upto=None)
    for place in (NOON - RESOLUTION, NOON, NOON + RESOLUTION):
        assert (place in MORNING) is not (place in evening)


@pytest.mark.parametrize("place", [datetime.min.replace(tzinfo=UTC), NOON, NEWEST])
def test_everything_holds_every_place(place: datetime) -> None:
    assert place in EVERYTHING


def test_batches_without_a_time_are_newer_than_all_that_have_one() -> None:
    assert NEWEST in Interval(after=NOON, upto=None)
    assert NEWEST - RESOLUTION not in Interval(after=NEWEST, upto=None)
    assert NEWEST not in Interval(after=NEWEST, upto=None)


def test_an_interval_that_ends_before_it_starts_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="ends before it starts: 2024-02-15 12:00:00"):
        Interval(after=NOON, upto=NOON - RESOLUTION)


def test_an_interval_may_be_empty() -> None:
    empty = Interval(after=NOON, upto=NOON)
    assert NOON not in empty
    assert NOON - RESOLUTION not in empty
