"""Pages written as words: `page("e5 d4 c4 b3")` shows four batches, two of them created at 4.

`x*` has no created_at, `x?` one that cannot be read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from etl.extract.page import Page, read_rows
from etl.interval import NEWEST, Interval
from etl.proof import Proof, Row
from etl.transform.records import row_hash

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGIN + timedelta(seconds=second)


def row(word: str) -> Row:
    return Row(word.encode(), row_hash(word.encode()), word, _place(word))


def _place(word: str) -> datetime | None:
    if word.endswith("*"):
        return NEWEST
    return None if word.endswith("?") else at(int(word[1:]))


def read_row(raw: bytes) -> Row:
    """The row as a page that holds nothing else shows it."""
    (row,) = read_rows(b'{"batches":[' + raw + b"]}")
    return row


def page(words: str = "", *, offset: int = 0, limit: int = 1000, observed_at: datetime = BEGIN) -> Page:
    rows = tuple(row(word) for word in words.split())
    return Page(offset=offset, limit=limit, length=len(rows), observed_at=observed_at, rows=rows)


def words(proof: Proof | None) -> str:
    """What a proof holds, as it was written; nothing is proven by None."""
    return " ".join(row.id or "" for row in proof.rows) if proof else ""


def between(after: int | None, upto: int | None) -> Interval:
    return Interval(after=None if after is None else at(after), upto=None if upto is None else at(upto))
