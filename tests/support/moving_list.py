"""A list that moves while it is walked, and a judge of what a walk says of it.

Everything follows from one seed: equal times come in a new order at every query, rows appear on top and
vanish anywhere, the server cuts its pages otherwise from one request to the next, an answer is empty for
no reason (never twice in a row), and pages are asked for before their turn, so that they are old when they
are used.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from etl.extract.ahead import Ahead, worthwhile
from etl.extract.page import Page
from etl.extract.walk import MOST_IDLE, Read, Walk
from etl.interval import NEWEST, Interval
from etl.proof import Proof, Row

from support.clocks import FakeClock
from support.pages import BEGIN, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a list is like. Chances are from 0 to 1; without any it stands still."""

    rows: int  # at the beginning
    tied: int = 1  # most rows that are created at one instant
    undated: float = 0.0  # chance that what is created at one instant has no created_at
    cap: int = 1000  # most rows that the server gives, whatever is asked for
    caps: tuple[int, ...] = (1000,)  # what the cap changes to
    clamp: float = 0.0  # chance that it changes before an answer
    in_turn: bool = False  # whether it changes to these one after the other, rather than to any of them
    moves: int = 0  # most moves before an answer; each may bring a row and take one
    insert: float = 0.0
    delete: float = 0.0
    false_empty: float = 0.0


class MovingList:
    """Answers reads as the source does, and remembers what it held at each."""

    def __init__(self, habits: Habits, random: Random) -> None:
        self.requests = 0
        self._habits = habits
        self._random = random
        self._cap = habits.cap
        self._second = self._made = 0
        self._was_false = False
        self._rows: dict[str, Row] = {}
        self._held: dict[datetime, tuple[Row, ...]] = {}
        while len(self._rows) < habits.rows:
            self._create(random.choice((1, 1, 1, random.randint(1, habits.tied))))
        self.stayed = dict(self._rows)  # the rows that were there all the time

    def answer(self, read: Read) -> Page:
        self.requests += 1
        self._move()
        observed_at = BEGIN + timedelta(microseconds=self.requests)
        self._held[observed_at] = tuple(self._rows.values())
        shown = tuple(self._query()[read.offset :][: min(read.limit, self._most())])
        return Page(
            offset=read.offset, limit=read.limit, length=len(shown), observed_at=observed_at, rows=shown
        )

    @property
    def listed(self) -> set[str]:
        """The ids of what is listed now."""
        return set(self._rows)

    def held_at(self, instant: datetime) -> tuple[Row, ...]:
        """All that was listed when the page of that instant was queried."""
        return self._held[instant]

    def _query(self) -> list[Row]:
        """`order by created_at desc` and nothing else: ties come as they like."""
        rows = list(self._rows.values())
        if self._habits.tied > 1 or self._habits.moves:
            self._random.shuffle(rows)
        return sorted(rows, key=place_of, reverse=True)

    def _most(self) -> int:
        """How many rows this answer may hold: the cap, or none, falsely."""
        if self._random.random() < self._habits.clamp:
            self._cap = self._next_cap()
        self._was_false = not self._was_false and self._random.random() < self._habits.false_empty
        return 0 if self._was_false else self._cap

    def _next_cap(self) -> int:
        caps = self._habits.caps
        if not self._habits.in_turn:
            return self._random.choice(caps)
        return caps[min(caps.index(self._cap) + 1, len(caps) - 1)] if self._cap in caps else caps[0]

    def _move(self) -> None:
        for _ in range(self._random.randint(1, self._habits.moves) if self._habits.moves else 0):
            if self._random.random() < self._habits.insert:
                self._create(1, joins_newest=self._random.random() < 0.2)
            if self._rows and self._random.random() < self._habits.delete:
                self._delete()

    def _create(self, count: int, *, joins_newest: bool = False) -> None:
        self._second += not joins_newest
        place = NEWEST if self._random.random() < self._habits.undated else at(self._second)
        for _ in range(count):
            self._made += 1
            self._rows[str(self._made)] = Row(b"", self._made, str(self._made), place)

    def _delete(self) -> None:
        """Any row, or the newest: the one that moves the most of the others."""
        is_newest = self._random.random() < 0.3
        gone = next(reversed(self._rows)) if is_newest else self._random.choice(list(self._rows))
        del self._rows[gone]
        self.stayed.pop(gone, None)


