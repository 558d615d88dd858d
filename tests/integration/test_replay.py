"""Rows that were set aside are tried again by today's rules, and never in the place of newer ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from etl.model import RunMode, RunStatus
from etl.sandbox import Batch, SandboxOptions
from etl.tables import quarantine
from etl.transform.records import row_hash

from support.databases import Database
from support.pipeline import Pipeline, changes
from support.truth import differences, expected_rows


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=20))


def set_aside(pipeline: Pipeline, batch: Batch, seen_at: datetime, **values: Any) -> None:
    """An entry as a version left it that could not read this row yet."""
    raw = pipeline.sandbox.rows.encode(batch)
    entry = {
        "account": pipeline.truth.name,
        "id": batch.id,
        "run_id": 1,
        "last_run_id": 1,
        "field": "created_at",
        "reason": "created_at holds a string of 25 characters; expected something older",
        "raw": raw.decode(),
        "raw_hash": row_hash(raw),
        "row_loaded": False,
        "seen_at": seen_at,
    }
    pipeline.change(insert(quarantine).values(**{**entry, **values}))


def test_what_today_s_rules_can_read_is_loaded_and_resolved(pipeline: Pipeline) -> None:
    pipeline.sync()
    new = pipeline.truth.create()
    newer = pipeline.truth.progress(pipeline.truth.listed()[4].id, completed=1)
    for batch in (new, newer):
        set_aside(pipeline, batch, pipeline.clock.now())
    (summary,) = pipeline.replay()
    assert (summary.mode, summary.status, summary.exit_code) == (RunMode.REPLAY, RunStatus.SUCCEEDED, 0)
    assert changes(summary) == {"inserted": 1, "updated": 1}
    assert pipeline.differences() == []
    assert pipeline.set_aside() == []
    assert [row["change"] for row in pipeline.history(newer.id)] == ["inserted", "updated"]
    before = pipeline.everything()
    assert pipeline.replay() == []
    assert changes(pipeline.sync()) == {"unchanged": 21}
    assert pipeline.everything() == before


def test_what_still_cannot_be_read_stays(pipeline: Pipeline) -> None:
    pipeline.sandbox.rows.corrupt(pipeline.truth.listed()[3].id, {"failed_count": "x"})
    pipeline.sandbox.rows.corrupt(pipeline.truth.listed()[5].id, {"id": None})
    pipeline.sandbox.rows.corrupt(pipeline.truth.listed()[7].id, {"completed_at": "infinity"})
    pipeline.sync()
    before = pipeline.everything()
    (summary,) = pipeline.replay()
    assert changes(summary) == {"unchanged": 1, "quarantined": 2}
    assert pipeline.everything() == before


def test_an_older_entry_does_not_overwrite_a_newer_row(pipeline: Pipeline) -> None:
    older = pipeline.truth.listed()[4]
    newer = pipeline.truth.change(older.id, name="Newer")
    pipeline.sync()
    before = pipeline.row(older.id)
    set_aside(pipeline, older, before["changed_at"] - timedelta(seconds=1))
    (summary,) = pipeline.replay()
    assert changes(summary) == {"unchanged": 1}
    assert pipeline.row(older.id) == before
    assert pipeline.alive()[newer.id]["name"] == "Newer"
    assert pipeline.set_aside() == []


def test_an_older_entry_does_not_revive_a_deleted_batch(pipeline: Pipeline) -> None:
    pipeline.sync()
    seen_at = pipeline.clock.now()
    gone = pipeline.truth.delete(pipeline.truth.listed()[4].id)
    pipeline.sync()
    set_aside(pipeline, gone, seen_at)
    pipeline.replay()
    assert pipeline.row(gone.id)["deleted_at"] is not None
    assert pipeline.differences() == []


def test_of_two_entries_of_a_batch_the_later_one_counts(pipeline: Pipeline) -> None:
    pipeline.sync()
    earlier = pipeline.truth.change(pipeline.truth.listed()[4].id, name="Earlier")
    set_aside(pipeline, earlier, pipeline.clock.now())
    later = pipeline.truth.change(earlier.id, name="Later")
    set_aside(pipeline, later, pipeline.clock.now() + timedelta(seconds=5))
    pipeline.replay()
    assert pipeline.differences() == []
    assert pipeline.row(later.id)["version"] == 2
    assert pipeline.set_aside() == []


def test_a_field_that_became_readable_is_filled_in(pipeline: Pipeline) -> None:
    """The row was loaded without it, under the hash of the very bytes that are in the entry."""
    batch = next(batch for batch in pipeline.truth.listed() if batch.completed_at is not None)
    pipeline.sandbox.rows.corrupt(batch.id, {"completed_at": "infinity"})
    pipeline.sync()
    (entry,) = pipeline.set_aside()
    raw = pipeline.sandbox.rows.encode(batch)
    pipeline.sandbox.rows.mend(batch.id)
    good = pipeline.sandbox.rows.encode(batch)
    assert raw != good
    pipeline.change(update(quarantine).values(raw=good.decode()))
    (summary,) = pipeline.replay()
    assert changes(summary) == {"updated": 1}
    assert differences(pipeline.alive(), expected_rows(pipeline.truth.listed())) == []
    assert pipeline.set_aside() == []
    assert entry["row_loaded"] is True


def test_more_entries_than_one_transaction_takes_are_all_tried(pipeline: Pipeline) -> None:
    batches = [pipeline.truth.create() for _ in range(530)]
    for batch in batches:
        set_aside(pipeline, batch, pipeline.clock.now())
    (summary,) = pipeline.replay()
    assert changes(summary) == {"inserted": 530}
    assert pipeline.set_aside() == []
    assert differences(pipeline.alive(), expected_rows(batches)) == []


def test_entries_are_of_one_account_alone(pipeline: Pipeline) -> None:
    set_aside(pipeline, pipeline.truth.create(), pipeline.clock.now(), account="somebody else")
    assert pipeline.replay() == []
    assert len(pipeline.set_aside()) == 1
