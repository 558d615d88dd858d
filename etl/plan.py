"""Which reads a sync needs and what they cost in requests: a pure function of what is known.

The source has no "changed since", and a batch of any age can change. So a sync reads the head of the list,
what no proof covers yet, the batches that are alive (these change), those that were and are no longer listed
so, and a slice of what was proven longest ago, so that every batch is proven again within `max_age`. When a
walk over everything is not dearer, it is that.

The plan is data, so that it can be shown without being carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil

from etl.coverage import Covered, find_gaps
from etl.extract.lengths import lead_of, overlap_of
from etl.interval import NEWEST, RESOLUTION, Interval
from etl.model import RunMode

END_REQUESTS = 1  # the page that shows the end a second time


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A covered interval, and how many batches the table has in it."""

    covered: Covered
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows of an account before a sync."""

    account: str
    now: datetime
    rows: int  # at the source, as far as is known
    page_rows: int  # that one request brings
    live: Mapping[str, int]  # batches of each status that changes by itself: a list of its own at the source
    parts: Sequence[Part]  # newest first
    last_started_at: datetime | None = None  # of the run before
    full_since: datetime | None = None  # of a full sync that was cut off not long ago
    missing: int = 0  # batches that a run found gone which then failed: they may be back
    undated: int = 0  # batches without created_at, which a source may list anywhere
    whole_at: datetime | None = None  # when the last run began that read all of the list by itself
    max_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FullWalk:
    """Everything, from the newest to the oldest."""

    def __str__(self) -> str:
        return "walk the whole list, newest to oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What was created since the newest batch that is proven."""

    until: datetime | None

    def __str__(self) -> str:
        return f"read what was created since {_shown(self.until)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveBatches:
    """The batches that change by themselves, and then those that were such and are not listed so any more."""

    statuses: tuple[str, ...]

    def __str__(self) -> str:
        return f"read the batches that are {', '.join(self.statuses)}, then look up those that no longer are"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the list in its middle, or of one filtered by a status, from the interval's top down.

    `most_pages` None is all of it.
    """

    interval: Interval
    most_pages: int | None = None
    status: str | None = None

    def __str__(self) -> str:
        size = "" if self.most_pages is None else f", pages: {self.most_pages}"
        kind = "" if self.status is None else f" and is {self.status}"
        start, end = _shown(self.interval.after), _shown(self.interval.upto, "now")
        return f"read what was created from {start} until {end}{kind}{size}"


Step = FullWalk | Head | LiveBatches | Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sync of one account will read; `requests` is None where nothing is known that would tell."""

    account: str
    mode: RunMode
    steps: tuple[Step, ...]
    requests: int | None
    reason: str
    rows: int | None = None  # that it will show, where that is known
    full_since: datetime | None = None  # a full sync, or a backfill, counts proofs from then on
    window: str | None = None  # of a backfill, by name
    reached: Mapping[str, datetime] = field(default_factory=dict)  # per status, how far it was read before

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(str(step) for step in self.steps)


def plan_sync(known: Known, *, full: bool = False, doubtful: bool = False) -> Plan:
    """The cheapest reads that keep the promises.

    `full` proves everything anew; so does a `doubtful` clock, by which no proof would ever grow old.
    """
    if not known.parts:
        return _plan_full(known, "nothing is known of the list yet")
    if doubtful:
        return _plan_full(known, "an earlier run's clock was ahead of this one: no age can be told")
    if full or known.missing:
        if known.full_since is not None:
            return _plan_rest(known, known.full_since)
        gone = f"{known.missing:,} batches were gone in a run that failed: all is looked at again"
        return _plan_full(known, "asked for" if full else gone)
    gaps = find_gaps([part.covered for part in known.parts])
    was_cut_off = gaps[-1].after is None  # no walk has come to the end of the list yet
    if was_cut_off and known.full_since is not None:
        return _plan_rest(known, known.full_since)
    if known.undated and _is_whole_due(known):
        return _plan_full(known, f"{known.undated:,} batches without created_at are found by a walk over all")
    plan = _plan_incremental(known, gaps)
    if was_cut_off:
        return replace(plan, requests=None)  # how much there is below, nobody knows
    whole = cost_of_walk(known.rows, known.page_rows)
    if plan.requests is None or plan.requests >= whole:
        return _plan_full(
            known, f"{known.rows:,} batches are {whole} requests, reading parts would be no fewer"
        )
    return plan


