from __future__ import annotations

import json
from datetime import UTC, datetime, time
from typing import Any

import msgspec
import pytest

from etl.transform.fields import COLUMNS, FIELDS, SOURCE_COLUMNS, Record
from etl.transform.records import Note, Parsed, Rejection, parse_record, row_hash, values_hash

DOCUMENTED = {
    "id": "f1e2d3c4-5678-9012-3456-789012345678",
    "name": "Appointment Reminders",
    "status": "completed",
    "total_recipients": 150,
    "completed_count": 142,
    "failed_count": 8,
    "created_at": "2024-02-15T09:00:00.000Z",
    "completed_at": "2024-02-15T14:30:00.000Z",
}
OBSERVED = {
    "id": "bbce0744-e668-49a8-88df-8eaa42118206",
    "user_id": "11111111-1111-4111-8111-111111111111",
    "name": "تذكير بالموعد 2500",
    "caller_id": "+16045551234",
    "agent_id": "aaaaaaaa-0000-4000-8000-000000000003",
    "status": "completed",
    "send_now": False,
    "scheduled_at": "2026-03-13T10:32:00+00:00",
    "window_start_time": "09:00:00",
    "window_end_time": "17:00:00",
    "window_days": [1, 2, 3, 4, 5],
    "max_concurrency": 3,
    "reserved_concurrency": 5,
    "total_recipients": 100,
    "completed_count": 85,
    "failed_count": 15,
    "template_id": None,
    "purpose": "Remind about the appointment",
    "goal": None,
    "created_at": "2026-03-12T10:32:39+00:00",
    "updated_at": "2026-03-12T17:16:15.309+00:00",
    "started_at": "2026-03-12T10:53:28.553+00:00",
    "completed_at": "2026-03-12T17:16:15.309+00:00",
    "recurrence_type": "none",
    "recurrence_interval": 1,
    "recurrence_end_date": None,
    "recurrence_max_runs": None,
    "recurrence_run_count": 0,
    "parent_batch_id": None,
    "occurrence_number": None,
}


def spell(row: object) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def with_value(name: str, json_text: bytes, row: dict[str, Any] = OBSERVED) -> bytes:
    """The row with one field spelled by hand, for what no encoder writes."""
    return spell({key: value for key, value in row.items() if key != name})[:-1] + b',"%b":%b}' % (
        name.encode(),
        json_text,
    )


def parse(raw: bytes) -> Parsed:
    parsed = parse_record(raw)
    assert isinstance(parsed, Parsed), parsed
    return parsed


def reject(raw: bytes) -> Rejection:
    rejection = parse_record(raw)
    assert isinstance(rejection, Rejection), rejection
    return rejection


# --- Rows of the usual shape --------------------------------------------------------------------------


def test_the_observed_shape_is_read_into_types() -> None:
    parsed = parse(spell(OBSERVED))
    times = {
        "scheduled_at": datetime(2026, 3, 13, 10, 32, tzinfo=UTC),
        "created_at": datetime(2026, 3, 12, 10, 32, 39, tzinfo=UTC),
        "updated_at": datetime(2026, 3, 12, 17, 16, 15, 309000, tzinfo=UTC),
        "started_at": datetime(2026, 3, 12, 10, 53, 28, 553000, tzinfo=UTC),
        "completed_at": datetime(2026, 3, 12, 17, 16, 15, 309000, tzinfo=UTC),
        "window_start_time": time(9),
        "window_end_time": time(17),
    }
    derived = {
        "success_rate": 0.85,
        "failure_rate": 0.15,
        "completion_rate": 1.0,
        "duration_seconds": 22966.756,
        "counts_consistent": True,
        "extra": None,
    }
    assert dict(zip(COLUMNS, parsed.record.values, strict=True)) == OBSERVED | times | derived
    assert parsed.notes == ()
    assert parsed.unknown_fields == ()


