"""Raw rows become records; what cannot be read is told, field by field, and nothing raises.

Rows of the usual shape are decoded straight into types, which the garbage collector need not look at: JSON
makes no cycles. What follows is done field by field, for all of them together. Only a row that fails there is
looked at more closely, which takes several times as long and yields reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, Final

import msgspec
from msgspec.structs import astuple
from xxhash import xxh3_64_intdigest

from etl.transform import rates
from etl.transform.fields import ESSENTIAL, FIELDS, SOURCE_COLUMNS, Record, Source
from etl.transform.timestamps import find_long_fraction
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


def parse_record(raw: bytes) -> Parsed | Rejection:
    """Read one row as received.

    A missing field is null. One that cannot be read becomes null with a note, or rejects the row when it
    is one of `ESSENTIAL`. Unknown fields go to `extra`; there, too, null is the same as missing, so that a
    column which the source adds and does not fill changes no row. Of a repeated key the last value counts.
    """
    return parse_records([raw])[0]


def parse_records(raws: Sequence[bytes]) -> Sequence[Parsed | Rejection]:
    """`parse_record` of each. Rows of the usual shape are read together, which takes half the time.

    Where some are not, each half is read by itself, so that few of them cost the others little.
    """
    if not raws:
        return []
    if usual := _parse_usual(raws):
        return usual
    if len(raws) == 1:
        return [_parse_unusual(raws[0])]
    middle = len(raws) // 2
    return [*parse_records(raws[:middle]), *parse_records(raws[middle:])]


def row_hash(raw: bytes) -> int:
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
_SETTLERS: Final = tuple((at, field.kind.settle) for at, field in enumerate(FIELDS) if field.kind.settle)

Column = Sequence[Any]  # a field of some rows


def _parse_usual(rows: Sequence[bytes]) -> list[Parsed] | None:
    """Read rows together; None where one of them has to be looked at more closely."""
    columns = _read_columns(rows, _decode_exactly)
    return None if columns is None else [Parsed(record) for record in _derive(columns)]


def _read_columns(rows: Sequence[bytes], decode: Callable[[bytes], msgspec.Struct]) -> list[Column] | None:
    """The fields that are known, in their order, each of all rows; None where a row cannot be read so."""
    if any(map(_has_nul, rows)) or any(map(find_long_fraction, rows)):
        return None
    try:
        columns: list[Column] = list(zip(*map(astuple, map(decode, rows)), strict=True))
        for at, settle in _SETTLERS:
            columns[at] = settle(columns[at])
    except (ValueError, OverflowError, RecursionError):
        return None
    return columns


def _has_nul(row: bytes) -> bool:
    # A single byte is looked for many times as fast as the escape, and most rows have none.
    return b"\\" in row and _NUL_ESCAPE in row


def _derive(
    columns: Sequence[Column], extra: Iterable[dict[str, Any] | None] = repeat(None)
) -> Iterator[Record]:
    """Add to the source's fields, in the order of their columns, what follows from them."""
    total, completed, failed, started_at, completed_at = _basis_of(columns)
    return map(
        Record,
        *columns,
        map(rates.success_rate, completed, failed),
        map(rates.failure_rate, completed, failed),
        map(rates.completion_rate, total, completed, failed),
        map(rates.duration_seconds, started_at, completed_at),
        map(rates.counts_consistent, total, completed, failed),
        extra,
    )


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
    grown = _read_columns([data], _decode_grown)
    outcome = (grown, []) if grown else _read_by_field(known)
    if isinstance(outcome, Rejection):
        return outcome
    columns, notes = outcome
    extra, extra_notes = _read_extra(row)
    unknown_fields = tuple(dict.fromkeys(map(printable_name, row)))
    record = next(_derive(columns, [extra]))
    return Parsed(record, (*notes, *extra_notes), unknown_fields)


def _read_by_field(row: dict[str, object]) -> tuple[list[Column], list[Note]] | Rejection:
    """Read the fields one by one, the id first, so that a rejection can name the row."""
    columns: list[Column] = []
    notes: list[Note] = []
    for field in FIELDS:
        try:
            columns.append((field.read(row[field.name]),))
        except ValueError as error:
            if field.name in ESSENTIAL:
                return Rejection(columns[0][0] if columns else None, field.name, str(error))
            columns.append((None,))
            notes.append(Note(field.name, str(error)))
    return columns, notes


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
