"""What happened lately, by the history: what is new, what moved, what was called meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """So many times a campaign was seen to go from one status to another."""

    before: str
    after: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of one campaign that a reader would tell another of."""

    observed_at: datetime
    account: str
    id: str
    name: str | None
    change: str  # inserted, updated, deleted or revived
    before: str | None  # its status
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was observed since an instant; a change that nobody looked at in between is not known of."""

    since: datetime
    created: int = 0  # first seen since, and created since
    loaded: int = 0  # first seen since, though older: a first sync, say
    gone: int = 0
    returned: int = 0
    run_again: int = 0
    completed: int = 0  # calls that succeeded meanwhile
    failed: int = 0
    moves: tuple[Move, ...] = ()
    events: tuple[Event, ...] = field(default=())
    events_left_out: int = 0

    @property
    def attempted(self) -> int:
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        return self.completed / self.attempted if self.attempted > 0 else None

    @property
    def nothing(self) -> bool:
        counts = (self.created, self.loaded, self.gone, self.returned, self.run_again, self.attempted)
        return not any(counts) and not self.moves


def most_frequent(moves: Sequence[Move], most: int) -> tuple[Move, ...]:
    """The moves that happened most often; of equals, by name."""
    ordered = sorted(moves, key=lambda move: (-move.times, move.before, move.after))
    return tuple(ordered[:most])
