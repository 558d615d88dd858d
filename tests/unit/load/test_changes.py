from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl.load.changes import Changes, find_changes
from etl.load.stored import Stored
from etl.model import Change
from etl.proof import Row
from etl.transform.records import Parsed, parse_record, values_hash

from support.pages import read_row

OBSERVED_AT = datetime(2024, 2, 16, 9, tzinfo=UTC)
BEFORE = OBSERVED_AT - timedelta(minutes=5)
BATCH = {
    "id": "a",
    "name": "Appointment Reminders",
    "status": "completed",
    "total_recipients": 150,
    "completed_count": 142,
    "failed_count": 8,
    "created_at": "2024-02-15T09:00:00+00:00",
    "completed_at": None,
}


def row_of(**fields: Any) -> Row:
    return read_row(json.dumps(BATCH | fields).encode())


def stored_as(
    row: Row, *, version: int = 3, changed_at: datetime = BEFORE, deleted_at: datetime | None = None
) -> Stored:
    """What the table knows of a batch that was loaded from that row."""
    parsed = parse_record(row.raw)
    assert isinstance(parsed, Parsed)
    return Stored(parsed.record.id, row.row_hash, values_hash(parsed.record), version, changed_at, deleted_at)


def compare(row: Row, *known: Stored) -> Changes:
    return find_changes([row], {one.id: one for one in known}, OBSERVED_AT)


def test_a_batch_that_the_table_does_not_have_is_inserted_as_its_first_version() -> None:
    changes = compare(row_of())
    (write,) = changes.writes
    assert (write.change, write.version) == (Change.INSERTED, 1)
    assert (write.record.id, write.record.completed_count) == ("a", 142)
    assert write.row_hash == row_of().row_hash
    assert write.values_hash == stored_as(row_of()).values_hash
    assert changes.unchanged == 0


def test_a_row_whose_bytes_are_known_is_unchanged_and_is_not_read() -> None:
    unreadable = Row(b"no JSON at all", 42, "a", None)
    known = Stored("a", 42, 7, 3, BEFORE, None)
    assert compare(unreadable, known) == Changes(unchanged=1)


def test_a_row_whose_values_differ_is_updated_as_the_next_version() -> None:
    row = row_of(completed_count=143)
    (write,) = compare(row, stored_as(row_of())).writes
    assert (write.change, write.version) == (Change.UPDATED, 4)
    assert write.record.completed_count == 143
    assert write.row_hash == row.row_hash


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(BATCH, separators=(",", ":")),
        json.dumps(dict(reversed(BATCH.items()))),
        json.dumps(BATCH | {"created_at": "2024-02-15T10:00:00.000+01:00"}),
        json.dumps({name: value for name, value in BATCH.items() if value is not None}),
        json.dumps(BATCH | {"a new column": None}),
    ],
)
def test_a_row_that_is_only_spelled_otherwise_has_its_hash_noted_and_no_more(raw: str) -> None:
    row = read_row(raw.encode())
    changes = compare(row, stored_as(row_of()))
    assert changes.respelled == [("a", row.row_hash)]
    assert changes.writes == []
    assert changes.unchanged == 1


def test_a_batch_that_was_marked_deleted_is_revived_though_it_is_the_same_to_the_byte() -> None:
    (write,) = compare(row_of(), stored_as(row_of(), deleted_at=BEFORE)).writes
    assert (write.change, write.version) == (Change.REVIVED, 4)


def test_a_batch_that_comes_back_changed_is_revived_with_its_new_values() -> None:
    (write,) = compare(row_of(status="running"), stored_as(row_of(), deleted_at=BEFORE)).writes
    assert (write.change, write.record.status) == (Change.REVIVED, "running")


@pytest.mark.parametrize("deleted_at", [None, OBSERVED_AT + timedelta(seconds=1)])
def test_an_older_observation_does_not_overwrite_a_newer_one(deleted_at: datetime | None) -> None:
    newer = stored_as(row_of(), changed_at=OBSERVED_AT + timedelta(seconds=1), deleted_at=deleted_at)
    assert compare(row_of(completed_count=1), newer) == Changes(unchanged=1)


def test_an_observation_of_the_same_instant_counts() -> None:
    known = stored_as(row_of(), changed_at=OBSERVED_AT)
    assert compare(row_of(completed_count=143), known).count(Change.UPDATED) == 1


def test_a_row_that_cannot_be_read_is_a_fault_and_writes_nothing() -> None:
    row = row_of(total_recipients="many")
    changes = compare(row, stored_as(row_of()))
    (fault,) = changes.faults
    assert (fault.row, fault.field, fault.row_loaded) == (row, "total_recipients", False)
    assert "expected an integer" in fault.reason
    assert changes.writes == []
    assert changes.respelled == []
    assert changes.unchanged == 0


def test_a_row_without_an_id_is_a_fault_and_is_compared_with_nothing() -> None:
    changes = compare(row_of(id=None), stored_as(row_of()))
    assert [(fault.field, fault.row_loaded) for fault in changes.faults] == [("id", False)]


def test_a_field_that_cannot_be_read_is_a_fault_of_a_row_that_is_loaded() -> None:
    row = row_of(completed_at="infinity")
    changes = compare(row)
    assert [(fault.field, fault.row_loaded) for fault in changes.faults] == [("completed_at", True)]
    (write,) = changes.writes
    assert write.record.completed_at is None


def test_what_was_never_seen_before_is_noted_from_the_rows_that_were_read() -> None:
    known = stored_as(row_of(id="b", status="paused"))
    rows = [row_of(colour="red"), row_of(id="b", status="paused"), row_of(id="c", status="napping")]
    changes = find_changes(rows, {"b": known}, OBSERVED_AT)
    assert changes.unknown_fields == {"colour"}
    assert changes.statuses == {"completed", "napping"}


def test_each_row_of_a_page_is_decided_by_itself() -> None:
    rows = [
        row_of(id="new"),
        row_of(id="same"),
        row_of(id="other", status="failed"),
        row_of(id="bad", status=7),
    ]
    known = {name: stored_as(row_of(id=name)) for name in ("same", "other", "bad", "elsewhere")}
    changes = find_changes(rows, known, OBSERVED_AT)
    assert [(write.record.id, write.change) for write in changes.writes] == [
        ("new", Change.INSERTED),
        ("other", Change.UPDATED),
    ]
    assert (changes.count(Change.INSERTED), changes.count(Change.UPDATED), changes.count(Change.REVIVED)) == (
        1,
        1,
        0,
    )
    assert changes.unchanged == 1
    assert [fault.row.id for fault in changes.faults] == ["bad"]
