"""Lengths of time, shares, counts and dates as words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from etl.report.words import (
    ago,
    compact,
    full_day,
    instant,
    month_of,
    percent,
    short_instant,
    shortened,
)

NOON = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=2), "2 d"),
    ],
)
def test_a_length_of_time_is_told_in_one_unit(length: timedelta, words: str) -> None:
    assert ago(length) == words


def test_a_share_is_told_with_one_digit() -> None:
    assert (percent(None), percent(0), percent(0.98765), percent(1)) == ("–", "0.0 %", "98.8 %", "100.0 %")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (950, "950"),
        (1000, "1k"),
        (2500, "2.5k"),
        (20_000, "20k"),
        (3e6, "3M"),
        (5e15, "5,000T"),
    ],
)
def test_a_count_on_an_axis_is_short(count: float, words: str) -> None:
    assert compact(count) == words


def test_dates_are_told_in_english_whatever_the_machine_speaks() -> None:
    assert (full_day(date(2026, 5, 3)), month_of(date(2026, 12, 1))) == ("3 May 2026", "Dec 2026")
    assert instant(NOON) == "1 Mar 2026, 12:05"


def test_the_year_is_left_out_where_it_is_the_present_one() -> None:
    assert short_instant(NOON, NOON) == "1 Mar, 12:05"
    assert short_instant(NOON, NOON.replace(year=2027)) == "1 Mar 2026, 12:05"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd efgh", 6) == "abcd…"
    assert shortened("abcdefgh", 6, "...") == "abc..."
