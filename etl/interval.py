"""A stretch of created_at that a read can prove.

The list is ordered by created_at, newest first, and batches without one come before all others. `NEWEST`
stands for "no created_at", so that one comparison orders everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RESOLUTION = timedelta(microseconds=1)  # of every time in the tables
NEWEST = datetime.max.replace(tzinfo=UTC)
OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """All batches created in `(after, upto]`.

    `after` None reaches down to the oldest batch; `upto` None up to the newest and those without a time.
    """

    after: datetime | None
    upto: datetime | None

    def __post_init__(self) -> None:
        if self.after is not None and self.upto is not None and self.after > self.upto:
            raise ValueError(f"an interval that ends before it starts: {self.after} > {self.upto}")

    def __contains__(self, place: datetime) -> bool:
        return (self.after is None or place > self.after) and (self.upto is None or place <= self.upto)

    def __and__(self, other: Interval) -> Interval | None:
        """What both have in common; None when that is nothing."""
        after = max((a for a in (self.after, other.after) if a is not None), default=None)
        upto = min((u for u in (self.upto, other.upto) if u is not None), default=None)
        if after is not None and upto is not None and after >= upto:
            return None
        return Interval(after=after, upto=upto)


EVERYTHING = Interval(after=None, upto=None)
