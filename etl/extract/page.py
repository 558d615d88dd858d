"""One answer of the source: rows that have a place in the list, and what the page as a whole tells.

A row is read only as far as the walk needs it: its id and its created_at. All else waits until the
load knows that the row changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise

import msgspec

from etl.extract.split import split_rows
from etl.interval import NEWEST, Interval
from etl.proof import Row
from etl.transform.fields import KEY_LENGTH
from etl.transform.records import row_hash
from etl.transform.timestamps import parse_time, parse_times
from etl.transform.values import find_fault, read_json


class _Head(msgspec.Struct, gc=False):
    id: str
    created_at: str | None = None


class _Heads(msgspec.Struct):
    batches: list[_Head]


_UNREADABLE = object()  # no created_at at all, other than null
_decode_head = msgspec.json.Decoder(_Head).decode
_decode_heads = msgspec.json.Decoder(_Heads).decode


def read_rows(body: bytes) -> list[Row]:
    """Split a body and give each row its id and its place; what cannot be read of a row becomes None.

    Raises MalformedBodyError when the body is not a whole list of batches.
    """
    raws = split_rows(body)
    heads = _read_heads(body) or map(_read_head, raws)
    return [Row(raw, row_hash(raw), of_id, place) for raw, (of_id, place) in zip(raws, heads, strict=True)]


def _read_heads(body: bytes) -> list[tuple[str | None, datetime]] | None:
    """Id and place of every row, all at once; None where one of them is unusual."""
    try:
        heads = _decode_heads(body).batches
        places = parse_times([head.created_at for head in heads])
    except (ValueError, OverflowError, RecursionError):
        return None
    return [(_identity(head.id), place or NEWEST) for head, place in zip(heads, places, strict=True)]


def _read_head(raw: bytes) -> tuple[str | None, datetime | None]:
    """The same of one row, whatever stands in it; what cannot be read of it is None."""
    of_id, created_at = _read_values(raw)
    return _identity(of_id), _place(created_at)


def _read_values(raw: bytes) -> tuple[object, object]:
    """id and created_at as they stand there, also of a row that strict JSON refuses."""
    try:
        head = _decode_head(raw)
        return head.id, head.created_at
    except (ValueError, RecursionError):
        pass
    try:
        row = read_json(raw)
    except ValueError:
        row = None
    return (row.get("id"), row.get("created_at")) if isinstance(row, dict) else (None, _UNREADABLE)


def _identity(value: object) -> str | None:
    """The id, if a table can hold it: with a limit to its length, without NUL or half characters."""
    if isinstance(value, str) and 0 < len(value) <= KEY_LENGTH and find_fault(value) is None:
        return value
    return None


def _place(created_at: object) -> datetime | None:
    if created_at is None:
        return NEWEST
    try:
        return parse_time(created_at) if isinstance(created_at, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Page:
    """The rows of one answer, newest first, and the instant at which the request for it was sent.

    A row without a place (created_at unreadable, or missing further down than at the top) stands in
    no order; the others must.
    """

    offset: int
    limit: int
    length: int  # rows as received, repetitions among them
    observed_at: datetime
    rows: tuple[Row, ...]

    @property
    def end(self) -> int:
        """The offset right behind the page."""
        return self.offset + self.length

    @cached_property
    def places(self) -> tuple[datetime, ...]:
        return tuple(row.place for row in self.rows if row.place is not None)

    @cached_property
    def identities(self) -> frozenset[str | int]:
        return frozenset(row.identity for row in self.rows)

    def identities_at(self, place: datetime) -> frozenset[str | int]:
        """The rows that share a created_at."""
        return frozenset(row.identity for row in self.rows if row.place == place)

    @cached_property
    def tail(self) -> frozenset[str | int]:
        """The tail group: the rows that share the last created_at."""
        return self.identities_at(self.places[-1]) if self.places else frozenset()

    def rests_like(self, other: Page) -> bool:
        """Whether the list stood still, as far as can be told: ties at the top of a page change places."""
        same_rows = self.offset > 0 or self.identities == other.identities
        return self.offset == other.offset and self.places == other.places and same_rows

    @property
    def is_ordered(self) -> bool:
        return all(newer >= older for newer, older in pairwise(self.places))

    @property
    def kept(self) -> int:
        """How many rows stand above the tail group, the rows that share the last created_at."""
        tail = self.places[-1]
        return next(at for at, row in enumerate(self.rows) if row.place == tail)

    def rows_in(self, interval: Interval) -> tuple[Row, ...]:
        """The rows inside the interval, and those that have no place at all."""
        return tuple(row for row in self.rows if row.place is None or row.place in interval)


def read_page(body: bytes, *, offset: int, limit: int, observed_at: datetime) -> Page:
    """Split an answer's body into a page; a row that the source repeats within it is taken once.

    Raises MalformedBodyError when the body is not a whole list of batches.
    """
    received = read_rows(body)
    rows: dict[str | int, Row] = {}
    at_top = True
    for row in received:
        if row.place is NEWEST and not at_top:
            row = msgspec.structs.replace(row, place=None)
        at_top = at_top and (row.place is None or row.place is NEWEST)
        rows.setdefault(row.identity, row)
    return Page(
        offset=offset, limit=limit, length=len(received), observed_at=observed_at, rows=tuple(rows.values())
    )