def test_the_documented_shape_is_read_with_null_for_what_it_leaves_out() -> None:
    record = parse(spell(DOCUMENTED)).record
    assert record.created_at == datetime(2024, 2, 15, 9, tzinfo=UTC)
    assert record.success_rate == 142 / 150
    assert record.duration_seconds is None
    assert {name for name in SOURCE_COLUMNS if getattr(record, name) is not None} == set(DOCUMENTED)


def test_a_row_needs_no_more_than_an_id_and_a_status() -> None:
    assert parse(b'{"id":"a","status":"draft"}').record == Record("a", "draft")


def test_a_status_that_the_source_added_is_loaded() -> None:
    assert parse(spell(OBSERVED | {"status": "archived"})).record.status == "archived"


def test_of_a_repeated_key_the_last_value_counts_on_every_way() -> None:
    for rest in (b"", b',"new":1', b',"new":NaN'):
        raw = b'{"id":"a","status":"draft","id":"b","goal":"x","goal":null' + rest + b"}"
        record = parse(raw).record
        assert (record.id, record.goal) == ("b", None)


def test_both_ways_of_reading_give_the_same_record() -> None:
    quick = parse(spell(OBSERVED))
    thorough = parse(with_value("unknown", b"NaN"))
    assert thorough.record == quick.record
    assert thorough.unknown_fields == ("unknown",)


# --- Rows that are set aside --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"[1]", "a list"),
        (b"null", "no value"),
        (b'"Ms Example"', "a string of 10 characters"),
        (b"5", "an integer"),
        (b"NaN", "NaN"),
    ],
)
def test_a_row_that_is_no_object_is_set_aside(raw: bytes, seen: str) -> None:
    assert reject(raw) == Rejection(None, None, f"the row is {seen}; expected an object")


@pytest.mark.parametrize("raw", [b"", b"{", spell(OBSERVED)[:-1], b"\xff\xfe", b'{"id":"a"}{}', b"<html>"])
def test_a_row_that_is_no_json_is_set_aside(raw: bytes) -> None:
    assert reject(raw) == Rejection(None, None, "the row cannot be read as JSON; expected an object")


@pytest.mark.parametrize(
    "value", [b"null", b"5", b'""', b'"a\\u0000"', b'"a\\ud800"', b'"a\xff"', b"[]", b"NaN"]
)
def test_a_row_without_a_readable_id_is_set_aside(value: bytes) -> None:
    rejection = reject(with_value("id", value))
    assert (rejection.id, rejection.field) == (None, "id")
    assert rejection.reason.startswith("id holds ")


def test_a_row_without_any_id_is_set_aside() -> None:
    reason = "id holds no value; expected a string of 1 to 255 characters without NUL"
    assert reject(b'{"status":"draft"}') == Rejection(None, "id", reason)


def test_an_id_that_no_index_can_hold_is_set_aside() -> None:
    assert parse(spell(OBSERVED | {"id": "😀" * 255})).record.id == "😀" * 255
    assert reject(spell(OBSERVED | {"id": "😀" * 256})).field == "id"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", b"null"),
        ("status", b'""'),
        ("status", b"5"),
        ("status", b'"\\u0000"'),
        ("created_at", b'"infinity"'),
        ("created_at", b'"0044-03-15T09:00:00+00:00 BC"'),
        ("created_at", b'""'),
        ("created_at", b"1707987600"),
        ("total_recipients", b'"100"'),
        ("total_recipients", b"true"),
        ("completed_count", b"85.0"),
        ("completed_count", b"1e2"),
        ("completed_count", b"NaN"),
        ("failed_count", b"9223372036854775808"),
        ("failed_count", b"9" * 5000),
        ("failed_count", b"[" * 2000 + b"]" * 2000),
    ],
)
def test_an_essential_field_that_cannot_be_read_sets_the_row_aside_by_its_id(name: str, value: bytes) -> None:
    rejection = reject(with_value(name, value))
    assert (rejection.id, rejection.field) == (OBSERVED["id"], name)
    assert rejection.reason.startswith(f"{name} holds ")
    assert "; expected " in rejection.reason