def place_of(row: Row) -> datetime:
    if row.place is None:
        raise ValueError("a row of a moving list has a place")
    return row.place


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What a walk came to, and every way in which it was wrong."""

    walk: Walk
    source: MovingList
    begin_above: datetime | None = None  # where a walk from the middle is to begin
    proven: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _proofs: int = 0
    _frontier: datetime | None = None

    def judge(self, proof: Proof) -> None:
        """Hold a proof against what the list held at the instant of its page, and against those before."""
        claimed = {row.id for row in proof.rows if row.id is not None}
        held = {row.id for row in self.source.held_at(proof.observed_at) if place_of(row) in proof.interval}
        if not claimed <= held or self.source.listed & held - claimed:
            self.faults.append(f"claims {sorted(claimed)} where the list held {sorted(map(str, held))}")
        if claimed & self.proven:
            self.faults.append(f"yields {sorted(claimed & self.proven)} twice")
        if not self._joins(proof.interval):
            self.faults.append(f"leaves a gap between {self._frontier} and {proof.interval.upto}")
        self._frontier = proof.interval.after
        self.proven |= claimed
        self._proofs += 1

    def _joins(self, interval: Interval) -> bool:
        """Whether a proof begins where the one before ended, and the first one where it is to."""
        if self._proofs or self.begin_above is None:
            return interval.upto == self._frontier
        return interval.upto is None or interval.upto >= self.begin_above

    def judge_length(self) -> bool:
        """Whether the walk is still within what it may cost, whatever the list does."""
        is_endless = self.walk.pages > (self._proofs + 1) * (MOST_IDLE + self._proofs + 1)
        if is_endless:
            self.faults.append(f"does not end: {self.walk.pages} pages for {self._proofs} proofs")
        return not is_endless

    def judge_end(self) -> None:
        due = {name for name, row in self.source.stayed.items() if self._is_due(place_of(row))}
        if self.walk.complete and (missed := due - self.proven):
            self.faults.append(f"says that it is complete and misses {sorted(missed)}")

    def _is_due(self, place: datetime) -> bool:
        is_below_the_top = self.begin_above is None or place <= self.begin_above
        return is_below_the_top and (self.walk.until is None or place >= self.walk.until)


def judge_walk(
    walk: Walk,
    source: MovingList,
    random: Random,
    *,
    most_ahead: int = 0,
    begin_above: datetime | None = None,
) -> Verdict:
    """Walk the list to the end; up to `most_ahead` pages are fetched before they are asked for."""
    verdict = Verdict(walk=walk, source=source, begin_above=begin_above)
    ahead = _AheadAtOnce(source.answer, FakeClock())
    while (read := walk.read) is not None and verdict.judge_length():
        early = None if walk.nears_end else ahead.take(read, walk)
        page = (early or ahead.start(read)).result()
        # The source may have seen them in any order and some not yet, so some are asked for later.
        for guess in worthwhile(walk, most_ahead, len(source.stayed), wrong_at=ahead.wrong_at):
            if random.random() < 0.8:
                ahead.start_once(guess)
        proof = walk.receive(page)
        if proof is not None:
            verdict.judge(proof)
    verdict.judge_end()
    return verdict


class _AheadAtOnce(Ahead):
    """As the program does it, but in one thread: a seed gives the same walk again."""

    def start(self, read: Read) -> Future[Page]:
        future: Future[Page] = Future()
        future.set_result(self._fetch(read))
        return future
