from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from etl.extract.limits import Limits, read_limits

NOW = datetime(2024, 2, 15, 9, 30, 0, 400_000, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
DOWN = 1.2  # what a reset in whole seconds may lack
LONG_AGO = timedelta(hours=1)


def limits(*, took: float = 0.1, **headers: object) -> Limits:
    given = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return read_limits(given, NOW, sent_at=NOW - timedelta(seconds=took))


def reset(value: object, *, took: float = 0.1, **others: object) -> float | None:
    return limits(took=took, x_ratelimit_reset=value, **others).reset_seconds


def dated(moment: datetime) -> str:
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def test_an_answer_without_headers_tells_nothing() -> None:
    assert limits() == Limits()


def test_the_documented_headers_are_read() -> None:
    seen = limits(x_ratelimit_limit=100, x_ratelimit_remaining=7, x_ratelimit_reset=EPOCH + 30)
    assert (seen.limit, seen.remaining) == (100, 7)
    assert seen.reset_seconds == pytest.approx(30 - 0.4 + DOWN)


@pytest.mark.parametrize("text", ["", "-1", "many", "1e3", "12.5", "9" * 30, "100, 100;w=60"])
def test_a_count_that_is_none_is_no_count(text: str) -> None:
    seen = limits(x_ratelimit_limit=text, x_ratelimit_remaining=text)
    assert (seen.limit, seen.remaining) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (30, 30 + DOWN),
        (0, DOWN),
        ("30.5", 30.5),
        (EPOCH + 30, 29.6 + DOWN),
        (f"{EPOCH + 30}.5", 30.1),
        ((EPOCH + 30) * 1000 + 250, 29.85),
        ((EPOCH + 30) * 1000, 29.6 + DOWN),
        (EPOCH - 600, 0),
    ],
)
def test_a_reset_is_a_delay_or_an_instant_and_exact_only_with_a_fraction(
    text: object, seconds: float
) -> None:
    assert reset(text) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("text", ["", "-5", "nan", "inf", "soon", EPOCH + 100_000, "99999999999999999999999"])
def test_a_reset_that_cannot_be_meant_is_left_out(text: object) -> None:
    assert reset(text) is None


def test_a_window_that_was_opened_by_the_request_ends_at_the_same_fraction_of_a_second() -> None:
    opened = {"x_ratelimit_limit": 20, "x_ratelimit_remaining": 19}
    assert reset(EPOCH + 6, **opened) == pytest.approx(6)
    assert reset(EPOCH + 6, **opened, took=0.35) == pytest.approx(
        5.6 + DOWN
    )  # opened in the second before, maybe
    assert reset(6, **opened) == pytest.approx(6 + DOWN)
    assert reset(EPOCH + 6, x_ratelimit_limit=20, x_ratelimit_remaining=18) == pytest.approx(5.6 + DOWN)


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1), -timedelta(milliseconds=500)])
def test_our_clock_counts_where_the_date_can_be_of_the_same(apart: timedelta) -> None:
    assert reset(EPOCH + 30, date=dated(NOW - apart), took=1) == pytest.approx(29.6 + DOWN)


@pytest.mark.parametrize("apart", [LONG_AGO, -LONG_AGO, timedelta(seconds=4), -timedelta(seconds=4)])
def test_another_clock_s_instants_are_held_against_its_date(apart: timedelta) -> None:
    theirs = NOW - apart
    at_their_second = int(theirs.timestamp())
    assert reset(at_their_second + 30, date=dated(theirs)) == pytest.approx(30 + DOWN)
    opened = {"x_ratelimit_limit": 20, "x_ratelimit_remaining": 19}
    assert reset(at_their_second + 30, date=dated(theirs), **opened) == pytest.approx(30 + DOWN)


@pytest.mark.parametrize("date", ["yesterday", "Thu, 99 Feb 2024 09:30:00 GMT", ""])
def test_a_date_that_is_none_is_passed_over(date: str) -> None:
    assert reset(EPOCH + 30, date=date) == pytest.approx(29.6 + DOWN)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        ("1.5", 1.5),
        (dated(NOW + timedelta(seconds=45)), 44.6),
        (dated(NOW - LONG_AGO), 0),
        ("soon", None),
        ("-3", None),
        ("1e9", 86_400),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(text: str, seconds: float | None) -> None:
    assert limits(retry_after=text).retry_after_seconds == pytest.approx(seconds)
