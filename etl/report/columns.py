"""Columns that a narrow terminal must not cut: a number without its last digits is another number."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

_LEAST_OF_A_NAME = 12  # what goes on below leaves it recognisable


class Whole:
    """A filled table without edges, as wide as its figures at least; columns that may wrap give way first.

    A column in which nothing stands is left out: it would take room from the others.
    """

    def __init__(self, table: Table) -> None:
        table.columns = [column for column in table.columns if _widest(column)]
        for column in table.columns:
            widest = _widest(column)
            column.min_width = widest if column.no_wrap else min(widest, _LEAST_OF_A_NAME)
        self._table = table

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        yield self._table

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Not by its longest words, as a table is measured: a name without a blank may be broken."""
        _, right, _, left = self._table.padding
        columns = self._table.columns
        least = sum(column.min_width or 0 for column in columns) + (left + right) * max(len(columns) - 1, 0)
        return Measurement(least, max(least, Measurement.get(console, options, self._table).maximum))


def _widest(column: Column) -> int:
    cells = (column.header, *column.cells)
    return max(cell_len(cell.plain if isinstance(cell, Text) else str(cell)) for cell in cells)
