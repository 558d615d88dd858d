"""The progress of the runs as bars on stderr, one an account."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from etl.cli.output import console
from etl.model import RunSummary

_WIDTH_WITH_BARS = 80  # in a narrower terminal the counts alone have room


class Bars:
    """Implements `etl.progress.Progress`; the accounts' threads call it side by side."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def page(self, *, account: str, rows: int, pages: int, requests: int, expected_rows: int | None) -> None:
        total = max(rows, expected_rows) if expected_rows else None
        counts = f"requests {requests:,}  rows {rows:,}  pages {pages:,}"
        self._progress.update(self._task(account), completed=rows, total=total, counts=counts)

    def finished(self, summary: RunSummary) -> None:
        rows = summary.rows_seen
        self._progress.update(self._task(summary.account), completed=rows, total=max(rows, 1))

    def _task(self, account: str) -> TaskID:
        with self._lock:
            if account not in self._tasks:
                self._tasks[account] = self._progress.add_task(account, total=None, counts="")
            return self._tasks[account]


@contextmanager
def shown_progress() -> Iterator[Bars]:
    """Bars that are drawn while the block lasts, and wiped off at its end: the result says it all."""
    out = console(sys.stderr)
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), TextColumn("{task.fields[counts]}")]
    if out.width >= _WIDTH_WITH_BARS:
        columns[1:1] = [BarColumn(bar_width=24)]
        columns += [TimeElapsedColumn(), TimeRemainingColumn(compact=True)]
    with Progress(*columns, console=out, transient=True, redirect_stdout=False) as progress:
        yield Bars(progress)
