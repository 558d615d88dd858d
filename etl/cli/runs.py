"""Runs as a table for people, as JSON for programs, and as an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from etl.model import RunSummary
from etl.report.columns import Whole
from etl.report.safe_text import harmless

# Counts that are nothing in a usual run have a column only where one of the runs has some.
_COUNTS = (
    ("requests", "requests", True),
    ("rows_seen", "rows", True),
    ("inserted", "new", True),
    ("updated", "changed", True),
    ("unchanged", "same", True),
    ("deleted", "gone", False),
    ("revived", "back", False),
    ("quarantined", "set aside", False),
)
_STYLES = {"succeeded": "green", "incomplete": "yellow"}


def render_runs(runs: Sequence[RunSummary]) -> Whole:
    """One row per run."""
    counts = [
        (name, title) for name, title, always in _COUNTS if always or any(getattr(run, name) for run in runs)
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("account", overflow="fold")
    for title in ("mode", "result"):
        table.add_column(title, no_wrap=True)
    for title in (*(title for _, title in counts), "time"):
        table.add_column(title, justify="right", no_wrap=True)
    for run in runs:
        numbers = (f"{getattr(run, name):,}" for name, _ in counts)
        result = Text(run.status, style=_STYLES.get(run.status, "red"))
        table.add_row(Text(run.account), Text(run.mode), result, *numbers, f"{run.seconds:.1f} s")
    return Whole(table)


def render_remarks(runs: Iterable[RunSummary], drift: Mapping[str, Sequence[str]]) -> list[Text]:
    """What is to be known beside the numbers of a run, a line each."""
    return [Text(harmless(line), style="yellow") for run in runs for line in _remarks(run, drift)]


def _remarks(run: RunSummary, drift: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if run.quarantined:
        aside = "row was" if run.quarantined == 1 else "rows were"
        yield f"{run.account}: {run.quarantined} {aside} set aside; see `magpipe-etl quarantine list`"
    if new := drift.get(run.account):
        yield f"{run.account}: the source shows what this version does not know: {', '.join(new)}"
