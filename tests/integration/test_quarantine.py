"""A row that cannot be read is set aside alone: it costs no other row, no older version, and no silence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pytest

from etl.model import RunStatus
from etl.sandbox import Batch, SandboxOptions
from etl.tables import sync_drift

from support.databases import Database
from support.pipeline import Pipeline, changes
from support.truth import differences, expected_rows

BATCHES = 30
OPTIONS = SandboxOptions(batches=BATCHES, tie_groups=1)
AT = 14  # in the middle of the list
PAGE_ROWS = 12


class Bad(NamedTuple):
    """How a row is spoilt, by its values or in its bytes, and the field that is told."""

    field: str | None
    fields: Mapping[str, object] = MappingProxyType({})
    raw: Callable[[bytes], bytes] | None = None


# Each group on a list of its own: a page that strict JSON can read goes another way than one that it cannot.
BAD_VALUES = {
    "values": (
        Bad("created_at", {"created_at": "not a time"}),
        Bad("created_at", {"created_at": "infinity"}),
        Bad("created_at", {"created_at": 1_700_000_000}),
        Bad("failed_count", {"failed_count": "7"}),
        Bad("completed_count", {"completed_count": 1.5}),
        Bad("total_recipients", {"total_recipients": 2**63}),
        Bad("status", {"status": None}),
        Bad("status", {"status": ["running"]}),
        Bad("status", {"status": "run\0ning"}),
    ),
    "json": (
        Bad("completed_count", {"completed_count": float("nan")}),
        Bad("total_recipients", {"total_recipients": 10**4_000}),
        Bad("status", {"status": "half \ud83d a character"}),
    ),
}
BAD_IDENTITIES = {
    "ids": (
        Bad("id", {"id": None}),
        Bad("id", {"id": 17}),
        Bad("id", {"id": ""}),
        Bad("id", {"id": "a\0b"}),
        Bad("id", {"id": "x" * 256}),
        Bad("id", {"id": []}),
    ),
    "rows": (
        Bad("id", raw=lambda row: b"{}"),
        Bad(None, raw=lambda row: b'"a row"'),
        Bad(None, raw=lambda row: b"42"),
        Bad(None, raw=lambda row: b"null"),
        Bad(None, raw=lambda row: b"[1, 2]"),
    ),
    "json": (
        Bad("id", {"id": "\ud800"}),
        Bad(None, raw=lambda row: row[:-1] + b',"x":tru}'),
    ),
}
BAD_OPTIONAL = {
    "values": (
        Bad("scheduled_at", {"scheduled_at": "infinity"}),
        Bad("completed_at", {"completed_at": "10000-01-01T00:00:00+00:00"}),
        Bad("started_at", {"started_at": "0044-03-15T00:00:00+00:00 BC"}),
        Bad("window_start_time", {"window_start_time": "25:00:00"}),
        Bad("reserved_concurrency", {"reserved_concurrency": -(2**63) - 1}),
        Bad("purpose", {"purpose": "a\0b"}),
        Bad("name", {"name": 12}),
        Bad("send_now", {"send_now": "yes"}),
    ),
    "json": (
        Bad("max_concurrency", {"max_concurrency": float("nan")}),
        Bad("goal", {"goal": float("-inf")}),
        Bad("name", {"name": "half \ud83d a character"}),
        Bad("window_days", {"window_days": json.loads("[" * 900 + "]" * 900)}),
    ),
}


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """A source of a few pages."""
    return Pipeline(database, OPTIONS, page_size=PAGE_ROWS)


def spoil(pipeline: Pipeline, bad: Sequence[Bad]) -> list[Batch]:
    """Serve so many batches of the middle of the list wrongly, one after the other."""
    victims = pipeline.truth.listed()[AT - len(bad) // 2 :][: len(bad)]
    for victim, how in zip(victims, bad, strict=True):
        pipeline.sandbox.rows.corrupt(victim.id, how.fields, how.raw)
    return victims


def assert_nothing_new(pipeline: Pipeline, **expected: int) -> None:
    """Another sync sees the same faults again, and changes nothing but when it saw them."""
    before = pipeline.everything()
    again = pipeline.sync()
    assert changes(again) == expected
    for entry in before["quarantine"]:
        entry["last_run_id"] = again.run_id
    assert pipeline.everything() == before


def assert_set_aside_alone(pipeline: Pipeline, bad: Sequence[Bad], *, named: bool) -> None:
    """Through their whole life: good, changed and bad, still bad, mended."""
    pipeline.sync()
    good = pipeline.alive()
    beside = pipeline.truth.change(pipeline.truth.listed()[AT + 8].id, name="changed beside them")
    victims = spoil(pipeline, bad)
    for victim in victims:
        pipeline.truth.progress(victim.id, completed=1)
    others = [batch for batch in pipeline.truth.listed() if batch.id not in {v.id for v in victims}]

    summary = pipeline.sync()
    assert (summary.status, summary.exit_code, summary.rows_seen) == (RunStatus.SUCCEEDED, 0, BATCHES)
    aside = len(bad)
    unchanged = BATCHES - aside
    assert changes(summary) == {"updated": 1, "unchanged": unchanged - 1, "quarantined": aside}
    table = pipeline.alive()
    assert {victim.id: table.pop(victim.id) for victim in victims} == {v.id: good[v.id] for v in victims}
    assert differences(table, expected_rows(others)) == []
    assert table[beside.id]["name"] == "changed beside them"
    told = [(entry["id"], entry["field"], entry["row_loaded"]) for entry in pipeline.set_aside()]
    ids = [victim.id if named else None for victim in victims]
    assert Counter(told) == Counter((id_, how.field, False) for id_, how in zip(ids, bad, strict=True))
    assert all(entry["reason"] for entry in pipeline.set_aside())
    assert_nothing_new(pipeline, unchanged=unchanged, quarantined=aside)

    for victim in victims:
        pipeline.sandbox.rows.mend(victim.id)
    assert changes(pipeline.sync()) == {"updated": aside, "unchanged": unchanged}
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []
    assert len(pipeline.set_aside(open_only=False)) == aside
    assert {row["version"] for victim in victims for row in pipeline.history(victim.id)} == {1, 2}


@pytest.mark.parametrize("group", BAD_VALUES)
def test_rows_without_a_usable_essential_field_are_set_aside_alone(pipeline: Pipeline, group: str) -> None:
    assert_set_aside_alone(pipeline, BAD_VALUES[group], named=True)


@pytest.mark.parametrize("group", BAD_IDENTITIES)
def test_rows_without_a_usable_id_are_set_aside_alone(pipeline: Pipeline, group: str) -> None:
    assert_set_aside_alone(pipeline, BAD_IDENTITIES[group], named=False)


@pytest.mark.parametrize("bad", [BAD_VALUES["json"][0], BAD_IDENTITIES["ids"][0]], ids=["named", "nameless"])
def test_a_bad_row_is_set_aside_alone(pipeline: Pipeline, bad: Bad) -> None:
    assert_set_aside_alone(pipeline, [bad], named=bad.field != "id")


@pytest.mark.parametrize("group", BAD_OPTIONAL)
def test_optional_fields_that_cannot_be_read_are_null_and_noted(pipeline: Pipeline, group: str) -> None:
    bad = BAD_OPTIONAL[group]
    victims = spoil(pipeline, bad)
    assert changes(pipeline.sync()) == {"inserted": BATCHES}
    spoilt = list(zip(victims, bad, strict=True))
    assert [pipeline.row(victim.id)[str(how.field)] for victim, how in spoilt] == [None] * len(bad)
    told = {(entry["id"], entry["field"], entry["row_loaded"]) for entry in pipeline.set_aside()}
    assert told == {(victim.id, how.field, True) for victim, how in spoilt}
    assert_nothing_new(pipeline, unchanged=BATCHES)

    for victim in victims:
        pipeline.sandbox.rows.mend(victim.id)
    pipeline.sync()
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []


def test_control_characters_in_a_text_are_loaded_as_they_are(pipeline: Pipeline) -> None:
    victim = pipeline.truth.change(pipeline.truth.listed()[AT].id, name="a\x01b\x1fc\x7f\td")

    def raw(row: bytes) -> bytes:
        return row.replace(b"\\u0001", b"\x01").replace(b"\\u001f", b"\x1f").replace(b"\\t", b"\t")

    pipeline.sandbox.rows.corrupt(victim.id, raw=raw)
    assert changes(pipeline.sync()) == {"inserted": BATCHES}
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []


def test_of_a_repeated_key_the_last_value_counts(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    pipeline.sandbox.rows.corrupt(victim.id, raw=lambda row: b'{"id":"other","name":"other",' + row[1:])
    assert changes(pipeline.sync()) == {"inserted": BATCHES}
    assert pipeline.differences() == []


def test_a_value_2000_levels_deep_costs_its_field_alone(pipeline: Pipeline) -> None:
    victim = pipeline.truth.listed()[AT]
    deep = b'"deep":' + b'{"a":[' * 1000 + b"]}" * 1000
    pipeline.sandbox.rows.corrupt(victim.id, raw=lambda row: row[:-1] + b"," + deep + b"}")
    assert changes(pipeline.sync()) == {"inserted": BATCHES}
    assert pipeline.differences() == []
    assert [(entry["id"], entry["field"]) for entry in pipeline.set_aside()] == [(victim.id, "deep")]


@pytest.mark.parametrize("at", [0, 10, 11, 29])
def test_a_row_without_a_place_at_the_edge_of_a_page_is_told_once(pipeline: Pipeline, at: int) -> None:
    pipeline.sync()
    victim = pipeline.truth.listed()[at]
    pipeline.sandbox.rows.corrupt(victim.id, {"created_at": "?"})
    summary = pipeline.sync()
    assert changes(summary) == {"unchanged": BATCHES - 1, "quarantined": 1}
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
    assert changes(pipeline.sync()) == {"updated": BATCHES}
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
    assert changes(pipeline.sync()) == {"unchanged": BATCHES}
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
