"""The figures: sums and what is made of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from etl.report.figures import Campaign, Tally, derive_ranking
from etl.report.trend import Step, choose_step, derive_trend

DAY = date(2026, 3, 2)  # a Monday


def tally(completed: int, failed: int = 0, recipients: int = 0) -> Tally:
    return Tally(campaigns=1, recipients=recipients, completed=completed, failed=failed)


def campaign(name: str) -> Campaign:
    return Campaign(account="acme", id=name, name=name, status="completed", started_at=None, tally=tally(1))


def test_a_rate_over_campaigns_is_made_of_their_calls_not_of_their_rates() -> None:
    small, large = tally(10, 0), tally(100, 900)
    assert small.success_rate == 1.0
    assert (small + large).success_rate == 110 / 1010


def test_where_nothing_was_attempted_there_is_no_rate() -> None:
    assert tally(0).success_rate is None
    assert tally(3).completion_rate is None
    assert tally(3, 1, 8).completion_rate == 0.5


@pytest.mark.parametrize(
    ("days", "step"),
    [(1, Step.DAY), (60, Step.DAY), (61, Step.WEEK), (420, Step.WEEK), (421, Step.MONTH)],
)
def test_the_step_grows_with_the_span(days: int, step: Step) -> None:
    assert choose_step(DAY, DAY + timedelta(days=days - 1)) is step


def test_every_day_is_present_in_a_trend_an_empty_one_too() -> None:
    trend = derive_trend([(DAY, tally(1)), (DAY + timedelta(days=2), tally(3, 1))])
    assert [(bucket.first_day.day, bucket.tally.success_rate) for bucket in trend.buckets] == [
        (2, 1.0),
        (3, None),
        (4, 0.75),
    ]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    sunday, last = DAY - timedelta(days=1), DAY + timedelta(days=100)
    weeks = derive_trend([(sunday, tally(1)), (DAY, tally(2)), (last, tally(3))])
    assert [bucket.first_day for bucket in weeks.buckets[:2]] == [DAY - timedelta(days=7), DAY]
    months = derive_trend([(date(2024, 12, 31), tally(1)), (date(2026, 3, 1), tally(2))])
    assert [str(bucket.first_day) for bucket in months.buckets[:3]] == [
        "2024-12-01",
        "2025-01-01",
        "2025-02-01",
    ]
    assert len(months.buckets) == 16


def test_a_leap_day_is_a_day_and_a_week_goes_on_over_the_end_of_a_year() -> None:
    days = derive_trend([(date(2024, 2, 28), tally(1)), (date(2024, 3, 1), tally(1))])
    assert [bucket.first_day.day for bucket in days.buckets] == [28, 29, 1]
    ends = derive_trend(
        [(date(2024, 10, 1), tally(1)), (date(2024, 12, 31), tally(1)), (date(2025, 1, 5), tally(2))]
    )
    assert (ends.buckets[-1].first_day, ends.buckets[-1].tally) == (date(2024, 12, 30), tally(1) + tally(2))


def test_a_trend_of_nothing_is_empty() -> None:
    assert derive_trend([]).buckets == ()


def test_a_time_out_of_all_measure_does_not_stretch_the_trend() -> None:
    trend = derive_trend([(date(1, 1, 1), tally(1)), (DAY, tally(2))])
    assert [bucket.first_day for bucket in trend.buckets] == [DAY]
    assert derive_trend([(DAY, tally(1)), (date.max, tally(2))]).buckets[-1].first_day == date.max


def test_a_short_list_is_not_shown_twice() -> None:
    a, b, c = campaign("a"), campaign("b"), campaign("c")
    ranking = derive_ranking([a, b], [c, b], least_calls=1, ranked=3)
    assert (ranking.best, ranking.worst) == ((a, b), (c,))
