from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from etl.transform.fields import FIELDS, KINDS, SOURCE_COLUMNS
from etl.transform.records import (
    Note,
    Parsed,
    Rejection,
    parse_record,
    parse_records,
    row_hash,
    values_hash,
)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=255)
whole_numbers = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  bounds
storable = st.recursive(
    st.none() | st.booleans() | whole_numbers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
hostile_texts = st.text(st.characters(categories=["L", "N", "Cs", "Cc", "So"]), max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**62, 2**66) | st.floats() | hostile_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_texts, inner, max_size=3),
    max_leaves=8,
)

STRATEGIES = dict(
    zip(
        KINDS.values(),
        [
            keys,
            texts,
            st.booleans(),
            whole_numbers,
            st.lists(whole_numbers, max_size=7),
            moments.map(datetime.isoformat),
            st.times().map(lambda moment: moment.strftime("%H:%M:%S")),
        ],
        strict=True,
    )
)
good_rows = st.fixed_dictionaries(
    {field.name: STRATEGIES[field.kind] for field in FIELDS if not field.nullable},
    optional={field.name: st.none() | STRATEGIES[field.kind] for field in FIELDS if field.nullable},
)
new_names = texts.filter(lambda name: name not in SOURCE_COLUMNS)
grown_rows = st.builds(
    lambda new, row: new | row, st.dictionaries(new_names, storable, max_size=3), good_rows
)
bad_rows = st.builds(
    lambda row, bad: row | bad,
    good_rows,
    st.dictionaries(st.sampled_from(SOURCE_COLUMNS), anything, max_size=3),
)
escapes = st.booleans()


def spell(row: object, *, escaped: bool) -> bytes:
    return json.dumps(row, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def check_storable(value: object) -> None:
    """PostgreSQL refuses NUL in text and in jsonb, UTF-8 lone surrogates, and a bigint has 64 bits."""
    if isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, dict):
        check_storable([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            check_storable(part)


def check_outcome(outcome: Parsed | Rejection) -> None:
    if isinstance(outcome, Rejection):
        check_storable(astuple(outcome))
        return
    check_storable(outcome.record.values)
    check_storable(outcome.unknown_fields)
    check_storable([astuple(note) for note in outcome.notes])
    assert -(2**63) <= values_hash(outcome.record) < 2**63


@given(good_rows, escapes)
def test_a_good_row_is_read_without_a_note(row: dict[str, Any], escaped: bool) -> None:
    parsed = parse_record(spell(row, escaped=escaped))
    assert isinstance(parsed, Parsed)
    assert parsed.notes == ()
    assert parsed.record.extra is None
    assert [getattr(parsed.record, name) is None for name in SOURCE_COLUMNS] == [
        row.get(name) is None for name in SOURCE_COLUMNS
    ]


@given(grown_rows, escapes)
def test_what_is_unknown_is_kept_as_it_is(row: dict[str, Any], escaped: bool) -> None:
    parsed = parse_record(spell(row, escaped=escaped))
    assert isinstance(parsed, Parsed)
    unknown = {name: row[name] for name in row if name not in SOURCE_COLUMNS and row[name] is not None}
    assert (parsed.record.extra or {}) == unknown
    check_outcome(parsed)


@given(good_rows)
def test_both_ways_of_reading_give_the_same_record(row: dict[str, Any]) -> None:
    quick = parse_record(spell(row, escaped=False))
    thorough = parse_record(spell(row | {"unknown": "\0"}, escaped=False))
    assert isinstance(quick, Parsed)
    note = Note(
        "unknown", "unknown holds a string with a NUL character; expected a value that databases store"
    )
    assert thorough == Parsed(quick.record, (note,), ("unknown",))


@given(bad_rows | st.dictionaries(hostile_texts, anything) | anything, escapes)
def test_any_json_is_read_or_set_aside(row: object, escaped: bool) -> None:
    check_outcome(parse_record(spell(row, escaped=escaped)))


@given(good_rows, hostile_texts, anything)
def test_an_unknown_field_never_costs_its_row(row: dict[str, Any], name: str, value: object) -> None:
    outcome = parse_record(spell({name: value} | row, escaped=True))
    assert isinstance(outcome, Parsed)
    check_outcome(outcome)


@given(
    st.binary() | st.builds(lambda row, end: spell(row, escaped=False)[:end], grown_rows, st.integers(0, 900))
)
def test_any_bytes_are_read_or_set_aside(raw: bytes) -> None:
    check_outcome(parse_record(raw))


raws = st.builds(lambda row: spell(row, escaped=False), good_rows | grown_rows | bad_rows) | st.binary(
    max_size=9
)


@given(st.lists(raws, max_size=9))
def test_rows_that_are_read_together_are_read_as_each_by_itself(rows: list[bytes]) -> None:
    assert list(parse_records(rows)) == [parse_record(row) for row in rows]


@given(grown_rows, st.binary(min_size=1, max_size=4), st.data())
def test_a_row_with_bytes_overwritten_is_read_or_set_aside(
    row: dict[str, Any], noise: bytes, data: st.DataObject
) -> None:
    raw = spell(row, escaped=False)
    at = data.draw(st.integers(0, len(raw)))
    check_outcome(parse_record(raw[:at] + noise + raw[at + len(noise) :]))


@given(grown_rows, st.data(), st.integers(-23 * 60, 23 * 60))
def test_the_hash_of_values_knows_no_order_escapes_or_offsets(
    row: dict[str, Any], data: st.DataObject, minutes: int
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    moved = {
        name: datetime.fromisoformat(value).astimezone(zone).isoformat(" ")
        for name, value in row.items()
        if name.endswith("_at") and name in SOURCE_COLUMNS and value is not None
    }
    shuffled = {name: moved.get(name, row[name]) for name in data.draw(st.permutations(list(row)))}
    one = parse_record(spell(row, escaped=False))
    other = parse_record(spell(shuffled, escaped=True))
    assert isinstance(one, Parsed)
    assert isinstance(other, Parsed)
    assert one.record == other.record
    assert values_hash(one.record) == values_hash(other.record)


@given(st.lists(good_rows, min_size=2, max_size=5))
def test_records_that_differ_have_hashes_that_differ(rows: list[dict[str, Any]]) -> None:
    outcomes = [parse_record(spell(row, escaped=False)) for row in rows]
    records = [outcome.record for outcome in outcomes if isinstance(outcome, Parsed)]
    for one in records:
        for other in records:
            assert (one == other) == (values_hash(one) == values_hash(other))


@given(st.binary())
def test_the_hash_of_a_row_fits_into_64_signed_bits(raw: bytes) -> None:
    assert -(2**63) <= row_hash(raw) < 2**63
