from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import msgspec
import pytest
from sqlalchemy import BigInteger, Boolean, Double, Text

from etl.tables import JsonValue, TimeOfDay, UtcDateTime, batch_calls
from etl.transform.fields import (
    COLUMNS,
    DERIVED_COLUMNS,
    ESSENTIAL,
    FIELDS,
    KEY_LENGTH,
    KINDS,
    SOURCE_COLUMNS,
    Field,
    Key,
    Record,
    Source,
    fields_of,
)
from etl.transform.values import Unreadable

BY_NAME = {field.name: field for field in FIELDS}
KEPT_BY_THE_LOAD = "account first_seen_at changed_at deleted_at run_id version row_hash values_hash".split()
COLUMN_TYPES = [Text, Text, Boolean, BigInteger, type(JsonValue), UtcDateTime, type(TimeOfDay)]


def test_a_record_has_every_column_of_the_table_that_the_load_does_not_fill_itself() -> None:
    assert sorted([*COLUMNS, *KEPT_BY_THE_LOAD]) == sorted(batch_calls.columns.keys())


def test_the_fields_that_are_read_are_the_thirty_of_the_source() -> None:
    assert tuple(BY_NAME) == SOURCE_COLUMNS
    assert len(SOURCE_COLUMNS) == 30
    assert set(SOURCE_COLUMNS) >= ESSENTIAL


def test_each_field_has_the_type_of_its_column() -> None:
    types = dict(zip(KINDS.values(), COLUMN_TYPES, strict=True))
    for field in FIELDS:
        assert isinstance(batch_calls.c[field.name].type, types[field.kind]), field.name


def test_derived_columns_are_rates_and_the_unknown_fields() -> None:
    *figures, extra = DERIVED_COLUMNS
    types = [type(batch_calls.c[name].type) for name in figures]
    assert types == [Double, Double, Double, Double, Boolean]
    assert extra == "extra"


def test_the_fields_that_cannot_be_null_at_the_table_cannot_be_null_when_read() -> None:
    assert [field.name for field in FIELDS if not field.nullable] == ["id", "status"]
    assert not batch_calls.c.id.nullable
    assert not batch_calls.c.status.nullable


def test_the_values_of_a_record_stand_in_the_order_of_the_columns() -> None:
    record = Record(id="a", status="draft", total_recipients=5, completed_count=0, extra={"new": 1})
    named = dict(zip(COLUMNS, record.values, strict=True))
    assert named == {name: getattr(record, name) for name in COLUMNS}


@pytest.mark.parametrize("kind", [Source, Record])
def test_printing_a_batch_shows_its_id_alone(kind: type[Source]) -> None:
    assert repr(kind("b-1", "draft", name="Ms Example")) == f"{kind.__name__}(id='b-1', …)"


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("id", "b-1", "b-1"),
        ("status", "new at the source", "new at the source"),
        ("name", "", ""),
        ("name", "😀 تذكير\t\n\u2028\x01", "😀 تذكير\t\n\u2028\x01"),
        ("send_now", False, False),
        ("max_concurrency", 2**63 - 1, 2**63 - 1),
        ("failed_count", -(2**63), -(2**63)),
        ("window_days", [], []),
        ("window_days", [1, 2], [1, 2]),
        ("created_at", "2024-02-15T10:00:00+01:00", datetime(2024, 2, 15, 9, tzinfo=UTC)),
        ("window_end_time", "17:00:00", time(17)),
    ],
)
def test_a_field_is_read_into_its_type(name: str, value: object, known: Any) -> None:
    read = BY_NAME[name].read(value)
    assert read == known
    assert type(read) is type(known)


@pytest.mark.parametrize("field", [field for field in FIELDS if field.nullable], ids=lambda field: field.name)
def test_null_is_read_as_null(field: Field) -> None:
    assert field.read(None) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("id", None, "id holds no value; expected a string of 1 to 255 characters without NUL"),
        ("id", "", "id holds a string of 0 characters; expected a string of 1 to 255 characters without NUL"),
        ("id", "x" * (KEY_LENGTH + 1), "id holds a string of 256 characters; expected a string of 1 to 255"),
        ("id", "a\0", "id holds a string with a NUL character; expected"),
        ("status", "\ud800", "status holds a string that is not valid Unicode; expected"),
        ("name", 5, "name holds an integer; expected a string of text without NUL"),
        ("send_now", 1, "send_now holds an integer; expected true or false"),
        ("send_now", "true", "send_now holds a string of 4 characters; expected true or false"),
        ("failed_count", True, "failed_count holds a boolean; expected an integer within 64 bits"),
        (
            "failed_count",
            "5",
            "failed_count holds a string of 1 characters; expected an integer within 64 bits",
        ),
        (
            "failed_count",
            5.0,
            "failed_count holds a floating-point number; expected an integer within 64 bits",
        ),
        ("failed_count", 2**63, "failed_count holds an integer beyond 64 bits; expected"),
        ("failed_count", Unreadable("NaN"), "failed_count holds NaN; expected"),
        (
            "window_days",
            {"1": True},
            "window_days holds an object; expected a list of integers within 64 bits",
        ),
        ("window_days", [1, "2"], "window_days holds a list; expected a list of integers within 64 bits"),
        ("window_days", ["\0"], "window_days holds a string with a NUL character; expected"),
        ("window_days", [2**63], "window_days holds an integer beyond 64 bits; expected"),
        ("created_at", "infinity", "created_at holds a string of 8 characters; expected a time from year 1"),
        (
            "created_at",
            1707987600,
            "created_at holds an integer; expected a time from year 1 to 9999 such as",
        ),
        (
            "window_start_time",
            "24:00:00",
            "window_start_time holds a string of 8 characters; expected a time of day",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_seen_and_what_was_expected(
    name: str, value: object, reason: str
) -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        BY_NAME[name].read(value)
    assert str(refusal.value).startswith(reason)


def test_the_fields_of_a_class_are_read_as_their_types_say() -> None:
    class Campaign(msgspec.Struct):
        id: Key
        name: str | None = None
        started_at: datetime | None = None

    assert list(fields_of(Campaign)) == [
        Field("id", KINDS[Key], False),
        Field("name", KINDS[str], True),
        Field("started_at", KINDS[datetime], True),
    ]
