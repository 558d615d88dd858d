"""Success over time: days put together into as many steps as a line can show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from etl.report.figures import Tally

NOTHING = Tally()
LONGEST_TREND = timedelta(days=5 * 366)


class Step(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The campaigns created from `first_day` on, until the next bucket begins."""

    first_day: date
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Success over time, by the day of creation; every bucket is present, an empty one too."""

    step: Step
    buckets: tuple[Bucket, ...]
    earlier: Tally = NOTHING  # what was created before the first bucket

    def is_over(self, today: date) -> bool:
        """Whether the last bucket can get no more campaigns."""
        return not self.buckets or _start(today, self.step) > self.buckets[-1].first_day


def choose_step(first_day: date, last_day: date) -> Step:
    """The finest step that gives a line of at most about sixty points."""
    days = (last_day - first_day).days + 1
    if days <= 60:
        return Step.DAY
    return Step.WEEK if days <= 60 * 7 else Step.MONTH


def derive_trend(days: Sequence[tuple[date, Tally]]) -> Trend:
    """Days with campaigns, in order, put together into steps without a gap; the newest five years at most."""
    recent = [(day, tally) for day, tally in days if days[-1][0] - day < LONGEST_TREND]
    if not recent:
        return Trend(step=Step.DAY, buckets=())
    first_day, last_day = recent[0][0], recent[-1][0]
    step = choose_step(first_day, last_day)
    sums = {day: Tally() for day in _starts(first_day, last_day, step)}
    for day, tally in recent:
        sums[_start(day, step)] += tally
    buckets = (Bucket(first_day=day, tally=tally) for day, tally in sums.items())
    earlier = sum((tally for _, tally in days[: -len(recent)]), Tally())
    return Trend(step=step, buckets=tuple(buckets), earlier=earlier)


def _start(day: date, step: Step) -> date:
    match step:
        case Step.DAY:
            return day
        case Step.WEEK:
            return day - timedelta(days=day.weekday())
        case Step.MONTH:
            return day.replace(day=1)


def _next(start: date, step: Step) -> date:
    longest = {Step.DAY: 1, Step.WEEK: 7, Step.MONTH: 31}
    return _start(start + timedelta(days=longest[step]), step)


def _starts(first_day: date, last_day: date, step: Step) -> list[date]:
    starts = [_start(first_day, step)]
    while starts[-1] < _start(last_day, step):
        starts.append(_next(starts[-1], step))
    return starts
