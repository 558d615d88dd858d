"""Parquet: a type for every column (times in UTC to the microsecond), and its meaning beside it.

Lists and objects are JSON as text. A row group holds some ten thousand rows, which are in memory until it
is written.
"""

from __future__ import annotations

from datetime import date, datetime, time
from types import ModuleType
from typing import Any, BinaryIO, Final

import msgspec
from sqlalchemy import Column, Table

from etl.errors import SettingsError
from etl.export.formats import Opener, Rows

GROUP_ROWS: Final = 20_000


def open_parquet() -> Opener:
    """The writer; raises SettingsError where pyarrow is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        missing = "pyarrow, which writes Parquet, is missing; pip install '.[parquet]' in the checkout"
        raise SettingsError([missing]) from None
    return lambda file, relation: ParquetWriter(pa, file, relation)


class ParquetWriter:
    """Rows of one table or view."""

    def __init__(self, arrow: ModuleType, file: BinaryIO, relation: Table) -> None:
        self._arrow = arrow
        self._schema = _schema(arrow, relation)
        self._json = [index for index, column in enumerate(relation.columns) if _is_json(column)]
        self._batches: list[Any] = []
        self._writer = arrow.parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        columns: list[Any] = list(zip(*rows, strict=True))
        for index in self._json:
            columns[index] = [None if value is None else _text(value) for value in columns[index]]
        arrays = [
            self._arrow.array(values, type=field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._batches.append(self._arrow.record_batch(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._batches:
            self._writer.write_table(self._arrow.Table.from_batches(self._batches))
            self._batches.clear()


def _schema(arrow: ModuleType, relation: Table) -> Any:
    types = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        datetime: arrow.timestamp("us", tz="UTC"),
        date: arrow.date32(),
        time: arrow.time64("us"),
    }
    return arrow.schema(
        [
            arrow.field(
                column.name,
                arrow.string() if _is_json(column) else types[column.type.python_type],
                metadata={"comment": column.comment or ""},
            )
            for column in relation.columns
        ],
        metadata={"relation": relation.name, "comment": relation.comment or ""},
    )


def _is_json(column: Column[Any]) -> bool:
    return column.type.python_type is dict


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
