"""Axes: round numbers to mark on them, and where on the paper a value lies. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A stretch of values laid onto a stretch of paper; the marks are round and reach both ends."""

    marks: tuple[float, ...]
    start: float
    end: float

    def __call__(self, value: float) -> float:
        low, high = self.marks[0], self.marks[-1]
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def scale(low: float, high: float, *, start: float, end: float, most_marks: int = 5) -> Scale:
    """A scale with at most so many marks that holds both values; equal ones get room around them."""
    step = round_step((high - low) or abs(high) * 0.1 or 1.0, most_marks - 1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return Scale(marks=tuple(number * step for number in range(first, last + 1)), start=start, end=end)


def rate_scale(low: float, high: float, *, start: float, end: float) -> Scale:
    """A scale of shares, which never leaves 0 to 1."""
    found = scale(low, high, start=start, end=end)
    marks = tuple(mark for mark in found.marks if -1e-9 <= mark <= 1 + 1e-9)
    if len(marks) < 2:  # everything succeeded
        marks = (0.9, 0.95, 1.0)
    return Scale(marks=marks, start=start, end=end)


def round_step(span: float, steps: int) -> float:
    """The smallest round length of which at most so many cover the span."""
    rough = span / max(steps, 1)
    size = 10.0 ** math.floor(math.log10(rough))
    return next(each * size for each in _ROUND if each * size >= rough * (1 - 1e-9))


def thinned(count: int, most: int) -> range:
    """Which of so many places get a label, evenly, that at most `most` do; the last one always does."""
    step = max(math.ceil(count / max(most, 1)), 1)
    return range((count - 1) % step, count, step)
