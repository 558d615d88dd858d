"""The batches that are there when the sandbox starts: spread over months, with ties and gaps as asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from etl.sandbox.batch import Batch
from etl.sandbox.invention import Inventor
from etl.sandbox.options import SandboxOptions

_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
}
_RUNS_SHOWN = 3  # of a series' past; the older ones are only counted


def populate(options: SandboxOptions, inventor: Inventor, until: datetime) -> Iterator[Batch]:
    """All batches of one account, and the latest runs of its series."""
    for number, created_at in enumerate(_instants(options, inventor, until)):
        batch = inventor.past(created_at, until)
        if number < options.null_created_at:
            batch = replace(batch, created_at=None)
        elif number < options.null_created_at + options.null_counts:
            batch = replace(batch, total_recipients=None, completed_count=None, failed_count=None)
        if batch.is_series:
            batch, runs = _series_with_runs(batch, inventor, created_at, until)
            yield from runs
        yield batch


def _instants(options: SandboxOptions, inventor: Inventor, until: datetime) -> list[datetime]:
    """When the batches were created, oldest first; equal only where ties are asked for."""
    since = until - timedelta(days=options.span_days)
    different: set[datetime] = set()
    while len(different) < options.batches - options.tied + options.groups:
        different.add(inventor.instant(since, until))
    ordered = sorted(different)
    tied = inventor.sample(ordered[options.null_created_at :], options.groups)
    return sorted(ordered + tied * (options.tie_size - 1))


def _series_with_runs(
    series: Batch, inventor: Inventor, created_at: datetime, until: datetime
) -> tuple[Batch, list[Batch]]:
    period = _PERIODS[series.recurrence_type or "daily"] * (series.recurrence_interval or 1)
    count = min((until - created_at) // period, series.recurrence_max_runs or 1_000)
    runs = [
        inventor.past_run(series, number, created_at + number * period, until)
        for number in range(max(1, count - _RUNS_SHOWN + 1), count + 1)
    ]
    return replace(series, recurrence_run_count=count), runs
