"""Times as the source spells them, read into one form: aware, in UTC, with microseconds.

The spellings are told here rather than left to `fromisoformat`, which takes more with every release of
Python (week dates, hour 24). No message repeats the text: what a row holds belongs to a customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from functools import lru_cache

import msgspec

EXPECTED_TIME = "a time from year 1 to 9999 such as 2024-02-15T09:00:00Z"
EXPECTED_TIME_OF_DAY = "a time of day in whole seconds such as 09:00:00"

# `(…|)` rather than `(…)?`: it matches the same in two thirds of the time, and every row has several times.
_HOUR = r"(?:[01]\d|2[0-3])"
_OFFSET = r"[+-]\d\d(?::?\d\d(?::?\d\d|)|)"
_is_time = re.compile(
    rf"\d{{4}}-\d\d-\d\d(?:[Tt ]{_HOUR}:\d\d(?::\d\d(?:\.\d{{1,9}}|)|)(?:[Zz]|{_OFFSET}|)|)", re.ASCII
).fullmatch
_is_time_of_day = re.compile(rf"{_HOUR}:\d\d(?::\d\d(?:\.0+|)|)", re.ASCII).fullmatch


def parse_time(text: str) -> datetime:
    """Read an instant, whatever its offset, separator and number of fraction digits (0 to 9, cut after 6).

    Without an offset it is taken as UTC, since the source's database runs in UTC: nothing else could be
    meant by `timestamp` columns and bare dates, and a guess by this machine's zone would differ from host
    to host. Raises ValueError, which says what is expected, for all else: `infinity`, BC, five-digit years,
    days that do not exist, and instants that leave the years 1 to 9999 on their way to UTC.
    """
    if _is_time(text):
        try:
            moment = datetime.fromisoformat(text if text[-1] != "z" else text.upper())
            return moment if moment.tzinfo is UTC else _normalise(moment)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"expected {EXPECTED_TIME}")


def parse_times(texts: Sequence[str | None]) -> list[datetime | None]:
    """`parse_time` of each, all at once, which takes a third of the time.

    Raises ValueError or OverflowError where one of them has to be read by itself.
    """
    column = _encode_column(texts)
    if find_long_fraction(column):
        raise ValueError(f"expected {EXPECTED_TIME}")
    return settle_times(_decode_column(column))


def settle_times(moments: Iterable[datetime | None]) -> list[datetime | None]:
    """What `parse_time` makes of texts, from what msgspec makes of them.

    Raises OverflowError where an instant leaves the years 1 to 9999.
    """
    return [moment if moment is None or moment.tzinfo is UTC else _normalise(moment) for moment in moments]


# A time may have more than six digits of a fraction there, which msgspec rounds and this tool cuts.
find_long_fraction = re.compile(rb"\.\d{7}").search

_encode_column = msgspec.json.Encoder().encode
_decode_column = msgspec.json.Decoder(list[datetime | None]).decode


def _normalise(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=256)  # the windows of all batches begin and end at a few times
def parse_time_of_day(text: str) -> time:
    """Read `HH:MM` or `HH:MM:SS`, in no zone.

    Fractions of a second are refused rather than cut: SQLite's column holds whole seconds, and both
    databases are to hold the same. Raises ValueError, which says what is expected.
    """
    if _is_time_of_day(text):
        try:
            return time.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"expected {EXPECTED_TIME_OF_DAY}")


def parse_times_of_day(texts: Iterable[str | None]) -> list[time | None]:
    """`parse_time_of_day` of each; raises what it raises."""
    return [text if text is None else parse_time_of_day(text) for text in texts]
