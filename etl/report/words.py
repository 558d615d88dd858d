"""Lengths of time, shares, counts and dates as words: one spelling for the terminal and the page. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

# Not by strftime, whose names follow the machine's language.
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def ago(length: timedelta) -> str:
    """A length of time in the one unit that says enough: `90 s`, `119 min`, `47 h`, `4 d`; never negative."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def percent(share: float | None, none: str = "–") -> str:
    return none if share is None else f"{share * 100:.1f} %"


def compact(count: float) -> str:
    """A count for an axis: `950`, `1.5k`, `20k`, `3M`."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.3g}{unit}" if count < 1000 * size else f"{count / size:,.0f}{unit}"
    return f"{count:.3g}"


def day_of_year(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def month_of(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.year}"


def full_day(day: date) -> str:
    return f"{day_of_year(day)} {day.year}"


def instant(moment: datetime) -> str:
    """Day and minute, in the zone that the moment is in; which that is, the reader has to be told."""
    return f"{full_day(moment)}, {moment:%H:%M}"


def short_instant(moment: datetime, now: datetime) -> str:
    """Day and minute for a table: the year is told where it is not that of `now`."""
    day = day_of_year(moment) if moment.year == now.year else full_day(moment)
    return f"{day}, {moment:%H:%M}"


def shortened(text: str, most: int, ellipsis: str = "…") -> str:
    """The text, cut where it is too long to be read at all."""
    return text if len(text) <= most else text[: most - len(ellipsis)].rstrip() + ellipsis
