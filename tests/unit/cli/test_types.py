"""What people write for lengths of time and for moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest

from etl.cli.types import as_zone, parse_duration, parse_moment

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


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("2026-01-31T09:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-07-01T09:00", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-01-31T09:00Z", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("2026-01-31T09:00:00.5-01:00", datetime(2026, 1, 31, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2d", datetime(2026, 3, 28, 23, tzinfo=UTC)),  # midnight, before the clocks were put
        ("1w", datetime(2026, 3, 23, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_one_of_the_zone_that_is_asked_for(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW, ZoneInfo("Europe/Berlin")) == moment


@pytest.mark.parametrize("text", ["5d", "3h", "7m"])
def test_the_same_moment_is_meant_when_it_is_asked_for_again_soon_after(text: str) -> None:
    assert parse_moment(text, NOW) == parse_moment(text, NOW + timedelta(seconds=50))


def test_a_zone_is_known_by_its_name() -> None:
    context, option = click.Context(click.Command("report")), click.Option(["--timezone"])
    assert as_zone(context, option, "Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert as_zone(context, option, "utc") is UTC
    for name in ("", "Europe", "Europe/Atlantis", "../etc/passwd", "/etc/passwd", "a\0b"):
        with pytest.raises(click.BadParameter, match="expected the name of a zone such as Europe/Berlin"):
            as_zone(context, option, name)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "31.01.2026", "999999w"])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        parse_moment(text, NOW)
