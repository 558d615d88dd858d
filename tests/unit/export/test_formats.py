"""Rows in each of the formats: values keep their types, whatever is in them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Column, Date, Double, MetaData, Table, Text

from etl.export.formats import Format, find_format, find_writer
from etl.export.parquet import GROUP_ROWS
from etl.tables import JsonValue, RowNumber, TimeOfDay, UtcDateTime, batch_calls

RELATION = Table(
    "things",
    MetaData(),
    Column("at", UtcDateTime, comment="when it was"),
    Column("day", Date),
    Column("begins", TimeOfDay),
    Column("words", Text),
    Column("number", RowNumber),
    Column("share", Double),
    Column("flag", batch_calls.c.send_now.type),
    Column("more", JsonValue),
    comment="all kinds of columns",
)
AT = datetime(2026, 3, 14, 12, 0, 0, 5, tzinfo=UTC)
FULL = (AT, date(2026, 3, 14), time(9, 30), "words", 2**62, 0.1, True, {"a": [1, "é"]})
EMPTY = (None,) * 8
EVIL = [
    "<script>alert(1)</script>",
    '=HYPERLINK("x")',
    'a "quoted", one',
    "two\nlines\r\n",
    "\u2028\x85",
    "",
    "📞 تذكير",
]


def written(format_: Format, *rows: tuple[Any, ...], raw: bool = False) -> bytes:
    file = BytesIO()
    writer = find_writer(format_, raw=raw)(file, RELATION)
    for row in rows:
        writer.write([row])
    writer.close()
    return file.getvalue()


def with_words(words: str) -> tuple[Any, ...]:
    return (*EMPTY[:3], words, *EMPTY[4:])


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode(), newline="")))


@pytest.mark.parametrize("name", ["x.csv", "X.CSV", "a.b.csv"])
def test_the_ending_says_the_format(name: str) -> None:
    assert find_format(Path(name)) is Format.CSV


@pytest.mark.parametrize("name", ["x.xls", "csv", ".csv", "x"])
def test_another_ending_is_answered_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"ends with \.parquet, \.csv, \.jsonl, got"):
        find_format(Path(name))


def test_csv_has_a_line_of_names_and_values_that_a_database_reads_back() -> None:
    names, full, empty = written(Format.CSV, FULL, EMPTY).decode().splitlines()
    assert names == "at,day,begins,words,number,share,flag,more"
    assert full == (
        '2026-03-14T12:00:00.000005+00:00,2026-03-14,09:30:00,"words",4611686018427387904,0.1,true,'
        '"{""a"":[1,""é""]}"'
    )
    assert empty == ",,,,,,,"


def test_in_csv_an_empty_text_is_not_null() -> None:
    assert written(Format.CSV, with_words("")).decode().splitlines()[1] == ',,,"",,,,'


@pytest.mark.parametrize("words", EVIL)
def test_a_text_of_any_letters_comes_back_from_csv(words: str) -> None:
    assert read_csv(written(Format.CSV, with_words(words), raw=True))[1][3] == words


def test_in_csv_no_text_is_a_formula_unless_that_is_asked_for() -> None:
    formula = with_words('=HYPERLINK("x")')
    assert read_csv(written(Format.CSV, formula))[1][3] == '\'=HYPERLINK("x")'
    assert read_csv(written(Format.CSV, formula, raw=True))[1][3] == '=HYPERLINK("x")'


def test_json_lines_have_every_column_in_each_line() -> None:
    full, empty = map(json.loads, written(Format.JSONL, FULL, EMPTY).splitlines())
    assert full == {
        "at": "2026-03-14T12:00:00.000005Z",
        "day": "2026-03-14",
        "begins": "09:30:00",
        "words": "words",
        "number": 2**62,
        "share": 0.1,
        "flag": True,
        "more": {"a": [1, "é"]},
    }
    assert empty == dict.fromkeys(full)


@pytest.mark.parametrize("words", EVIL)
def test_a_row_is_one_line_of_json_to_every_reader(words: str) -> None:
    [line] = written(Format.JSONL, with_words(words)).decode().splitlines()
    assert json.loads(line)["words"] == words


def test_parquet_keeps_types_and_meanings() -> None:
    table = parquet.read_table(BytesIO(written(Format.PARQUET, FULL, EMPTY)))
    assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {
        "at": pa.timestamp("us", tz="UTC"),
        "day": pa.date32(),
        "begins": pa.time64("us"),
        "words": pa.string(),
        "number": pa.int64(),
        "share": pa.float64(),
        "flag": pa.bool_(),
        "more": pa.string(),
    }
    full, empty = table.to_pylist()
    assert full == dict(zip(table.schema.names, (*FULL[:-1], '{"a":[1,"é"]}'), strict=True))
    assert empty == dict.fromkeys(full)
    assert table.schema.field("at").metadata[b"comment"] == b"when it was"
    assert table.schema.metadata[b"comment"] == b"all kinds of columns"


@pytest.mark.parametrize("words", EVIL)
def test_a_text_of_any_letters_comes_back_from_parquet(words: str) -> None:
    [row] = parquet.read_table(BytesIO(written(Format.PARQUET, with_words(words)))).to_pylist()
    assert row["words"] == words


def test_parquet_is_written_a_group_of_rows_at_a_time() -> None:
    file = BytesIO()
    writer = find_writer(Format.PARQUET)(file, RELATION)
    for _ in range(3):
        writer.write([EMPTY] * (GROUP_ROWS // 2))
    assert file.tell() > 4, "a group that is full is not kept in memory"
    writer.close()
    groups = parquet.ParquetFile(BytesIO(file.getvalue())).metadata
    assert [groups.row_group(at).num_rows for at in range(groups.num_row_groups)] == [
        GROUP_ROWS,
        GROUP_ROWS // 2,
    ]


@pytest.mark.parametrize("format_", Format)
def test_a_relation_without_rows_is_a_file_all_the_same(format_: Format) -> None:
    content = written(format_)
    if format_ is Format.PARQUET:
        assert parquet.read_table(BytesIO(content)).schema.names == list(RELATION.columns.keys())
    else:
        assert len(content.splitlines()) == (format_ is Format.CSV)
