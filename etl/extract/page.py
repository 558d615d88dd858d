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
from etl.transform.timestamps import parse_time


class _Head(msgspec.Struct):
    id: str
    created_at: str | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


class _LooseHead(msgspec.Struct):
    id: object = None
    created_at: object = None


_decode_loose_head = msgspec.json.Decoder(_LooseHead).decode


def read_row(raw: bytes) -> Row:
    """Give a raw row its id and its place; what cannot be read becomes None and nothing raises."""
    try:
        head = _decode_head(raw)
    except (msgspec.MsgspecError, RecursionError):
        return _read_bad_row(raw)
    return Row(raw, row_hash(raw), _identity(head.id), _place(head.created_at))


def _read_bad_row(raw: bytes) -> Row:
    try:
        head = _decode_loose_head(raw)
    except (msgspec.MsgspecError, RecursionError):
        return Row(raw, row_hash(raw), None, None)
    return Row(raw, row_hash(raw), _identity(head.id), _place(head.created_at))


def _identity(value: object) -> str | None:
    """The id, if a table can hold it: no database takes a NUL, and a key has a limit."""
    usable = isinstance(value, str) and 0 < len(value) <= KEY_LENGTH and "\0" not in value
    return value if usable else None  # type: ignore[return-value]


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
    raws = split_rows(body)
    rows: dict[str | int, Row] = {}
    at_top = True
    for raw in raws:
        row = read_row(raw)
        if row.place is NEWEST and not at_top:
            row = msgspec.structs.replace(row, place=None)
        at_top = at_top and (row.place is None or row.place is NEWEST)
        rows.setdefault(row.identity, row)
    return Page(
        offset=offset, limit=limit, length=len(raws), observed_at=observed_at, rows=tuple(rows.values())
    )
