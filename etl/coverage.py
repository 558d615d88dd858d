"""Which intervals of created_at were proven when: the answer to "how stale can any number be?". Pure.

The intervals of an account never overlap: a newer proof replaces what it covers of older ones. None of them
reaches above the newest batch that its read saw, since nothing is known of what is created later; what
lies between them is a gap, and the next sync reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from etl.interval import EVERYTHING, NEWEST, OLDEST, RESOLUTION, Interval
from etl.proof import Proof

# Neighbours whose proofs are no further apart are kept as one, as old as the older: a head walk every few
# minutes would otherwise leave a strip each.
GRAIN = timedelta(minutes=15)


class Covered(NamedTuple):
    """An interval, and when every batch in it was last read with proof."""

    interval: Interval
    proven_at: datetime


def add_closed(older: list[Covered], proof: Proof, *, since: datetime, only: Interval) -> list[Covered]:
    """The coverage with a new proof in it, as far as that is of `only`.

    One that is open at its top is closed at the newest created_at that its page shows, or at what was
    covered before: nobody knows what is created above.
    """
    closed = close_top(proof.interval, older, proof.newest)
    loaded = closed & only if closed is not None else None
    return older if loaded is None else add_proof(older, Covered(loaded, proof.observed_at), since=since)


def close_top(interval: Interval, older: Sequence[Covered], newest: datetime | None) -> Interval | None:
    """The interval with an upper end; None when it is empty then."""
    if interval.upto is not None and interval.upto < NEWEST - RESOLUTION:
        return interval
    tops = [covered.interval.upto for covered in older] + [newest]
    highest = max((top for top in tops if top is not None), default=None)
    if highest is None or (interval.after is not None and highest <= interval.after):
        return None
    return Interval(after=interval.after, upto=highest)


def uncovered(interval: Interval, coverage: Iterable[Covered]) -> list[Interval]:
    """The parts of the interval that no proof covers, newest first."""
    rest = [interval]
    for covered in coverage:
        rest = [part for piece in rest for part in _outside(piece, covered.interval)]
    return sorted(rest, key=_top, reverse=True)


def add_proof(older: Iterable[Covered], proven: Covered, *, since: datetime) -> list[Covered]:
    """The coverage with a new proof in it, newest interval first."""
    kept = (Covered(rest, old.proven_at) for old in older for rest in _outside(old.interval, proven.interval))
    merged: list[Covered] = []
    for covered in in_order([*kept, proven]):
        if merged and _are_one(merged[-1], covered, since):
            covered = _join(merged.pop(), covered)
        merged.append(covered)
    return merged


def proven_since(coverage: Sequence[Covered]) -> datetime | None:
    """Since when every part, up to the newest that is known, has been read; None while one has not."""
    if len(find_gaps(coverage)) > 1 or not coverage:
        return None
    return min(covered.proven_at for covered in coverage)


def find_gaps(coverage: Sequence[Covered]) -> list[Interval]:
    """What no proof covers, newest first; the first gap is always the one above all that is known."""
    if not coverage:
        return [EVERYTHING]
    intervals = [covered.interval for covered in coverage]
    gaps = [Interval(after=intervals[0].upto, upto=None)]
    gaps += [
        Interval(after=lower.upto, upto=upper.after)
        for upper, lower in pairwise(intervals)
        if upper.after != lower.upto
    ]
    if intervals[-1].after is not None:
        gaps.append(Interval(after=None, upto=intervals[-1].after))
    return gaps


def in_order(coverage: Iterable[Covered]) -> list[Covered]:
    """Newest first."""
    return sorted(coverage, key=lambda covered: _top(covered.interval), reverse=True)


def _outside(whole: Interval, cut: Interval) -> Iterator[Interval]:
    """The parts of `whole` above and below `cut`."""
    if cut.upto is not None and _top(whole) > cut.upto:
        yield Interval(after=max(cut.upto, _bottom(whole)), upto=whole.upto)
    if cut.after is not None and _bottom(whole) < cut.after:
        yield Interval(after=whole.after, upto=min(cut.after, _top(whole)))


def _are_one(upper: Covered, lower: Covered, since: datetime) -> bool:
    touch = upper.interval.after is not None and upper.interval.after == lower.interval.upto
    same_run = (upper.proven_at < since) == (lower.proven_at < since)
    return touch and same_run and abs(upper.proven_at - lower.proven_at) <= GRAIN


def _join(upper: Covered, lower: Covered) -> Covered:
    interval = Interval(after=lower.interval.after, upto=upper.interval.upto)
    return Covered(interval, min(upper.proven_at, lower.proven_at))


def _top(interval: Interval) -> datetime:
    return interval.upto if interval.upto is not None else NEWEST


def _bottom(interval: Interval) -> datetime:
    return interval.after if interval.after is not None else OLDEST
