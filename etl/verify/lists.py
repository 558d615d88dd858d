"""The source held against itself: every batch of the whole list is to be in the list of its status.

The lists are read one after the other and the source goes on meanwhile, so a batch may be in none or in two
of them. Whoever is so is a dispute, to be looked up again; then it is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from etl.interval import NEWEST
from etl.proof import Row
from etl.verify.verdict import Count, Difference, Kind

Identity = str | int  # as of `Row.identity`


class Walked(msgspec.Struct, frozen=True):
    """A batch as the walk over the whole list showed it; `status` None where it cannot be read."""

    status: str | None
    place: datetime | None


class _Head(msgspec.Struct):
    status: str


_decode_head = msgspec.json.Decoder(_Head).decode


def status_of(row: Row) -> str | None:
    try:
        return _decode_head(row.raw).status
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A batch that the whole list shows in one status, None for not at all, and the lists otherwise."""

    identity: Identity
    place: datetime | None
    walked: str | None
    listed: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether it was seen in two statuses, so that there is nothing to look up."""
        return self.walked is not None and any(status != self.walked for status in self.listed)


@dataclass(slots=True)
class Sightings:
    """Who was seen where."""

    walked: dict[Identity, Walked] = field(default_factory=dict)
    lists: dict[str, set[Identity]] = field(default_factory=dict)
    elsewhere: dict[Identity, datetime | None] = field(default_factory=dict)  # in a list and not in the whole
    strangers: dict[Identity, str] = field(default_factory=dict)  # in the list of a status that is not theirs

    def note_walked(self, row: Row) -> None:
        self.walked[row.identity] = Walked(status_of(row), row.place)

    def note_listed(self, row: Row, status: str) -> None:
        self.lists[status].add(row.identity)
        if row.identity not in self.walked:
            self.elsewhere[row.identity] = row.place
        if status_of(row) not in (status, None):
            self.strangers[row.identity] = status

    @property
    def statuses(self) -> set[str]:
        """Those that the walk showed."""
        return {seen.status for seen in self.walked.values() if seen.status is not None}

    def count_walked(self, status: str | None) -> int:
        return sum(seen.status == status for seen in self.walked.values())

    def count_newer(self, place: datetime, status: str | None = None) -> int:
        """How many batches stand above a place, in the whole list or in that of a status."""
        return sum(
            seen.place is not None and seen.place > place and (status is None or seen.status == status)
            for seen in self.walked.values()
        )

    def is_new(self, place: datetime | None) -> bool:
        """Whether nothing in the walk is newer, as far as times tell."""
        if place is None or place == NEWEST:
            return True
        times = (seen.place for seen in self.walked.values() if seen.place not in (None, NEWEST))
        return place >= max(times, default=place)

    def find_disputes(self) -> Iterator[Dispute]:
        for identity, seen in self.walked.items():
            listed = tuple(status for status, members in self.lists.items() if identity in members)
            if seen.status is not None and listed != (seen.status,):
                yield Dispute(identity=identity, place=seen.place, walked=seen.status, listed=listed)
        for identity, place in self.elsewhere.items():
            listed = tuple(status for status, members in self.lists.items() if identity in members)
            yield Dispute(identity=identity, place=place, walked=None, listed=listed)

    def count(self, table: dict[str, str]) -> list[Count]:
        """The three counts of each status, the lists' order first, and of what has no readable status."""
        kept = Counter(table.values())
        unreadable = [None] if self.count_walked(None) else []
        statuses = [*dict.fromkeys([*self.lists, *sorted(kept)]), *unreadable]
        return [
            Count(
                status=status,
                listed=len(self.lists.get(status, ())) if status is not None else 0,
                walked=self.count_walked(status),
                table=kept[status] if status is not None else 0,
            )
            for status in statuses
        ]


def judge(dispute: Dispute, *, again: str | None, listed_again: bool, is_new: bool) -> Difference:
    """Decide by another look: its status in the whole list then, whether that status's list has it.

    `is_new`: no batch of the walk is newer.
    """
    if dispute.is_settled:
        others = ", ".join(status for status in dispute.listed if status != dispute.walked)
        return _moved(dispute, f"{dispute.walked} in one read and {others} in another")
    if again is None:
        return _moved(dispute, "gone from the source")
    if dispute.walked is None:
        return _moved(dispute, "created") if is_new else _unexplained(dispute, "the whole list lacked it")
    if again != dispute.walked:
        return _moved(dispute, f"{dispute.walked} at first and {again} later")
    if listed_again:
        return _moved(dispute, f"not {dispute.walked} for a moment")
    return _unexplained(dispute, f"it is {again}, and the list of that status lacks it")


def judge_stranger(identity: Identity, status: str) -> Difference:
    what = f"in the list of those that are {status}, and says otherwise of itself"
    return Difference(id=_id(identity), kind=Kind.UNEXPLAINED, what=what, explained=False)


def _moved(dispute: Dispute, how: str) -> Difference:
    what = f"{how}: it changed while it was verified"
    return Difference(id=_id(dispute.identity), kind=Kind.MOVED, what=what, explained=True)


def _unexplained(dispute: Dispute, what: str) -> Difference:
    return Difference(
        id=_id(dispute.identity), kind=Kind.UNEXPLAINED, what=f"the source: {what}", explained=False
    )


def _id(identity: Identity) -> str | None:
    return identity if isinstance(identity, str) else None
