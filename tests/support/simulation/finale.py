"""When faults have stopped and the world stands still, the tables are the truth, exactly."""

from __future__ import annotations

from collections import Counter
from typing import Any

from etl.model import RunSummary

from support.simulation.judge import Judge, Wrong
from support.simulation.rows import ROW_FAULTS
from support.simulation.tables import Aside, Look, read_set_aside

_WRITES = ("inserted", "updated", "deleted", "revived")


def check_settled(judge: Judge, look: Look) -> None:
    """Every row, every set-aside row, and nobody at work."""
    _check_rows(judge)
    _check_set_aside(judge, look)
    running = [run for run in judge.books.runs if run.status == "running"]
    if running or judge.books.missing:
        raise Wrong(f"still running: {running}; still noted as missing: {sorted(judge.books.missing)}")


def check_nothing_written(summary: RunSummary, before: list[Any], after: list[Any]) -> None:
    """A sync of what has not changed writes no row."""
    if any(getattr(summary, name) for name in _WRITES) or before != after:
        changed = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
        raise Wrong(f"nothing changed, and still: {summary}, {changed[:3]}")


def _check_rows(judge: Judge) -> None:
    alive = {of_id for of_id, stored in judge.books.batches.items() if stored.is_alive}
    for batch in judge.world.batches.values():
        truth = batch.past[-1]
        if batch.is_listed and truth.values is not None:
            stored = judge.books.batches.get(batch.id)
            if batch.id not in alive or stored is None or stored.values != truth.values:
                raise Wrong(f"all is calm, and the table has {stored} for {truth}; {batch.past}")
        elif not batch.is_listed and batch.id in alive:
            raise Wrong(f"all is calm, and {batch.id} is not marked deleted: {batch.past}")


def _check_set_aside(judge: Judge, look: Look) -> None:
    expected = Counter(
        Aside(*batch.past[-1].set_aside, ROW_FAULTS[batch.fault].is_loaded)
        for batch in judge.world.listed
        if batch.fault is not None and batch.past[-1].set_aside is not None
    )
    found = Counter(read_set_aside(look, judge.world.account))
    if found != expected:
        raise Wrong(f"open in the quarantine: {found - expected}, and should be: {expected - found}")