@pytest.mark.parametrize("name", ["created_at", "total_recipients", "completed_count", "failed_count"])
def test_an_essential_field_may_be_null_or_missing(name: str) -> None:
    assert getattr(parse(with_value(name, b"null")).record, name) is None
    assert getattr(parse(spell({key: OBSERVED[key] for key in OBSERVED if key != name})).record, name) is None


# --- Fields that become null --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", b'"a\\u0000b"'),
        ("name", b'"a\x00b"'),
        ("name", b'"a\\ud800b"'),
        ("name", b'"a\xffb"'),
        ("goal", b"{}"),
        ("caller_id", b"16045551234"),
        ("send_now", b'"false"'),
        ("window_days", b"[1,true]"),
        ("window_days", b"[1,2.0]"),
        ("window_days", b'["\\u0000"]'),
        ("window_days", b"[9223372036854775808]"),
        ("window_start_time", b'"24:00:00"'),
        ("max_concurrency", b"1e999"),
        ("max_concurrency", b"Infinity"),
        ("recurrence_end_date", b'"infinity"'),
        ("updated_at", b'"12024-02-15T09:00:00Z"'),
        ("purpose", b"[" * 2000 + b"]" * 2000),
    ],
)
def test_an_optional_field_that_cannot_be_read_becomes_null_with_a_note(name: str, value: bytes) -> None:
    parsed = parse(with_value(name, value))
    assert getattr(parsed.record, name) is None
    [note] = parsed.notes
    assert note.field == name
    assert note.reason.startswith(f"{name} holds ")
    assert "; expected " in note.reason
    assert parsed.record.purpose == (None if name == "purpose" else OBSERVED["purpose"])


def test_each_field_that_cannot_be_read_has_its_note() -> None:
    parsed = parse(spell(OBSERVED | {"name": 5, "started_at": "BC", "new": "\0"}))
    assert [note.field for note in parsed.notes] == ["name", "started_at", "new"]
    assert parsed.record.duration_seconds is None


def test_a_control_character_that_should_have_been_escaped_is_kept() -> None:
    parsed = parse(with_value("name", b'"tab\there\x01"'))
    assert parsed.record.name == "tab\there\x01"
    assert parsed.notes == ()


def test_text_that_only_looks_like_a_nul_is_kept() -> None:
    assert parse(with_value("name", b'"C:\\\\u0000"')).record.name == "C:\\u0000"


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize(
    "value", [b'"Ms Example"', b'["Ms Example"]', b'{"Ms Example":1}', b'"\\u0000Ms Example"']
)
def test_no_reason_shows_a_value(field: Any, value: bytes) -> None:
    outcome = parse_record(with_value(field.name, value))
    told = outcome if isinstance(outcome, Rejection) else (outcome.notes, outcome.unknown_fields)
    assert "Example" not in str(told)


# --- Fields that are not known ------------------------------------------------------------------------


def test_an_unknown_field_is_kept_in_extra_and_named() -> None:
    new = {"voice_model": "v2", "limits": {"b": [1, 2.5, None], "a": {}}}
    parsed = parse(spell(OBSERVED | new))
    assert parsed.record.extra == new
    assert parsed.unknown_fields == ("voice_model", "limits")
    assert parsed.notes == ()


def test_an_unknown_field_without_a_value_is_named_and_changes_nothing() -> None:
    parsed = parse(spell(OBSERVED | {"voice_model": None}))
    assert parsed.unknown_fields == ("voice_model",)
    assert parsed.record == parse(spell(OBSERVED)).record


@pytest.mark.parametrize("name", ["extra", "success_rate", "account", "row_hash", "", "größe", "Id"])
def test_an_unknown_field_may_have_any_name(name: str) -> None:
    parsed = parse(spell(OBSERVED | {name: 5}))
    assert parsed.record.extra == {name: 5}
    assert parsed.record.success_rate == 0.85


