from __future__ import annotations

import time as machine
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from etl.transform.timestamps import parse_time, parse_time_of_day, parse_times

NINE = datetime(2024, 2, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-15T09:00:00.000Z",
        "2024-02-15T09:00:00Z",
        "2024-02-15t09:00:00z",
        "2024-02-15 09:00:00+00",
        "2024-02-15T09:00:00+0000",
        "2024-02-15T09:00:00+00:00",
        "2024-02-15T09:00:00-00:00",
        "2024-02-15T14:30:00+05:30",
        "2024-02-15T14:30:00+0530",
        "2024-02-15T06:00:00-03:00",
        "2024-02-14T23:00:00-10",
        "2024-02-15T09:19:32+00:19:32",
        "2024-02-15T09:00Z",
    ],
)
def test_one_instant_is_read_from_each_of_its_spellings(text: str) -> None:
    moment = parse_time(text)
    assert moment == NINE
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("fraction", "microsecond"),
    [
        ("", 0),
        (".5", 500000),
        (".31", 310000),
        (".309", 309000),
        (".338896", 338896),
        (".3388969", 338896),
        (".999999999", 999999),
        (".000000001", 0),
    ],
)
def test_fractions_of_a_second_are_cut_after_the_microseconds(fraction: str, microsecond: int) -> None:
    assert parse_time(f"2024-02-15T09:00:00{fraction}+00:00") == NINE.replace(microsecond=microsecond)


@pytest.fixture
def _machine_in_another_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XYZ-5:30")
    machine.tzset()
    yield
    monkeypatch.undo()
    machine.tzset()


@pytest.mark.usefixtures("_machine_in_another_zone")
@pytest.mark.parametrize("text", ["2024-02-15T09:00:00", "2024-02-15 09:00:00.000000"])
def test_a_time_without_an_offset_is_in_utc_wherever_the_machine_is(text: str) -> None:
    assert datetime(2024, 2, 15, 14, 30).astimezone(UTC) == NINE
    assert parse_time(text) == NINE
    assert parse_time(text).tzinfo is UTC


def test_a_bare_date_is_its_midnight_in_utc() -> None:
    assert parse_time("2024-02-15") == datetime(2024, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("year", "leaps"), [(2024, True), (2000, True), (2023, False), (1900, False), (2100, False)]
)
def test_a_leap_day_is_a_day_of_leap_years_alone(year: int, leaps: bool) -> None:
    text = f"{year}-02-29T23:59:59.999999+00:00"
    if leaps:
        assert parse_time(text) + timedelta(microseconds=1) == datetime(year, 3, 1, tzinfo=UTC)
    else:
        with pytest.raises(ValueError, match="expected a time"):
            parse_time(text)


@pytest.mark.parametrize(
    "text", ["2024-12-31T23:30:00-01:00", "2025-01-01T14:30:00+14:00", "2025-01-01T00:30Z"]
)
def test_the_year_is_the_one_in_utc(text: str) -> None:
    assert parse_time(text) == datetime(2025, 1, 1, 0, 30, tzinfo=UTC)


def test_the_first_and_the_last_instant_that_python_knows_are_read() -> None:
    assert parse_time("0001-01-01T00:00:00Z") == datetime.min.replace(tzinfo=UTC)
    assert parse_time("9999-12-31T23:59:59.999999Z") == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "infinity",
        "-infinity",
        "0044-03-15T09:00:00+00:00 BC",
        "12024-02-15T09:00:00Z",
        "+12024-02-15T09:00:00Z",
        "-0044-03-15T09:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-W07-4",
        "2024-W07-4T09:00:00Z",
        "2024-046",
        "20240215T090000Z",
        "20240215",
        "2024-02-15T",
        "2024-02-15T09",
        "2024-02-15Z",
        "2024-02-15_09:00:00Z",
        "2024-02-15T09:00:00,5Z",
        "2024-02-15T09:00:00.Z",
        "2024-02-15T09:00:00.1234567890Z",
        "2024-02-15T09:00:00 Z",
        " 2024-02-15T09:00:00Z",
        "2024-02-15T09:00:00Z\n",
        "2024-02-15T24:00:00Z",
        "2024-02-15T09:60:00Z",
        "2024-12-31T23:59:60Z",
        "2023-02-29T09:00:00Z",
        "2024-13-01T09:00:00Z",
        "2024-02-15T09:00:00+24:00",
        "2024-02-15T09:00:00+5:30",
        "2024-02-15T09:00:00 Europe/Berlin",
        "٢٠٢٤-٠٢-١٥T٠٩:٠٠:٠٠Z",
        "2024-02-15T09:00:00\ud800",
        "2024-02-15T09:00:00\0",
        "1707987600",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_what_is_no_instant_of_the_years_1_to_9999_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time from year 1 to 9999"):
        parse_time(text)


def test_times_are_not_read_all_at_once_where_one_of_them_is_to_be_cut() -> None:
    with pytest.raises(ValueError, match="expected a time from year 1 to 9999"):
        parse_times(["2024-02-15T09:00:00Z", "2024-02-15T09:00:00.3388969Z"])


def test_a_refusal_says_what_is_expected_and_not_what_was_there() -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        parse_time("tomorrow, says Ms Example")
    assert "Example" not in str(refusal.value)
    with pytest.raises(ValueError, match="expected") as refusal:
        parse_time("2023-02-29T11:22:33Z")
    assert "11:22:33" not in str(refusal.value)


@pytest.mark.parametrize("text", ["09:30:00", "09:30", "09:30:00.000"])
def test_a_time_of_day_is_read_without_a_zone(text: str) -> None:
    assert parse_time_of_day(text) == time(9, 30)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24:00:00",
        "09:60:00",
        "09:30:60",
        "9:30",
        "0930",
        "T09:30",
        "09:30:00.5",
        "09:30:00+00",
        "09:30:00Z",
    ],
)
def test_what_is_no_time_of_day_in_whole_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time of day in whole seconds"):
        parse_time_of_day(text)
