"""Rows as JSON values, in the documented and in the observed shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter

from etl.sandbox.batch import COLUMNS, TIMES, Batch

_DOCUMENTED = (
    "id",
    "name",
    "status",
    "total_recipients",
    "completed_count",
    "failed_count",
    "created_at",
    "completed_at",
    "scheduled_at",
)
_values = attrgetter(*COLUMNS)
# JSON as JavaScript writes it: no blanks, raw UTF-8.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: object) -> bytes:
    """As the server writes it. A lone surrogate, which UTF-8 forbids, passes: somebody asked for it."""
    return _encode(value).encode("utf-8", "surrogatepass")


def observed(batch: Batch, columns: Iterable[str] | None = None) -> dict[str, object]:
    """All thirty columns, or some, with null for no value, and times as Postgres writes them."""
    row: dict[str, object] = dict(zip(COLUMNS, _values(batch), strict=True))
    for name in TIMES:
        if isinstance(moment := row[name], datetime):
            row[name] = postgres_time(moment)
    if columns is not None:
        return {name: row[name] for name in columns}
    return {**row, **batch.extra} if batch.extra else row


def documented(batch: Batch) -> dict[str, object]:
    """The nine fields of the documentation; those without a value are left out."""
    values = {name: getattr(batch, name) for name in _DOCUMENTED}
    return {
        name: documented_time(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def postgres_time(moment: datetime) -> str:
    """`+00:00`, and as many digits of a second as are needed, none of them a trailing zero."""
    text = _utc(moment).isoformat()
    return f"{text[:-6].rstrip('0')}+00:00" if moment.microsecond else text


def documented_time(moment: datetime) -> str:
    """Milliseconds and `Z`, always."""
    return _utc(moment).isoformat(timespec="milliseconds")[:-6] + "Z"


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
