"""Every observed change is one appended version; an older observation changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from etl.engine import writing
from etl.extract.page import read_page
from etl.interval import EVERYTHING
from etl.load.batches import save_batches
from etl.load.changes import find_changes
from etl.model import RunStatus
from etl.proof import Proof
from etl.sandbox import Batch, SandboxOptions
from etl.tables import batch_calls

from support.databases import Database
from support.databases import ask as ask_database
from support.pipeline import Pipeline, changes
from support.rows import NOW, listed
from support.sandbox import ask
from support.truth import expected_row

OWN = ("account", "id", "version", "observed_at", "run_id", "change")


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=40), page_size=15)


def newest(pipeline: Pipeline, status: str) -> Batch:
    return pipeline.truth.listed(status)[0]


def test_versions_are_counted_without_gaps_and_hold_what_was_true(pipeline: Pipeline) -> None:
    batch = pipeline.truth.create(total_recipients=50)
    states = [batch]
    pipeline.sync()
    deeds: list[Callable[[], Batch]] = [
        lambda: pipeline.truth.start(batch.id),
        lambda: pipeline.truth.progress(batch.id, completed=11, failed=2),
        lambda: pipeline.truth.progress(batch.id, completed=20, failed=17, touch=False),
        lambda: pipeline.truth.finish(batch.id),
    ]
    for deed in deeds:
        states.append(deed())
        assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 40}
        assert changes(pipeline.sync()) == {"unchanged": 41}
    history = pipeline.history(batch.id)
    assert [row["version"] for row in history] == [1, 2, 3, 4, 5]
    assert [row["change"] for row in history] == ["inserted", *["updated"] * 4]
    for row, state in zip(history, states, strict=True):
        truth = expected_row(state)
        assert {name: row[name] for name in row if name not in OWN} == {
            name: truth[name] for name in row if name not in OWN
        }
    moments = [row["observed_at"] for row in history]
    assert moments == sorted(set(moments))
    assert pipeline.row(batch.id)["version"] == 5
    assert pipeline.row(batch.id)["changed_at"] == moments[-1]
    assert pipeline.row(batch.id)["first_seen_at"] == moments[0]


def test_a_rerun_at_the_source_keeps_the_earlier_run_s_counts(pipeline: Pipeline) -> None:
    batch = newest(pipeline, "completed")
    pipeline.sync()
    pipeline.clock.pass_time(3600)
    pipeline.truth.rerun(batch.id)
    pipeline.sync()
    pipeline.truth.progress(batch.id, completed=3)
    pipeline.sync()
    assert pipeline.differences() == []
    counts = [(row["started_at"], row["completed_count"]) for row in pipeline.history(batch.id)]
    again = pipeline.truth[batch.id].started_at
    assert counts == [(batch.started_at, batch.completed_count), (again, 0), (again, 3)]


def respell(row: bytes) -> bytes:
    """The same values, spelled otherwise: keys in another order, other offsets, blanks, escapes."""
    values: dict[str, Any] = json.loads(row)
    for name in ("created_at", "updated_at", "started_at", "completed_at"):
        if values[name] is not None:
            local = datetime.fromisoformat(values[name]).astimezone(tz=OFFSET)
            values[name] = local.isoformat(sep=" ", timespec="microseconds")
    return json.dumps(dict(sorted(values.items(), reverse=True)), ensure_ascii=True, indent=1).encode()


OFFSET = datetime.fromisoformat("2026-01-01T00:00:00-03:30").tzinfo


def test_bytes_that_change_without_values_update_the_hash_and_nothing_else(pipeline: Pipeline) -> None:
    pipeline.sync()
    pipeline.truth.change(newest(pipeline, "completed").id, name="Changed before")
    pipeline.sync()
    before = pipeline.everything()
    for batch in pipeline.truth.listed():
        pipeline.sandbox.rows.corrupt(batch.id, raw=respell)
    assert changes(pipeline.sync()) == {"unchanged": 40}
    after = pipeline.everything()
    for old, new in zip(before["batch_calls"], after["batch_calls"], strict=True):
        assert old.pop("row_hash") != new.pop("row_hash")
    assert after == before
    pipeline.forbid_changes()
    assert changes(pipeline.sync()) == {"unchanged": 40}


def test_a_change_beside_a_new_spelling_is_one_update(pipeline: Pipeline) -> None:
    pipeline.sync()
    batch = newest(pipeline, "completed")
    pipeline.sandbox.rows.corrupt(batch.id, raw=respell)
    pipeline.truth.change(batch.id, name="Renamed", touch=False)
    assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 39}
    assert [row["change"] for row in pipeline.history(batch.id)] == ["inserted", "updated"]
    assert pipeline.differences() == []


def test_a_value_that_goes_and_comes_back_is_two_changes(pipeline: Pipeline) -> None:
    pipeline.sync()
    batch = newest(pipeline, "completed")
    before = pipeline.row(batch.id)
    pipeline.truth.change(batch.id, name="For a while", touch=False)
    pipeline.sync()
    pipeline.truth.restore(batch)
    pipeline.sync()
    after = pipeline.row(batch.id)
    own = {"changed_at", "run_id", "version"}
    assert {k: v for k, v in after.items() if k not in own} == {
        k: v for k, v in before.items() if k not in own
    }
    assert after["version"] == 3


# -- observations out of order -------------------------------------------------------------------------


def proof_of(pipeline: Pipeline, observed_at: datetime) -> Proof:
    """The whole list as it is now, said to have been seen then."""
    body = ask(pipeline.sandbox, action="list", limit=1000).body
    page = read_page(body, offset=0, limit=1000, observed_at=observed_at)
    return Proof(interval=EVERYTHING, rows=page.rows, observed_at=observed_at)


def test_a_stale_page_does_not_overwrite_a_newer_one(pipeline: Pipeline) -> None:
    run = pipeline.run()
    batch = newest(pipeline, "completed")
    now = run.clock.now()
    run.commit([proof_of(pipeline, now)])
    stale = proof_of(pipeline, now - timedelta(seconds=1))
    newer = pipeline.truth.progress(batch.id, completed=1)
    added = pipeline.truth.create()
    run.commit([proof_of(pipeline, now + timedelta(seconds=1))])
    before = pipeline.everything()
    run.commit([stale])
    assert pipeline.alive()[batch.id]["completed_count"] == newer.completed_count
    summary = run.succeed(most_deletes=None)
    assert (summary.status, summary.deleted) == (RunStatus.SUCCEEDED, 0)
    assert added.id in pipeline.alive()
    assert pipeline.differences() == []
    assert {**pipeline.everything(), "sync_missing": []} == {**before, "sync_missing": []}


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(days=3)])
def test_a_clock_that_is_set_back_between_runs_does_not_stop_updates(
    pipeline: Pipeline, back: timedelta
) -> None:
    batch = newest(pipeline, "completed")
    pipeline.sync()
    for _ in range(3):
        pipeline.clock.turn(-back)
        pipeline.truth.progress(batch.id, completed=1)
        assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 39}
        assert pipeline.differences() == []
    moments = [row["observed_at"] for row in pipeline.history(batch.id)]
    assert moments == sorted(set(moments))
    starts = [run["started_at"] for run in pipeline.runs()]
    assert starts == sorted(set(starts))


def test_a_clock_that_is_set_forward_does_not_stop_updates(pipeline: Pipeline) -> None:
    batch = newest(pipeline, "completed")
    pipeline.clock.turn(timedelta(days=400))
    pipeline.sync()
    pipeline.clock.turn(timedelta(days=-400))
    pipeline.truth.progress(batch.id, completed=1)
    assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 39}
    assert pipeline.differences() == []


@pytest.mark.parametrize("removed", [1, 40])
def test_a_batch_that_somebody_removed_from_the_table_comes_back_and_its_versions_go_on(
    pipeline: Pipeline, removed: int
) -> None:
    pipeline.sync()
    ids = [batch.id for batch in pipeline.truth.listed()][:removed]
    pipeline.change(delete(batch_calls).where(batch_calls.c.id.in_(ids)))
    summary = pipeline.sync()
    assert (summary.status, changes(summary)) == (
        RunStatus.SUCCEEDED,
        {"revived": removed} | ({"unchanged": 40 - removed} if removed < 40 else {}),
    )
    assert [(row["version"], row["change"]) for row in pipeline.history(ids[0])] == [
        (1, "inserted"),
        (2, "revived"),
    ]
    assert pipeline.differences() == []


def test_of_pages_that_were_seen_at_the_same_instant_each_notes_its_own(database: Database) -> None:
    """Those that are all new are found again by their time, which no other page has; some have none."""
    hour = timedelta(hours=1)
    pages: list[list[datetime | None]] = [[NOW, NOW - hour], [NOW - 2 * hour, None], [None, None]]
    with writing(database.engine) as connection:
        for page, times in enumerate(pages):
            rows = [listed(f"{page}-{at}", created_at) for at, created_at in enumerate(times)]
            writes = find_changes(rows, {}, NOW).writes
            save_batches(connection, "acme", 1, NOW, writes, all_new=True)
    seen = [("acme", f"{page}-{at}", 1, "inserted") for page in range(3) for at in range(2)]
    assert (
        ask_database(database, "SELECT account, id, version, change FROM batch_call_history ORDER BY id")
        == seen
    )
