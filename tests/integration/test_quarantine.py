"""A row that cannot be read is set aside alone: it costs no other row, no older version, and no silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.tables import sync_drift

from support.databases import Database
from support.pipeline import Pipeline, changes
from support.truth import differences, expected_rows

Raw = Callable[[bytes], bytes]

OPTIONS = SandboxOptions(batches=60, tie_groups=2)
PAGES = {"page_size": 20}
AT = 29  # in the middle of the list, on a page of its own

# What makes a row unfit to be loaded: values of its fields, or what is done to its bytes; then what is noted.
BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "created_at is not a time": ({"created_at": "not a time"}, "created_at"),
    "created_at is infinity": ({"created_at": "infinity"}, "created_at"),
    "a count is a string": ({"failed_count": "7"}, "failed_count"),
    "a count is NaN": ({"completed_count": float("nan")}, "completed_count"),
    "a count is huge": ({"total_recipients": 2**63}, "total_recipients"),
    "a count has 5,000 digits": ({"total_recipients": 10**4_000}, "total_recipients"),
    "status is null": ({"status": None}, "status"),
    "status is a list": ({"status": ["running"]}, "status"),
    "status holds NUL": ({"status": "run\0ning"}, "status"),
}
BAD_IDS: dict[str, object] = {
    "null": None,
    "a number": 17,
    "empty": "",
    "half a character": "\ud800",
    "with NUL": "a\0b",
    "256 characters": "x" * 256,
}
BAD_ROWS: dict[str, Raw] = {
    "a string": lambda row: b'"a row"',
    "a number": lambda row: b"42",
    "null": lambda row: b"null",
    "a list": lambda row: b"[1, 2]",
    "an empty object": lambda row: b"{}",
    "not closed inside": lambda row: row[:-1] + b',"x":tru}',
}
# What costs no more than the field: it becomes null and is noted.
BAD_OPTIONAL: dict[str, tuple[str, Any]] = {
    "infinity": ("scheduled_at", "infinity"),
    "a year beyond 9999": ("completed_at", "10000-01-01T00:00:00+00:00"),
    "before Christ": ("started_at", "0044-03-15T00:00:00+00:00 BC"),
    "a time of day that does not exist": ("window_start_time", "25:00:00"),
    "NaN": ("max_concurrency", float("nan")),
    "an infinite number": ("goal", float("-inf")),
    "a huge integer": ("reserved_concurrency", -(2**63) - 1),
    "half a character": ("name", "half \ud83d a character"),
    "NUL": ("purpose", "a\0b"),
    "a number for a text": ("name", 12),
    "a text for a truth": ("send_now", "yes"),
    "depth": ("window_days", json.loads("[" * 900 + "]" * 900)),
}


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """A source of three pages."""
    return Pipeline(database, OPTIONS, **PAGES)


def assert_set_aside_alone(
    pipeline: Pipeline,
    *,
    named: bool,
    field: str | None,
    fields: Mapping[str, object] | None = None,
    raw: Raw | None = None,
) -> None:
    """Through its whole life: good, changed and bad, still bad, mended."""
    pipeline.sync()
    victim = pipeline.truth.listed()[AT]
    good = pipeline.row(victim.id)
    pipeline.truth.progress(victim.id, completed=1)
    others = {batch.id: batch for batch in pipeline.truth.listed() if batch.id != victim.id}
    pipeline.truth.change(pipeline.truth.listed()[AT + 1].id, name="changed beside it")
    pipeline.sandbox.rows.corrupt(victim.id, fields, raw)

    summary = pipeline.sync()
    assert (summary.status, summary.exit_code, summary.deleted) == (RunStatus.SUCCEEDED, 0, 0)
    assert changes(summary) == {"updated": 1, "unchanged": 58, "quarantined": 1}
    table = pipeline.alive()
    assert table.pop(victim.id) == good
    listed = [batch for batch in pipeline.truth.listed() if batch.id in others]
    assert differences(table, expected_rows(listed)) == []
    (entry,) = pipeline.set_aside()
    assert (entry["id"], entry["field"]) == (victim.id if named else None, field)
    assert entry["row_loaded"] is False
    assert entry["reason"]

    before = pipeline.everything()
    again = pipeline.sync()
    assert changes(again) == {"unchanged": 59, "quarantined": 1}
    entry["last_run_id"] = again.run_id
    assert pipeline.everything() == {**before, "quarantine": [entry]}

    pipeline.sandbox.rows.mend(victim.id)
    assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 59}
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []
    assert len(pipeline.set_aside(open_only=False)) == 1
    assert [row["version"] for row in pipeline.history(victim.id)] == [1, 2]


@pytest.mark.parametrize("fault", BAD_FIELDS)
def test_a_row_without_a_usable_essential_field_is_set_aside_alone(pipeline: Pipeline, fault: str) -> None:
    fields, field = BAD_FIELDS[fault]
    assert_set_aside_alone(pipeline, named=True, field=field, fields=fields)


@pytest.mark.parametrize("fault", BAD_IDS)
def test_a_row_without_a_usable_id_is_set_aside_alone(pipeline: Pipeline, fault: str) -> None:
    assert_set_aside_alone(pipeline, named=False, field="id", fields={"id": BAD_IDS[fault]})


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_what_is_no_row_is_set_aside_alone(pipeline: Pipeline, fault: str) -> None:
    field = "id" if fault == "an empty object" else None
    assert_set_aside_alone(pipeline, named=False, field=field, raw=BAD_ROWS[fault])


@pytest.mark.parametrize("fault", BAD_OPTIONAL)
def test_an_optional_field_that_cannot_be_read_is_null_and_noted(pipeline: Pipeline, fault: str) -> None:
    field, value = BAD_OPTIONAL[fault]
    victim = pipeline.truth.listed()[AT]
    pipeline.sandbox.rows.corrupt(victim.id, {field: value})
    assert changes(pipeline.sync()) == {"inserted": 60}
    assert pipeline.row(victim.id)[field] is None
    (entry,) = pipeline.set_aside()
    assert (entry["id"], entry["field"], entry["row_loaded"]) == (victim.id, field, True)

    before = pipeline.everything()
    again = pipeline.sync()
    assert changes(again) == {"unchanged": 60}
    entry["last_run_id"] = again.run_id
    assert pipeline.everything() == {**before, "quarantine": [entry]}

    pipeline.sandbox.rows.mend(victim.id)
    pipeline.sync()
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []


def test_control_characters_in_a_text_are_loaded_as_they_are(pipeline: Pipeline) -> None:
    victim = pipeline.truth.change(pipeline.truth.listed()[AT].id, name="a\x01b\x1fc\x7f\td")

    def raw(row: bytes) -> bytes:
        return row.replace(b"\\u0001", b"\x01").replace(b"\\u001f", b"\x1f").replace(b"\\t", b"\t")

    pipeline.sandbox.rows.corrupt(victim.id, raw=raw)
    assert changes(pipeline.sync()) == {"inserted": 60}
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []


def test_of_a_repeated_key_the_last_value_counts(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    pipeline.sandbox.rows.corrupt(victim.id, raw=lambda row: b'{"id":"other","name":"other",' + row[1:])
    assert changes(pipeline.sync()) == {"inserted": 60}
    assert pipeline.differences() == []


def test_a_value_2000_levels_deep_costs_its_field_alone(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    deep = b'"deep":' + b'{"a":[' * 1000 + b"]}" * 1000
    pipeline.sandbox.rows.corrupt(victim.id, raw=lambda row: row[:-1] + b"," + deep + b"}")
    assert changes(pipeline.sync()) == {"inserted": 60}
    assert pipeline.differences() == []
    assert [(entry["id"], entry["field"]) for entry in pipeline.set_aside()] == [(victim.id, "deep")]


def test_many_bad_rows_on_one_page_are_set_aside_one_by_one(pipeline: Pipeline) -> None:
    listed = pipeline.truth.listed()
    faults: list[dict[str, object]] = [{"created_at": "?"}, {"id": 7}, {"status": 5}, {"id": None}]
    for at, batch in enumerate(listed[20:36]):
        pipeline.sandbox.rows.corrupt(batch.id, faults[at % 4])
    for _ in range(2):
        summary = pipeline.sync()
        assert summary.complete
        assert len(pipeline.set_aside()) == 16
        bad = {batch.id for batch in listed[20:36]}
        good = [batch for batch in listed if batch.id not in bad]
        assert differences(pipeline.alive(), expected_rows(good)) == []


@pytest.mark.parametrize("at", [0, 18, 19, 20, 59])
def test_a_row_without_a_place_at_the_edge_of_a_page_is_told_once(pipeline: Pipeline, at: int) -> None:
    pipeline.sync()
    victim = pipeline.truth.listed()[at]
    pipeline.sandbox.rows.corrupt(victim.id, {"created_at": "?"})
    summary = pipeline.sync()
    assert changes(summary) == {"unchanged": 59, "quarantined": 1}
    assert pipeline.row(victim.id)["deleted_at"] is None
    assert len(pipeline.set_aside()) == 1


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_bad_row_of_a_tiny_list_is_set_aside(database: Database, batches: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=batches, tie_groups=0))
    victim = pipeline.truth.listed()[-1]
    pipeline.sandbox.rows.corrupt(victim.id, {"failed_count": "none"})
    summary = pipeline.sync()
    assert (summary.complete, summary.inserted, summary.quarantined) == (True, batches - 1, 1)


def test_a_bad_row_that_vanishes_is_resolved_and_its_batch_deleted(pipeline: Pipeline) -> None:
    pipeline.sync()
    named, nameless = pipeline.truth.listed()[AT], pipeline.truth.listed()[AT + 5]
    pipeline.sandbox.rows.corrupt(named.id, {"failed_count": "x"})
    pipeline.sandbox.rows.corrupt(nameless.id, {"id": None})
    pipeline.sync()
    assert len(pipeline.set_aside()) == 2
    for batch in (named, nameless):
        pipeline.truth.delete(batch.id)
    assert pipeline.sync().deleted == 2
    assert pipeline.set_aside() == []
    assert pipeline.differences() == []


def test_a_bad_row_that_turns_bad_otherwise_is_told_anew(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    for field in ("failed_count", "total_recipients"):
        pipeline.sandbox.rows.corrupt(victim.id, {field: "x"})
        pipeline.sync()
    assert [
        (entry["field"], entry["resolved_at"] is None) for entry in pipeline.set_aside(open_only=False)
    ] == [
        ("failed_count", False),
        ("total_recipients", True),
    ]


def test_a_bad_row_s_text_is_kept_as_it_came(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    pipeline.sandbox.rows.corrupt(victim.id, {"failed_count": "x", "name": 'ü "quoted" 🎉'})
    pipeline.sync()
    (entry,) = pipeline.set_aside()
    assert json.loads(entry["raw"])["name"] == 'ü "quoted" 🎉'
    assert "quoted" not in entry["reason"]


# -- what is unknown -----------------------------------------------------------------------------------


def drift(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [(row["kind"], row["name"]) for row in pipeline.read(sync_drift)]


def test_an_unknown_field_goes_to_extra_and_is_reported_once(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.sync()
    pipeline.sandbox.rows.add_column("priority", 3)
    victim = pipeline.truth.listed()[AT]
    pipeline.sandbox.rows.corrupt(victim.id, {"priority": {"level": [1, None, "ü"]}})
    assert changes(pipeline.sync()) == {"updated": 60}
    rows = pipeline.alive()
    assert rows.pop(victim.id)["extra"] == {"priority": {"level": [1, None, "ü"]}}
    assert {json.dumps(row["extra"]) for row in rows.values()} == {'{"priority": 3}'}
    assert drift(pipeline) == [("field", "priority")]
    assert caplog.text.count("drift.found") == 1
    pipeline.truth.progress(victim.id, completed=1)
    pipeline.sync()
    assert caplog.text.count("drift.found") == 1
    assert drift(pipeline) == [("field", "priority")]


def test_a_new_column_without_values_changes_no_row(pipeline: Pipeline) -> None:
    pipeline.sync()
    before = pipeline.everything()
    pipeline.sandbox.rows.add_column("priority", None)
    assert changes(pipeline.sync()) == {"unchanged": 60}
    after = pipeline.everything()
    assert after["batch_call_history"] == before["batch_call_history"]
    assert differences(pipeline.alive(), expected_rows(pipeline.truth.listed())) == []
    assert [row["changed_at"] for row in after["batch_calls"]] == [
        row["changed_at"] for row in before["batch_calls"]
    ]


def test_a_column_that_goes_away_becomes_null(pipeline: Pipeline) -> None:
    pipeline.sync()
    pipeline.sandbox.rows.drop_column("purpose")
    summary = pipeline.sync()
    assert (summary.complete, summary.quarantined) == (True, 0)
    assert {row["purpose"] for row in pipeline.alive().values()} == {None}


def test_an_unknown_status_is_loaded_and_reported_once(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    for batch in pipeline.truth.listed()[10:13]:
        pipeline.truth.change(batch.id, status="archived")
    pipeline.sync()
    assert pipeline.differences() == []
    assert drift(pipeline) == [("status", "archived")]
    pipeline.sync()
    assert caplog.text.count("drift.found") == 1
