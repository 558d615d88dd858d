"""Raw rows become records; what cannot be read is told, field by field, and nothing raises.

A row of the usual shape is decoded straight into types, which the garbage collector need not look at: JSON
makes no cycles. Only a row that fails there is looked at more closely, which takes several times as long and
yields reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

import msgspec
from msgspec.structs import astuple
from xxhash import xxh3_64_intdigest

from etl.transform import rates
from etl.transform.fields import ESSENTIAL, FIELDS, SOURCE_COLUMNS, Record, Source
from etl.transform.timestamps import has_long_fraction
from etl.transform.values import describe, find_fault, printable_name, read_json


class Note(msgspec.Struct, frozen=True):
    """A field that could not be read: it became null or, when it is unknown, was left out of `extra`."""

    field: str
    reason: str


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """A row that can be loaded."""

    record: Record
    notes: tuple[Note, ...] = ()
    unknown_fields: tuple[str, ...] = ()  # names fit for print, in the row's order


class Rejection(msgspec.Struct, frozen=True):
    """A row to be set aside."""

    id: str | None  # where it can be read
    field: str | None  # None when the row itself is at fault
    reason: str


def parse_record(raw: bytes | memoryview) -> Parsed | Rejection:
    """Read one row as received.

    A missing field is null. One that cannot be read becomes null with a note, or rejects the row when it
    is one of `ESSENTIAL`. Unknown fields go to `extra`; there, too, null is the same as missing, so that a
    column which the source adds and does not fill changes no row. Of a repeated key the last value counts.
    """
    data = bytes(raw)
    if values := _read_source(data, _decode_exactly):
        return Parsed(_derive(values, None))
    return _parse_unusual(data)


def row_hash(raw: bytes | memoryview) -> int:
    """Hash the bytes as received, to 64 signed bits: a row whose bytes are known needs no reading."""
    return xxh3_64_intdigest(raw) - 2**63


def values_hash(record: Record) -> int:
    """Hash what the source said, however it spelled it: key order, escapes, offsets, null or missing.

    It is stored, so it comes out the same in every process and version. Nulls are left out, so that a column
    that this tool learns changes no hash but of rows that fill it; derived values are left out, since
    a better formula is not a change at the source.
    """
    source = Source(*record.values[: len(SOURCE_COLUMNS)])
    return row_hash(_encode_canonically((source, record.extra)))


_encode_canonically = msgspec.json.Encoder(order="deterministic").encode

_NUL_ESCAPE: Final = b"\\u0000"  # the one spelling of NUL that msgspec takes, and no database does
_TYPES: Final = tuple(
    (field.name, field.at_once, None) if field.nullable else (field.name, field.at_once) for field in FIELDS
)
_ExactRow = msgspec.defstruct("_ExactRow", _TYPES, forbid_unknown_fields=True, gc=False)
_GrownRow = msgspec.defstruct("_GrownRow", _TYPES, gc=False)
_decode_exactly = msgspec.json.Decoder(_ExactRow).decode
_decode_grown = msgspec.json.Decoder(_GrownRow).decode
_SETTLERS: Final = tuple((at, field.settle) for at, field in enumerate(FIELDS) if field.settle)


def _read_source(data: bytes, decode: Callable[[bytes], msgspec.Struct]) -> list[Any] | None:
    """Read the fields that are known, all at once; None for a row that has to be looked at one by one."""
    # A single byte is looked for many times as fast as the escape, and most rows have none.
    if (b"\\" in data and _NUL_ESCAPE in data) or has_long_fraction(data):
        return None
    try:
        values = list(astuple(decode(data)))
        for at, settle in _SETTLERS:
            if values[at] is not None:
                values[at] = settle(values[at])
    except (ValueError, OverflowError, RecursionError):
        return None
    return values


def _derive(values: list[Any], extra: dict[str, Any] | None) -> Record:
    """Add to the source's fields, in the order of their columns, what follows from them."""
    total, completed, failed, started_at, completed_at = _basis_of(values)
    in_the_order_of_columns = (
        *values,
        rates.success_rate(completed, failed),
        rates.failure_rate(completed, failed),
        rates.completion_rate(total, completed, failed),
        rates.duration_seconds(started_at, completed_at),
        rates.counts_consistent(total, completed, failed),
        extra,
    )
    return Record(*in_the_order_of_columns)


_BASIS: Final = ("total_recipients", "completed_count", "failed_count", "started_at", "completed_at")
_basis_of = itemgetter(*map(SOURCE_COLUMNS.index, _BASIS))


def _parse_unusual(data: bytes) -> Parsed | Rejection:
    try:
        row = read_json(data)
    except ValueError:
        return Rejection(None, None, "the row cannot be read as JSON; expected an object")
    if not isinstance(row, dict):
        return Rejection(None, None, f"the row is {describe(row)}; expected an object")
    known = {name: row.pop(name, None) for name in SOURCE_COLUMNS}
    grown = _read_source(data, _decode_grown)
    outcome = (grown, []) if grown else _read_by_field(known)
    if isinstance(outcome, Rejection):
        return outcome
    values, notes = outcome
    extra, extra_notes = _read_extra(row)
    unknown_fields = tuple(dict.fromkeys(map(printable_name, row)))
    return Parsed(_derive(values, extra), (*notes, *extra_notes), unknown_fields)


def _read_by_field(row: dict[str, object]) -> tuple[list[Any], list[Note]] | Rejection:
    """Read the fields one by one, the id first, so that a rejection can name the row."""
    values: list[Any] = []
    notes: list[Note] = []
    for field in FIELDS:
        try:
            values.append(field.read(row[field.name]))
        except ValueError as error:
            if field.name in ESSENTIAL:
                return Rejection(values[0] if values else None, field.name, str(error))
            values.append(None)
            notes.append(Note(field.name, str(error)))
    return values, notes


def _read_extra(unknown: dict[str, object]) -> tuple[dict[str, Any] | None, list[Note]]:
    extra: dict[str, Any] = {}
    notes: list[Note] = []
    for name, value in unknown.items():
        if fault := find_fault({name: value}):
            shown = printable_name(name)
            notes.append(Note(shown, f"{shown} holds {fault}; expected a value that databases store"))
        elif value is not None:
            extra[name] = value
    return extra or None, notes
