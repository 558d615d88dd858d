"""Columns that a narrow terminal must not cut: a number without its last digits is another number."""

from __future__ import annotations

from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

_LEAST_OF_A_NAME = 12  # what is cut of a name, or goes on below, leaves it recognisable


def keep_whole(table: Table) -> Table:
    """The filled table, as wide as its figures at least; the columns that may wrap give way first.

    A column in which nothing stands is left out: it would take room from the others.
    """
    table.columns = [column for column in table.columns if _widest(column)]
    for column in table.columns:
        widest = _widest(column)
        column.min_width = widest if column.no_wrap else min(widest, _LEAST_OF_A_NAME)
    return table


def _widest(column: Column) -> int:
    cells = (column.header, *column.cells)
    return max(cell_len(cell.plain if isinstance(cell, Text) else str(cell)) for cell in cells)
