"""Days of a zone, as shifts that a database without zones can add: 2026-03-29 lasts 23 hours in Berlin.

Both databases are handed the same shifts, so that neither's own knowledge of zones matters. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from etl.interval import NEWEST, OLDEST

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_EDGE = timedelta(days=2)  # so near to year 1 or 9999, the day of a zone may not exist


@dataclass(frozen=True, slots=True)
class Shift:
    """Before `until` (None: from then on), a zone's clocks are so far ahead of UTC."""

    until: datetime | None
    ahead: timedelta


def derive_shifts(zone: tzinfo, first: datetime, last: datetime) -> tuple[Shift, ...]:
    """The shifts that hold from `first` to `last`, in order; outside the first and the last one go on."""
    lowest, highest = OLDEST + _EDGE, NEWEST - _EDGE
    first, last = (min(max(moment, lowest), highest) for moment in (first, last))
    changes = list(_changes(zone, first.replace(microsecond=0), last))
    ahead = [_ahead(zone, first), *(_ahead(zone, moment) for moment in changes)]
    return tuple(Shift(*pair) for pair in zip((*changes, None), ahead, strict=True))


def _changes(zone: tzinfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants, to the second, at which the clocks are put; no zone does so twice within a day."""
    moment = first
    while moment < last:
        following = moment + _DAY
        if _ahead(zone, moment) != _ahead(zone, following):
            yield _find_change(zone, moment, following)
        moment = following


def _find_change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """By halving; the clocks differ at the two ends."""
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _ahead(zone, middle) == _ahead(zone, before):
            before = middle
        else:
            after = middle
    return after


def _ahead(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