def cost_of_walk(rows: int, page_rows: int) -> int:
    """Requests of a walk over so many rows while the list stands still."""
    return max(1, ceil((rows - page_rows) / _step(page_rows)) + 1) + END_REQUESTS


def cost_of_stretch(rows: int, page_rows: int) -> int:
    """Requests of a walk over so many rows in the middle of the list, where the table knows their place."""
    return 1 + ceil(max(0, lead_of(page_rows) + rows - page_rows) / _step(page_rows))


def _step(page_rows: int) -> int:
    """Rows by which each page of a walk goes on."""
    return max(1, page_rows - overlap_of(page_rows))


def _plan_full(known: Known, reason: str) -> Plan:
    return Plan(
        account=known.account,
        mode=RunMode.FULL,
        steps=(FullWalk(),),
        requests=cost_of_walk(known.rows, known.page_rows) if known.parts else None,
        rows=known.rows or None,
        reason=reason,
        full_since=known.now,
    )


def _plan_rest(known: Known, since: datetime) -> Plan:
    """Go on with a walk that was cut off: what it proved is not read again."""
    fresh = [part.covered for part in known.parts if part.covered.proven_at >= since]
    if not fresh:
        return _plan_full(known, "an earlier walk was cut off before it had proved anything")
    head, *rest = find_gaps(fresh)
    return Plan(
        account=known.account,
        mode=RunMode.FULL,
        steps=(Head(until=head.after), *(Stretch(interval=gap) for gap in rest)),
        requests=None,
        reason="an earlier walk was cut off: what it proved is not read again",
        full_since=since,
    )


def _plan_incremental(known: Known, gaps: Sequence[Interval]) -> Plan:
    head, *rest = gaps
    slices = plan_slices(known)
    live = LiveBatches(statuses=tuple(known.live))
    steps: list[Step] = [Head(until=head.after), *(Stretch(interval=gap) for gap in rest), live]
    per_status = (max(1, ceil(count / _step(known.page_rows))) for count in known.live.values())
    return Plan(
        account=known.account,
        mode=RunMode.INCREMENTAL,
        steps=(*steps, *(piece.stretch for piece in slices)),
        requests=1 + len(rest) + sum(per_status) + sum(piece.requests for piece in slices),
        reason=f"{known.rows:,} batches are known, the oldest proof is of {_shown(_oldest(known))}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part, or the top of it, that is to be proven again now."""

    stretch: Stretch
    requests: int


def plan_slices(known: Known) -> list[Slice]:
    """What is to be proven again now: nothing in the first half of `max_age`, all of it over the second."""
    due = [part for part in known.parts if part.covered.proven_at <= known.now - known.max_age / 2]
    left = ceil(sum(_pages_of(known, part) for part in due) * _share(known))
    slices: list[Slice] = []
    for part in sorted(due, key=lambda part: part.covered.proven_at):
        if left > 0:
            slices.append(_slice(known, part, left))
        left -= _pages_of(known, part)
    return slices


def _slice(known: Known, part: Part, most_pages: int) -> Slice:
    """The part, down to its very end if the pages that are left for it should do."""
    pages, interval = _pages_of(known, part), part.covered.interval
    if most_pages < pages:
        return Slice(stretch=Stretch(interval=interval, most_pages=most_pages), requests=most_pages)
    at_end = END_REQUESTS if interval.after is None else 0
    return Slice(stretch=Stretch(interval=interval), requests=pages + at_end)


def _is_whole_due(known: Known) -> bool:
    """Whether the next sync would read all of the list too late."""
    return known.whole_at is None or known.whole_at + known.max_age <= known.now + _between(known)


def _between(known: Known) -> timedelta:
    """From one sync to the next."""
    return known.now - known.last_started_at if known.last_started_at else known.max_age


def _share(known: Known) -> float:
    """The share of what is due that this sync takes, so that the last is done when its time has come."""
    between = _between(known)
    left = _oldest(known) + known.max_age - known.now - between
    return 1.0 if left <= between else between / left


def _pages_of(known: Known, part: Part) -> int:
    return cost_of_stretch(part.rows, known.page_rows)


def _oldest(known: Known) -> datetime:
    return min(part.covered.proven_at for part in known.parts)


def _shown(moment: datetime | None, otherwise: str = "the beginning") -> str:
    """The end of an interval as people say it: a window until midnight ends a moment before."""
    if moment is None or moment >= NEWEST - RESOLUTION:
        return otherwise
    return f"{moment + RESOLUTION:%Y-%m-%d %H:%M:%S}"