@pytest.mark.parametrize(
    "value",
    [
        b'"a\\u0000b"',
        b'[{"a":["\\u0000"]}]',
        b'{"a\\u0000":1}',
        b'"\\udc00"',
        b'{"a":"\xff"}',
        b"9223372036854775808",
        b"[1,-9223372036854775809]",
        b"NaN",
        b"[1e999]",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_an_unknown_field_that_no_database_stores_is_left_out_with_a_note(value: bytes) -> None:
    raw = with_value("new", value, OBSERVED | {"fine": 1})
    parsed = parse(raw)
    assert parsed.record.extra == {"fine": 1}
    assert parsed.unknown_fields == ("fine", "new")
    [note] = parsed.notes
    assert note.field == "new"
    assert note.reason.startswith("new holds ")


def test_the_name_of_an_unknown_field_can_always_be_stored() -> None:
    parsed = parse(spell(OBSERVED)[:-1] + b',"a\\u0000b":1,"c\\ud800":2,"d\xff":3}')
    assert parsed.record.extra is None
    assert parsed.unknown_fields == ("a\\x00b", "c\\ud800", "d\\udcff")
    assert parsed.notes[0] == Note(
        "a\\x00b", "a\\x00b holds a string with a NUL character; expected a value that databases store"
    )


def test_two_long_names_that_begin_alike_are_told_once() -> None:
    parsed = parse(spell(OBSERVED | {"x" * 200 + "1": 1, "x" * 200 + "2": 2}))
    assert parsed.record.extra is not None
    assert len(parsed.record.extra) == 2
    assert parsed.unknown_fields == ("x" * 100,)


# --- Hashes -------------------------------------------------------------------------------------------


def test_hashes_are_the_ones_that_older_versions_stored() -> None:
    new = {"limits": {"b": [1, 2.5, 1e22, -0.0, None], "a": "é😀\u2028\x01"}}
    assert row_hash(b'{"id":"a"}') == -3940325163161889206
    assert values_hash(parse(spell(OBSERVED)).record) == 4372265133860818244
    assert values_hash(parse(spell(OBSERVED | new)).record) == -4490113891056660649


def test_the_hash_of_values_does_not_depend_on_how_they_were_spelled() -> None:
    other_spelling = {
        **{name: OBSERVED[name] for name in reversed(OBSERVED) if OBSERVED[name] is not None},
        "created_at": "2026-03-12 13:32:39.000000000+03",
        "window_start_time": "09:00",
    }
    raw = json.dumps(other_spelling, indent=1).encode()
    assert row_hash(raw) != row_hash(spell(OBSERVED))
    assert values_hash(parse(raw).record) == values_hash(parse(spell(OBSERVED)).record)


def test_the_hash_of_values_does_not_depend_on_the_order_of_keys_in_unknown_fields() -> None:
    one = parse(spell(DOCUMENTED | {"x": {"a": 1, "b": {"c": 2, "d": 3}}, "y": 1})).record
    other = parse(spell(DOCUMENTED | {"y": 1, "x": {"b": {"d": 3, "c": 2}, "a": 1}})).record
    assert values_hash(one) == values_hash(other)


@pytest.mark.parametrize("name", [name for name in SOURCE_COLUMNS if OBSERVED[name] is not None])
def test_the_hash_of_values_depends_on_every_field_of_the_source(name: str) -> None:
    record = parse(spell(OBSERVED)).record
    changed = "other" if name in ("id", "status") else None
    assert values_hash(msgspec.structs.replace(record, **{name: changed})) != values_hash(record)


def test_the_hash_of_values_depends_on_unknown_fields_and_not_on_derived_ones() -> None:
    record = parse(spell(OBSERVED)).record
    assert values_hash(msgspec.structs.replace(record, extra={"new": 1})) != values_hash(record)
    assert values_hash(msgspec.structs.replace(record, success_rate=0.5)) == values_hash(record)


def test_the_same_text_in_another_field_is_another_hash() -> None:
    purpose = Record("a", "draft", purpose="x")
    goal = Record("a", "draft", goal="x")
    assert values_hash(purpose) != values_hash(goal)


@pytest.mark.parametrize("byte", range(50))
def test_hashes_fit_into_64_signed_bits(byte: int) -> None:
    assert -(2**63) <= row_hash(bytes([byte])) < 2**63
