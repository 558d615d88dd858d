"""What a table has to hold, worked out from the sandbox's truth by rules of its own.

Nothing of the program's reading or deriving is used here: two ways to the same value, or a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, time
from typing import Any

from etl.sandbox import Batch, Shape

Row = Mapping[str, Any]

_NAMES = tuple(field.name for field in fields(Batch) if field.name != "extra")
_COUNTS = ("completed_count", "failed_count", "total_recipients")
_DOCUMENTED = {"id", "name", "status", *_COUNTS, "created_at", "completed_at", "scheduled_at"}
_MOST_TOLD = 5


def expected_row(batch: Batch, shape: Shape = Shape.OBSERVED) -> dict[str, Any]:
    """The batch's columns as the table should have them, `extra` and what is derived among them."""
    values = {name: _value(name, getattr(batch, name), shape) for name in _NAMES}
    return {**values, **_derived(values), "extra": dict(batch.extra) or None}


def expected_rows(batches: Iterable[Batch], shape: Shape = Shape.OBSERVED) -> dict[str, dict[str, Any]]:
    return {batch.id: expected_row(batch, shape) for batch in batches}


def differences(found: Mapping[str, Row], expected: Mapping[str, Row]) -> list[str]:
    """How the rows differ, in a few sentences; none when they are the same, value by value."""
    told = [f"{id_} is missing" for id_ in expected.keys() - found.keys()]
    told += [f"{id_} should not be there" for id_ in found.keys() - expected.keys()]
    for id_ in expected.keys() & found.keys():
        if any(found[id_][name] != value for name, value in expected[id_].items()):
            told += _differing_fields(id_, found[id_], expected[id_])
    return told[:_MOST_TOLD]


def _differing_fields(id_: str, found: Row, expected: Row) -> list[str]:
    return [
        f"{id_}: {name} is {found[name]!r:.80}, expected {value!r:.80}"
        for name, value in expected.items()
        if found[name] != value
    ]


def _value(name: str, value: object, shape: Shape) -> object:
    if shape is Shape.DOCUMENTED and name not in _DOCUMENTED:
        return None
    if isinstance(value, datetime):
        whole = value.microsecond // 1000 * 1000 if shape is Shape.DOCUMENTED else value.microsecond
        return value.astimezone(UTC).replace(microsecond=whole)
    if name.startswith("window_") and isinstance(value, str):
        return time.fromisoformat(value)
    return list(value) if isinstance(value, tuple) else value


def _derived(row: Row) -> dict[str, Any]:
    completed, failed, total = (row[name] for name in _COUNTS)
    counted = completed is not None and failed is not None
    attempted = completed + failed if counted and min(completed, failed) >= 0 else None
    known = counted and total is not None
    start, end = row["started_at"], row["completed_at"]
    return {
        "success_rate": completed / attempted if attempted else None,
        "failure_rate": failed / attempted if attempted else None,
        "completion_rate": attempted / total if attempted is not None and total else None,
        "counts_consistent": attempted is not None and attempted <= total if known else None,
        "duration_seconds": (end - start).total_seconds() if start and end and end >= start else None,
    }
