"""The kinds of files, by the ending of their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sqlalchemy import Table

Rows = Sequence[Sequence[Any]]


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class Writer(Protocol):
    """Takes rows, some thousand at a time; values as Python has them, times aware."""

    def write(self, rows: Rows) -> None: ...

    def close(self) -> None:
        """Write what ends the file. The file itself stays open."""
        ...


Opener = Callable[[BinaryIO, Table], Writer]


def find_format(path: Path) -> Format:
    """The format that the name's ending says; ValueError lists those that there are."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in list(Format):
        raise ValueError(
            f"expected a name that ends with {', '.join(f'.{f}' for f in Format)}, got {path.name!r}"
        )
    return Format(ending)


def find_writer(format_: Format, *, raw: bool = False) -> Opener:
    """What writes that format; CSV has formulas only with `raw`. Raises SettingsError if a library lacks."""
    match format_:
        case Format.PARQUET:
            from etl.export.parquet import open_parquet

            return open_parquet()
        case Format.CSV:
            from etl.export.csv import CsvWriter

            return lambda file, relation: CsvWriter(file, relation, raw=raw)
        case Format.JSONL:
            from etl.export.jsonl import JsonlWriter

            return JsonlWriter
