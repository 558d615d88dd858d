"""When turns are due: lengths of time, and lines of crontab as cron means them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.service.timing import Every, days_of_week, parse_cron

MINUTE = timedelta(minutes=1)
THURSDAY = datetime(2026, 1, 1, tzinfo=UTC)


def next_turns(expression: str, count: int) -> list[datetime]:
    trigger, moment = parse_cron(expression).trigger(), THURSDAY
    turns = []
    for _ in range(count):
        following = trigger.get_next_fire_time(None, moment)
        assert following is not None
        turns.append(following)
        moment = following + timedelta(seconds=1)
    return turns


def test_a_range_adapts_and_a_single_time_does_not() -> None:
    assert Every(least=MINUTE, most=5 * MINUTE).adapts
    assert not Every(least=MINUTE, most=MINUTE).adapts


@pytest.mark.parametrize(("least", "most"), [(2 * MINUTE, MINUTE), (timedelta(), MINUTE)])
def test_a_range_goes_up_from_a_second_or_more(least: timedelta, most: timedelta) -> None:
    with pytest.raises(ValueError, match="expected a second or more"):
        Every(least=least, most=most)


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("*", "*"),
        ("0", "sun"),
        ("7", "sun"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("1/3", "mon,thu"),
        ("SUN,wed", "sun,wed"),
        ("mon-fri/2", "mon,wed,fri"),
    ],
)
def test_the_days_of_the_week_are_those_of_cron(field: str, days: str) -> None:
    assert days_of_week(field) == days


def test_sunday_is_the_first_day_and_the_seventh() -> None:
    sundays = [THURSDAY + timedelta(days=3, hours=3), THURSDAY + timedelta(days=10, hours=3)]
    assert next_turns("0 3 * * 0", 2) == next_turns("0 3 * * 7", 2) == sundays


def test_times_are_in_utc() -> None:
    assert next_turns("30 9 * * *", 1) == [THURSDAY + timedelta(hours=9, minutes=30)]


@pytest.mark.parametrize(
    ("expression", "longest"),
    [
        ("*/5 * * * *", timedelta(minutes=5)),
        ("0 3 * * *", timedelta(days=1)),
        ("*/15 8-17 * * 1-5", timedelta(days=2, hours=14, minutes=15)),
        ("0 0 1 * *", timedelta(days=31)),
        ("0 0 29 2 *", timedelta(days=4 * 365 + 1)),
    ],
)
def test_the_longest_wait_between_two_turns_is_known(expression: str, longest: timedelta) -> None:
    assert parse_cron(expression).longest == longest


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("61 * * * *", "five fields"),
        ("0 0 * * 8", "five fields"),
        ("0 0 * * someday", "five fields"),
        ("0 0 * * 5-1", "days in their order"),
        ("0 0 31 2 *", "due again and again"),
        ("0 3 1 * 1", "a day of the month or one of the week"),
    ],
)
def test_a_line_that_is_none_is_refused_with_what_is_expected(expression: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"expected.*{expected}"):
        parse_cron(expression)
