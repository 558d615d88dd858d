"""How long to wait until an account's next turn, where the service may choose. Pure.

While batches run their counts grow, so the turns come as close as they may. When nothing has changed they
move apart, twice as far each time. Whatever is wished for, the turns of an hour cost no more requests than
the hour's quota has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from etl.service.timing import Every

# Of the hour's quota, so much is planned for; the rest is for retries, and for the day's slices of history.
_PLANNED_SHARE = 0.8
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What is known of an account when one of its turns has ended."""

    running: int  # batches that call at this moment, by the table
    changed: bool  # whether the turn found anything new, changed or gone
    recent_requests: tuple[int, ...]  # of the last turns, in any order
    hourly_requests: int  # that the quota allows


def next_wait(every: Every, before: timedelta, activity: Activity) -> timedelta:
    """The wait until the next turn; `before` is the one that was chosen last."""
    return max(_wished(every, before, activity), _affordable(activity))


def _wished(every: Every, before: timedelta, activity: Activity) -> timedelta:
    if activity.running or activity.changed:
        return every.least
    return min(max(before, every.least) * 2, every.most)


def _affordable(activity: Activity) -> timedelta:
    """The wait at which the turns of an hour cost what is planned for; one that cost much is no rule."""
    if not activity.recent_requests:
        return timedelta()
    return _HOUR * (median(activity.recent_requests) / (activity.hourly_requests * _PLANNED_SHARE))
