"""What people write for lengths of time and for moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.cli.types import parse_duration, parse_moment

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        (" 1d ", timedelta(days=1)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_length_of_time_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "15", "m", "-1m", "1.5h", "1h30m", "1y", "9999999d", "１5m"])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="expected a length of time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09:00Z", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("2026-01-31 09:00+02:00", datetime(2026, 1, 31, 7, tzinfo=UTC)),
        ("30d", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "31.01.2026", "999999w"])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        parse_moment(text, NOW)
