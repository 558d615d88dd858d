"""The order of the list: created_at, newest first, those without one before all, and nothing else.

Kept sorted, so that a page costs its own length and a change a search, whatever the list's size. Batches
with one created_at have no order among themselves: each query shuffles them anew.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise

from etl.sandbox.batch import Batch

_NEWEST = datetime.max.replace(tzinfo=UTC)  # stands for "no created_at"


class Listing:
    """The ids of some batches in the list's order. Inside, oldest first: new ones are added at the end."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        ordered = sorted((_place(batch), batch.id) for batch in batches)
        self._places = [place for place, _ in ordered]
        self._ids = [id_ for _, id_ in ordered]

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return reversed(self._ids)

    def add(self, batch: Batch) -> None:
        at = self._find(batch)
        self._places.insert(at, _place(batch))
        self._ids.insert(at, batch.id)

    def remove(self, batch: Batch) -> None:
        at = self._find(batch)
        if at == len(self._ids) or self._ids[at] != batch.id:
            raise KeyError(batch.id)
        del self._places[at], self._ids[at]

    def pick(self, rng: random.Random) -> str:
        """Any one of them."""
        return self._ids[rng.randrange(len(self._ids))]

    def page(self, offset: int, limit: int, shuffle: Callable[[], random.Random]) -> list[str]:
        """`limit` ids from position `offset` on; ties, also those that its edges cut, shuffled.

        `shuffle` is asked for its generator only when there are ties.
        """
        stop = len(self._ids) - offset
        if stop <= 0 or limit <= 0:
            return []
        start = max(0, stop - limit)
        low = bisect_left(self._places, self._places[start])
        high = bisect_right(self._places, self._places[stop - 1], lo=stop - 1)
        ids = self._ids[low:high]
        if groups := _ties(self._places[low:high]):
            _shuffle(ids, groups, shuffle())
        ids.reverse()
        return ids[high - stop : high - start]

    def _find(self, batch: Batch) -> int:
        place = _place(batch)
        low = bisect_left(self._places, place)
        return bisect_left(self._ids, batch.id, low, bisect_right(self._places, place, lo=low))


def _place(batch: Batch) -> datetime:
    return _NEWEST if batch.created_at is None else batch.created_at


def _ties(places: list[datetime]) -> list[tuple[int, int]]:
    """From where to where equal neighbours reach."""
    groups: list[tuple[int, int]] = []
    for at, (one, next_) in enumerate(pairwise(places)):
        if one == next_:
            if groups and groups[-1][1] == at + 1:
                groups[-1] = (groups[-1][0], at + 2)
            else:
                groups.append((at, at + 2))
    return groups


def _shuffle(ids: list[str], groups: list[tuple[int, int]], rng: random.Random) -> None:
    for start, stop in groups:
        group = ids[start:stop]
        rng.shuffle(group)
        ids[start:stop] = group
