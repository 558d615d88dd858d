"""CSV as databases read it back: UTF-8, a line of names, texts in quotes, null as nothing at all.

An empty text is `""`, so that it can be told from null. Times are ISO 8601 in UTC, lists and objects JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Table

from etl.export.formats import Rows
from etl.spreadsheet import inert

Encoder = Callable[[Any], str]


class CsvWriter:
    """Rows of one table or view. Unless `raw`, no text is a formula to a spreadsheet."""

    def __init__(self, file: BinaryIO, relation: Table, *, raw: bool = False) -> None:
        self._file = file
        self._encoders = [_encoder(column.type.python_type, raw=raw) for column in relation.columns]
        self._put([",".join(column.name for column in relation.columns)])

    def write(self, rows: Rows) -> None:
        encoders = self._encoders
        self._put(
            ",".join(
                "" if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)
            )
            for row in rows
        )

    def close(self) -> None: ...

    def _put(self, lines: Any) -> None:
        self._file.write("".join(f"{line}\n" for line in lines).encode())


def _encoder(kind: type, *, raw: bool) -> Encoder:
    if kind is str:
        return _quoted if raw else lambda text: _quoted(str(inert(text)))
    return _ENCODERS.get(kind, _json)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _json(value: Any) -> str:
    return _quoted(msgspec.json.encode(value).decode())


_ENCODERS: dict[type, Encoder] = {
    int: str,
    float: repr,
    bool: lambda value: "true" if value else "false",
    datetime: lambda value: value.isoformat(timespec="microseconds"),
    date: date.isoformat,
    time: lambda value: value.isoformat(timespec="seconds"),
}
