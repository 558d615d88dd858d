"""Rows as the source sends them, and what a table has to hold of them, each worked out by itself.

Nothing of the program's reading is used here: two ways to the same value, or a difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Values = tuple[Any, ...]
JsonRow = dict[str, Any]

# The columns that vary here, in the order in which the judge reads them.
COLUMNS = (
    "status name total_recipients completed_count failed_count created_at updated_at started_at completed_at"
    " scheduled_at extra"
).split()
TIMES = ("created_at", "updated_at", "started_at", "completed_at", "scheduled_at")
DOCUMENTED = (
    "id name status total_recipients completed_count failed_count created_at completed_at scheduled_at"
).split()
OPTIONAL = ("name", "updated_at", "scheduled_at", "completed_count")  # columns that may come and go
_CONSTANT = {
    "user_id": "11111111-1111-4111-8111-111111111111",
    "caller_id": "+14155550100",
    "agent_id": None,
    "send_now": True,
    "window_start_time": "09:00:00",
    "window_end_time": "17:00:00",
    "window_days": [1, 2, 3, 4, 5],
    "max_concurrency": 3,
    "reserved_concurrency": 5,
    "template_id": None,
    "purpose": None,
    "goal": "Confirm, reschedule or cancel — «goal»\u2028",
    "recurrence_type": "none",
    "recurrence_interval": 1,
    "recurrence_end_date": None,
    "recurrence_max_runs": None,
    "recurrence_run_count": 0,
    "parent_batch_id": None,
    "occurrence_number": None,
}


@dataclass
class Look:
    """How the source shows its rows at present: `select *` follows the table's columns."""

    is_documented: bool
    dropped: set[str] = field(default_factory=set)
    added: dict[str, Any] = field(default_factory=dict)


class RowFault(NamedTuple):
    """A way in which a row is wrong: what becomes of it, and what of it can be told."""

    spoil: Callable[[JsonRow], JsonRow | str]
    field: str | None  # that is named as the fault
    has_id: bool = True
    is_loaded: bool = False  # without that field


def _with(**fields: Any) -> Callable[[JsonRow], JsonRow]:
    return lambda row: {**row, **fields}


def _without_id(row: JsonRow) -> JsonRow:
    return {name: value for name, value in row.items() if name != "id"}


def _no_object(row: JsonRow) -> str:
    return f"gone: {row['id']}"


ROW_FAULTS: Mapping[str, RowFault] = {
    "status is a number": RowFault(_with(status=7), "status"),
    "status is half a character": RowFault(_with(status="\ud800"), "status"),
    "count is text": RowFault(_with(completed_count="many"), "completed_count"),
    "count is huge": RowFault(_with(total_recipients=2**70), "total_recipients"),
    "count is NaN": RowFault(_with(failed_count=float("nan")), "failed_count"),
    "created_at is text": RowFault(_with(created_at="yesterday"), "created_at"),
    "created_at is infinity": RowFault(_with(created_at="infinity"), "created_at"),
    "created_at is a number": RowFault(_with(created_at=17), "created_at"),
    "id is missing": RowFault(_without_id, "id", has_id=False),
    "id is null": RowFault(_with(id=None), "id", has_id=False),
    "row is text": RowFault(_no_object, None, has_id=False),
    "scheduled_at is infinity": RowFault(_with(scheduled_at="infinity"), "scheduled_at", is_loaded=True),
    "name is a number": RowFault(_with(name=12), "name", is_loaded=True),
    "name holds NUL": RowFault(_with(name="a\0b"), "name", is_loaded=True),
    "a new field holds NUL": RowFault(_with(odd="a\0b"), "odd", is_loaded=True),
}

UNPLACED = frozenset(name for name, fault in ROW_FAULTS.items() if fault.field in ("created_at", None))


def stored_time(moment: datetime | None) -> str | None:
    """As SQLite's tables hold it."""
    return None if moment is None else moment.isoformat(" ", "microseconds")[:26]


def values_of(row: Mapping[str, Any], extra: Mapping[str, Any], look: Look, fault: str | None) -> Values:
    """What the table must hold of a row, in the order of `COLUMNS`; `row` has the source's own values."""
    shown = {name: value for name, value in row.items() if name not in look.dropped}
    if look.is_documented:
        shown = {name: value for name, value in shown.items() if name in DOCUMENTED}
    if fault is not None:
        shown[str(ROW_FAULTS[fault].field)] = None
    for name in TIMES:
        shown[name] = stored_time(shown.get(name))
    beyond = {} if look.is_documented else {**look.added, **extra}
    shown["extra"] = stored_json({name: value for name, value in beyond.items() if value is not None})
    return tuple(shown.get(name) for name in COLUMNS)


def stored_json(value: Mapping[str, Any] | None) -> str | None:
    return json.dumps(value, sort_keys=True) if value else None


def raw_of(
    row: Mapping[str, Any], extra: Mapping[str, Any], look: Look, fault: str | None, spelling: int
) -> bytes:
    """The bytes of a row; `spelling` changes them and not what they mean."""
    write = _documented_time if look.is_documented or spelling % 2 else _observed_time
    shown: JsonRow = {**row, **{name: write(row[name]) for name in TIMES}}
    if look.is_documented:
        shown = {name: shown[name] for name in DOCUMENTED if shown[name] is not None}
    else:
        shown = {**shown, **_CONSTANT, **look.added, **extra}
    for name in look.dropped:
        shown.pop(name, None)
    if spelling & 2:
        shown = dict(reversed(shown.items()))
    spoilt = ROW_FAULTS[fault].spoil(shown) if fault is not None else shown
    text = json.dumps(spoilt, ensure_ascii=bool(spelling & 4) and fault is None, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _observed_time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.isoformat()
    return f"{text[:-6].rstrip('0')}+00:00" if moment.microsecond else text


def _documented_time(moment: datetime | None) -> str | None:
    """`Z`, and milliseconds where these say it all."""
    if moment is None:
        return None
    spec = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=spec)[:-6] + "Z"
