"""All sums of a report, from one reading of the table: whatever is added up, is added up from these cells.

So the total, the statuses, the accounts and the days of one report cannot contradict each other. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

from etl.report.figures import Tally

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The campaigns of one account and status that were created on one day; None for those without a time."""

    account: str
    status: str
    day: date | None
    tally: Tally
    ranked: int = 0  # campaigns with calls enough to be ranked
    inconsistent: int = 0  # campaigns whose calls are more than their recipients, by the source's own count


@dataclass(frozen=True)
class Sums:
    """The cells, and what they come to by one of their sides, each added up once."""

    cells: tuple[Cell, ...]

    @cached_property
    def total(self) -> Tally:
        return sum((cell.tally for cell in self.cells), Tally())

    @cached_property
    def ranked(self) -> int:
        return sum(cell.ranked for cell in self.cells)

    @cached_property
    def inconsistent(self) -> int:
        return sum(cell.inconsistent for cell in self.cells)

    @cached_property
    def without_time(self) -> int:
        return sum(cell.tally.campaigns for cell in self.cells if cell.day is None)

    @cached_property
    def statuses(self) -> dict[str, Tally]:
        """The most frequent first."""
        return _most_frequent_first(self._by(lambda cell: cell.status))

    @cached_property
    def accounts(self) -> dict[str, Tally]:
        """Those with the most campaigns first."""
        return _most_frequent_first(self._by(lambda cell: cell.account))

    @cached_property
    def days(self) -> list[tuple[date, Tally]]:
        """Oldest first; days without campaigns are left out, and so are campaigns without a day."""
        return sorted((day, tally) for day, tally in self._by(lambda cell: cell.day).items() if day)

    def _by(self, side: Callable[[Cell], Key]) -> dict[Key, Tally]:
        sums: defaultdict[Key, list[Tally]] = defaultdict(list)
        for cell in self.cells:
            sums[side(cell)].append(cell.tally)
        return {key: sum(tallies, Tally()) for key, tallies in sums.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The first of some tallies, how many others there are, and what these come to."""

    shown: dict[str, Tally]
    others: int
    rest: Tally


def top(tallies: dict[str, Tally], most: int) -> Top:
    """So many of the tallies, and the others as one."""
    shown, others = list(tallies.items())[:most], list(tallies.values())[most:]
    return Top(shown=dict(shown), others=len(others), rest=sum(others, Tally()))


def _most_frequent_first(tallies: dict[str, Tally]) -> dict[str, Tally]:
    return dict(sorted(tallies.items(), key=lambda item: (-item[1].campaigns, item[0])))
