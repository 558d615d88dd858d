"""The truth of one account at the source: its batches, all that they ever were, and the list of them.

Truth to the vendor's list: newest first by created_at, those without one before all others, ties in an
order of their own at every query, `limit` clamped without a word, a filter by status, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from support.simulation.moments import Moments
from support.simulation.rows import ROW_FAULTS, Look, Values, raw_of, values_of

if TYPE_CHECKING:
    from support.simulation.habits import Habits

ABOVE_ALL = datetime.max.replace(tzinfo=UTC)


class State(NamedTuple):
    """What was true of a batch from that moment on."""

    since: int
    is_listed: bool
    values: Values | None  # None while the row cannot be loaded
    status: str
    set_aside: tuple[str | None, str | None] | None  # id and field of the quarantine's entry


@dataclass(eq=False, slots=True, kw_only=True)
class Batch:
    """One batch; `past` is its whole life, the present last."""

    id: str
    status: str = "draft"
    name: str | None = None
    total_recipients: int | None = 0
    completed_count: int | None = 0
    failed_count: int | None = 0
    created_at: datetime | None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    scheduled_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    is_listed: bool = True
    fault: str | None = None
    spelling: int = 0
    raw: bytes | None = None
    past: list[State] = field(default_factory=list)

    @property
    def place(self) -> datetime:
        return self.created_at or ABOVE_ALL

    @property
    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ROW}

    def states(self, since: int, until: int) -> list[State]:
        """What was true at some moment of the span; nothing before the batch came to be."""
        begins = [state.since for state in self.past[1:]]
        ends = [*begins, until + 1]
        return [
            state for state, end in zip(self.past, ends, strict=True) if end > since and state.since <= until
        ]

    def was_listed_throughout(self, since: int, until: int) -> bool:
        return self.past[0].since <= since and all(s.is_listed for s in self.states(since, until))

    def was_absent_throughout(self, since: int, until: int) -> bool:
        return not any(state.is_listed for state in self.states(since, until))


_ROW = (
    "id name status total_recipients completed_count failed_count created_at updated_at started_at"
    " completed_at scheduled_at"
).split()


class World:
    """One account's batches, by id, in the order in which they came to be."""

    def __init__(self, account: str, habits: Habits, rng: Random, moments: Moments) -> None:
        self.account = account
        self.habits = habits
        self.rng = rng
        self.moments = moments
        self.batches: dict[str, Batch] = {}
        self.cap = habits.cap
        self.look = Look(is_documented=habits.is_documented)
        self.revision = 0  # raised by whatever a reader could notice
        self.had_nameless = False
        self._order: list[Batch] | None = None

    # -- what is asked -----------------------------------------------------------------------------

    @property
    def listed(self) -> list[Batch]:
        return [batch for batch in self.batches.values() if batch.is_listed]

    def page(self, offset: int, limit: int, status: str | None) -> bytes:
        """One answer, of one instant."""
        rows = self._in_order()
        if status is not None:
            rows = [batch for batch in rows if batch.status == status]
        shown = rows[offset : offset + min(limit, self.cap)]
        return b'{"batches":[' + b",".join([self._raw(batch) for batch in shown]) + b"]}"

    def _in_order(self) -> list[Batch]:
        """`order by created_at desc` and nothing else."""
        if self._order is None:
            self._order = self.listed
        self.rng.shuffle(self._order)
        self._order.sort(key=_place, reverse=True)
        return self._order

    def _raw(self, batch: Batch) -> bytes:
        if batch.raw is None:
            batch.raw = raw_of(batch.row, batch.extra, self.look, batch.fault, batch.spelling)
        return batch.raw

    # -- what happens ------------------------------------------------------------------------------

    def now(self, *, earlier_seconds: float = 0.0) -> datetime:
        """The source's time, as coarse as it keeps it."""
        moment = self.moments.instant - timedelta(seconds=earlier_seconds)
        precision = max(self.habits.precision, 1000 if self.look.is_documented else 1)
        since = moment - _EPOCH
        return _EPOCH + since // timedelta(microseconds=precision) * timedelta(microseconds=precision)

    def add(self, **fields: Any) -> Batch:
        batch = Batch(id=f"{self.account}-{len(self.batches):04d}", **fields)
        self.batches[batch.id] = batch
        self.note(batch)
        return batch

    def note(self, *batches: Batch) -> None:
        """What is true of these batches has changed."""
        moment = self.moments.tick()
        self.revision += 1
        self._order = None
        for batch in batches:
            batch.raw = None
            batch.past.append(self._state(batch, moment))
            self.had_nameless |= batch.fault is not None and not ROW_FAULTS[batch.fault].has_id

    def _state(self, batch: Batch, moment: int) -> State:
        fault = ROW_FAULTS[batch.fault] if batch.fault is not None else None
        values = None
        if fault is None or fault.is_loaded:
            values = values_of(batch.row, batch.extra, self.look, batch.fault)
        aside = None if fault is None else (batch.id if fault.has_id else None, fault.field)
        return State(moment, batch.is_listed, values, batch.status, aside)


def _place(batch: Batch) -> datetime:
    return batch.place


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
