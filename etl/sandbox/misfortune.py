"""When faults befall answers: at a request's number, for the next ones, by a script, or by chance."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence

from etl.sandbox.faults import KINDS, QUICK_KINDS, Fault
from etl.sandbox.messages import Request

Script = Callable[[int, Request], "Fault | str | None"]


class Misfortune:
    """Names for faults are those of `etl.sandbox.faults.KINDS`. What is planned comes before chance."""

    def __init__(self, *, seed: str = "", rate: float = 0.0, kinds: Sequence[str] = QUICK_KINDS) -> None:
        self.rate = rate  # share of the answers; may be changed at any time
        self.kinds = kinds
        self.script: Script | None = None  # asked with a request's number before each answer
        self._seed = seed
        self._at: dict[int, Fault] = {}
        self._next: deque[Fault] = deque()

    def at(self, number: int, *faults: Fault | str) -> None:
        """Let these befall the request of that number (from 1) and those that follow it, one each."""
        self._at.update({number + after: _fault(fault) for after, fault in enumerate(faults)})

    def next(self, *faults: Fault | str) -> None:
        """Let these befall the next requests, one each."""
        self._next.extend(_fault(fault) for fault in faults)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.rate, self.script = 0.0, None
        self._at.clear()
        self._next.clear()

    def pick(self, number: int, request: Request) -> Fault | None:
        """What befalls this request. Chance depends on its number alone, so that a seed repeats."""
        if (planned := self._at.pop(number, None)) is not None:
            return planned
        if self._next:
            return self._next.popleft()
        if self.script is not None and (scripted := self.script(number, request)) is not None:
            return _fault(scripted)
        return self._draw(number) if self.rate else None

    def _draw(self, number: int) -> Fault | None:
        rng = random.Random(f"{self._seed}/{number}")
        return KINDS[rng.choice(self.kinds)] if self.kinds and rng.random() < self.rate else None


def _fault(fault: Fault | str) -> Fault:
    if not isinstance(fault, str):
        return fault
    if fault not in KINDS:
        raise ValueError(f"fault is {fault!r}: expected one of {', '.join(sorted(KINDS))}")
    return KINDS[fault]
