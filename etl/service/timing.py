"""When an account's turns are due: every so often, within a range that the service chooses from, or by cron.

Crontab lines mean here what they mean to cron, in UTC. The scheduler's library counts the days of the week
from Monday and wants both days to fit where cron takes either, so such a line is put into words that mean
the same to both, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?P<first>\*|[0-7]|[a-z]{3})(?:-(?P<last>[0-7]|[a-z]{3}))?(?:/(?P<step>[1-7]))?")
# A line's rhythm is told by its turns from here on: it is to be the same whenever it is asked for.
_ANY_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_TURNS_LOOKED_AT = 2000
_LONGEST_RHYTHM = timedelta(days=366 * 9)  # from one 29 February to the next, where a century has none
_EXPECTED = "expected five fields as in a crontab, such as */15 8-18 * * 1-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A turn every `least` seconds to every `most`; the same where the pace is fixed."""

    least: timedelta
    most: timedelta

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.least <= self.most:
            raise ValueError("expected a second or more, and of two times the shorter one first")

    @property
    def adapts(self) -> bool:
        return self.least != self.most

    @property
    def longest(self) -> timedelta:
        return self.most

    def __str__(self) -> str:
        least, most = (f"{length.total_seconds():g} s" for length in (self.least, self.most))
        return f"every {least} to {most}" if self.adapts else f"every {least}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Turns as a crontab line says; built by `parse_cron`."""

    expression: str
    longest: timedelta  # between two turns

    def __str__(self) -> str:
        return f"at {self.expression!r}, in UTC"

    def trigger(self, jitter_seconds: float | None = None) -> CronTrigger:
        return _trigger(self.expression, jitter_seconds)


Timing = Every | Cron


def parse_cron(text: str) -> Cron:
    """A crontab line; ValueError says what is expected."""
    try:
        trigger = _trigger(text)
        return Cron(expression=" ".join(text.split()), longest=_longest(trigger))
    except (ValueError, OverflowError) as error:
        detail = str(error)
        raise ValueError(detail if detail.startswith("expected") else _EXPECTED) from None


def days_of_week(field: str) -> str:
    """The days that cron means, by name."""
    if field == "*":
        return field
    days = sorted({day for part in field.lower().split(",") for day in _days_of(part)})
    return ",".join(_DAYS[day] for day in days)


def _trigger(text: str, jitter_seconds: float | None = None) -> CronTrigger:
    minute, hour, day, month, day_of_week = text.split()
    if day != "*" and day_of_week != "*":
        raise ValueError("expected a day of the month or one of the week, with * for the other")
    return CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=days_of_week(day_of_week),
        timezone=UTC,
        jitter=jitter_seconds,
    )


def _days_of(part: str) -> Iterator[int]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(_EXPECTED)
    first = 0 if found["first"] == "*" else _number(found["first"])
    is_single = found["first"] != "*" and found["last"] is None and found["step"] is None
    last = first if is_single else _number(found["last"] or "sat")
    if last < first:
        raise ValueError(f"expected days in their order, from 0 or sun to 7, got {part}")
    return (day % 7 for day in range(first, last + 1, int(found["step"] or 1)))


def _number(day: str) -> int:
    if day.isdigit():
        return int(day)
    if day not in _DAYS:
        raise ValueError(_EXPECTED)
    return _DAYS.index(day)


def _longest(trigger: CronTrigger) -> timedelta:
    """The longest wait between two of the next turns, as many as show the line's rhythm."""
    moment = trigger.get_next_fire_time(None, _ANY_BEGINNING)
    longest = timedelta()
    for _ in range(_MOST_TURNS_LOOKED_AT):
        if moment is None:
            raise ValueError("expected a line that is due again and again")
        if moment - _ANY_BEGINNING > _LONGEST_RHYTHM:
            break
        following = trigger.get_next_fire_time(moment, moment + timedelta(seconds=1))
        longest, moment = max(longest, (following or moment) - moment), following
    return longest
