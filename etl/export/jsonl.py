"""JSON Lines: one object a line, every column in each, null where there is no value.

Times are ISO 8601 in UTC, lists and objects are themselves.
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec
from sqlalchemy import Table

from etl.export.formats import Rows

# Marks within a text that some readers take for the end of a line; they stand nowhere else in JSON.
_LINE_ENDS = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"), (b"\xc2\x85", rb"\u0085"))


class JsonlWriter:
    """Rows of one table or view."""

    def __init__(self, file: BinaryIO, relation: Table) -> None:
        self._file = file
        self._names = tuple(column.name for column in relation.columns)
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Rows) -> None:
        lines = self._encoder.encode_lines(dict(zip(self._names, row, strict=True)) for row in rows)
        for mark, escaped in _LINE_ENDS:
            lines = lines.replace(mark, escaped)
        self._file.write(lines)

    def close(self) -> None: ...
