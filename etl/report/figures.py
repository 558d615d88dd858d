"""The figures of the report, made of sums that the database has formed; nothing here reads or asks the time.

A rate over several campaigns is made of their calls, never of their rates: ten calls do not weigh as much
as ten thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over some campaigns; a count that the source leaves out adds nothing."""

    campaigns: int = 0
    recipients: int = 0
    completed: int = 0  # calls that succeeded
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            campaigns=self.campaigns + other.campaigns,
            recipients=self.recipients + other.recipients,
            completed=self.completed + other.completed,
            failed=self.failed + other.failed,
        )

    @property
    def attempted(self) -> int:
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        return self.completed / self.attempted if self.attempted > 0 else None

    @property
    def completion_rate(self) -> float | None:
        return self.attempted / self.recipients if self.recipients > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One batch, as far as the report shows it."""

    account: str
    id: str
    name: str | None
    status: str
    started_at: datetime | None
    tally: Tally


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
    """Success over time, by the UTC day of creation; every bucket is present, an empty one too."""

    step: Step
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Campaigns by success rate, of those with calls enough to judge; none stands on both sides."""

    least_calls: int
    ranked: int
    best: tuple[Campaign, ...]
    worst: tuple[Campaign, ...]


LONGEST_TREND = timedelta(days=5 * 366)


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
    return Trend(step=step, buckets=tuple(buckets))


def derive_ranking(
    best: Sequence[Campaign], worst: Sequence[Campaign], *, least_calls: int, ranked: int
) -> Ranking:
    """Best and worst without the campaigns that a short list would show twice."""
    shown = {(campaign.account, campaign.id) for campaign in best}
    others = tuple(campaign for campaign in worst if (campaign.account, campaign.id) not in shown)
    return Ranking(least_calls=least_calls, ranked=ranked, best=tuple(best), worst=others)


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
