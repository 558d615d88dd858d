"""A batch is marked deleted when a proven read lacks it, never by an empty list, never too many unasked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl.engine import reading, writing
from etl.interval import Interval
from etl.load.deletes import count_missing
from etl.load.facts import Facts
from etl.load.page import load_proof, load_rows
from etl.model import RunMode, RunStatus
from etl.proof import Proof
from etl.report.health_queries import read_facts
from etl.sandbox import SandboxOptions
from etl.tables import sync_missing

from support.databases import Database
from support.pipeline import Pipeline, changes
from support.rows import listed


def test_batches_that_are_gone_are_marked_deleted_with_history(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30)
    pipeline.sync()
    gone = [pipeline.truth.delete(batch.id) for batch in pipeline.truth.listed()[::20]]
    last_seen = {batch.id: pipeline.row(batch.id) for batch in gone}
    summary = pipeline.sync()
    assert changes(summary) == {"unchanged": 114, "deleted": 6}
    assert pipeline.differences() == []
    for batch in gone:
        row = pipeline.row(batch.id)
        own = {"deleted_at", "changed_at", "run_id", "version"}
        assert {k: v for k, v in row.items() if k not in own} == {
            k: v for k, v in last_seen[batch.id].items() if k not in own
        }
        assert summary.started_at <= row["deleted_at"] == row["changed_at"] <= summary.finished_at
        assert (row["version"], row["run_id"]) == (2, summary.run_id)
        history = pipeline.history(batch.id)
        assert [(entry["version"], entry["change"]) for entry in history] == [(1, "inserted"), (2, "deleted")]
        assert history[1]["observed_at"] == row["deleted_at"]
        assert {k: v for k, v in history[1].items() if k in last_seen[batch.id] and k not in own} == {
            k: v for k, v in last_seen[batch.id].items() if k in history[1] and k not in own
        }


@pytest.mark.parametrize("at", [0, 29, 119])
def test_a_batch_that_is_gone_is_noticed_wherever_it_stood(database: Database, at: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120, tie_groups=0), page_size=30)
    pipeline.sync()
    gone = pipeline.truth.delete(pipeline.truth.listed()[at].id)
    assert changes(pipeline.sync()) == {"unchanged": 119, "deleted": 1}
    assert pipeline.row(gone.id)["deleted_at"] is not None
    assert pipeline.differences() == []


def test_one_of_a_tie_that_is_gone_is_noticed(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30, tie_groups=1, tie_size=30), page_size=20)
    pipeline.sync()
    pipeline.truth.delete(pipeline.truth.listed()[7].id)
    assert changes(pipeline.sync()) == {"unchanged": 29, "deleted": 1}
    assert pipeline.differences() == []


def test_one_without_created_at_that_is_gone_is_noticed(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=40, null_created_at=9), page_size=15)
    pipeline.sync()
    pipeline.truth.delete(pipeline.truth.listed()[4].id)
    assert changes(pipeline.sync()) == {"unchanged": 39, "deleted": 1}
    assert pipeline.differences() == []


def test_deleted_batches_are_not_touched_by_later_runs(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30)
    pipeline.sync()
    for batch in pipeline.truth.listed()[:8]:
        pipeline.truth.delete(batch.id)
    pipeline.sync()
    before = pipeline.everything()
    pipeline.forbid_changes()
    assert changes(pipeline.sync()) == {"unchanged": 112}
    assert pipeline.everything() == before


def test_a_batch_that_comes_back_is_revived_with_history(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60))
    pipeline.sync()
    batch = pipeline.truth.delete(pipeline.truth.listed()[5].id)
    pipeline.sync()
    first_seen_at = pipeline.row(batch.id)["first_seen_at"]
    pipeline.truth.restore(batch)
    assert changes(pipeline.sync()) == {"unchanged": 59, "revived": 1}
    assert pipeline.differences() == []
    assert pipeline.row(batch.id)["first_seen_at"] == first_seen_at
    assert [(row["version"], row["change"]) for row in pipeline.history(batch.id)] == [
        (1, "inserted"),
        (2, "deleted"),
        (3, "revived"),
    ]
    assert changes(pipeline.sync()) == {"unchanged": 60}


def test_a_batch_that_comes_back_changed_is_revived_once(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60))
    pipeline.sync()
    batch = pipeline.truth.delete(pipeline.truth.listed()[5].id)
    pipeline.sync()
    pipeline.truth.restore(batch)
    pipeline.truth.change(batch.id, name="Back again")
    assert changes(pipeline.sync()) == {"unchanged": 59, "revived": 1}
    assert [row["change"] for row in pipeline.history(batch.id)] == ["inserted", "deleted", "revived"]
    assert pipeline.differences() == []


# -- too many at once ----------------------------------------------------------------------------------


def test_too_many_deletes_stop_the_run_until_an_operator_allows_them(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=1_500))
    pipeline.sync()
    before = pipeline.alive()
    pipeline.truth.vanish(0.6)
    summary = pipeline.sync()
    assert (summary.status, summary.complete, summary.exit_code) == (RunStatus.FAILED, False, 1)
    assert "900 of 1,500 batches are gone" in str(summary.error)
    assert "300" in str(summary.error)
    assert "--allow-deletes" in str(summary.hint)
    assert summary.deleted == 0
    assert pipeline.alive() == before
    allowed = pipeline.sync(allow_deletes=True)
    assert (allowed.status, allowed.deleted) == (RunStatus.SUCCEEDED, 900)
    assert pipeline.differences() == []
    assert changes(pipeline.sync()) == {"unchanged": 600}


def test_what_came_and_changed_is_loaded_though_the_deletes_are_stopped(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120))
    pipeline.sync()
    pipeline.truth.vanish(0.5)
    pipeline.truth.create()
    pipeline.truth.progress(pipeline.truth.listed()[1].id, completed=1)
    summary = pipeline.sync()
    assert (summary.status, changes(summary)) == (
        RunStatus.FAILED,
        {"inserted": 1, "updated": 1, "unchanged": 59},
    )


@pytest.mark.parametrize("options", [{}, {"full": False}, {"allow_deletes": True}], ids=str)
def test_batches_that_are_back_after_the_guard_stopped_a_run_are_not_deleted(
    database: Database, options: dict[str, bool]
) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30)
    pipeline.sync()
    before = pipeline.everything()
    gone = pipeline.truth.vanish(0.6)
    assert pipeline.sync().exit_code == 1
    pipeline.truth.restore(*gone)
    summary = pipeline.sync(**options)
    assert (summary.status, summary.deleted) == (RunStatus.SUCCEEDED, 0)
    assert pipeline.differences() == []
    assert {**pipeline.everything(), "sync_missing": []} == before


@pytest.mark.parametrize("allow_deletes", [False, True])
def test_an_incremental_sync_looks_again_at_what_the_guard_stopped(
    database: Database, allow_deletes: bool
) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=400, tie_groups=0, cap=20))
    pipeline.sync()
    assert pipeline.sync(full=False).mode == RunMode.INCREMENTAL
    gone = pipeline.truth.vanish(0.6)
    assert pipeline.sync().exit_code == 1
    pipeline.truth.restore(*gone)
    again = pipeline.sync(full=False, allow_deletes=allow_deletes)
    assert (again.status, again.deleted) == (RunStatus.SUCCEEDED, 0)
    assert pipeline.differences() == []
    assert pipeline.sync(full=False).mode == RunMode.INCREMENTAL


def test_what_a_cut_off_run_found_gone_is_held_back_by_nobody(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30, fetch_ahead=1)
    pipeline.sync()
    gone = pipeline.truth.listed()[0]
    pipeline.truth.delete(gone.id)
    with pipeline.killed_after(3):
        pipeline.sync()
    assert [row["id"] for row in pipeline.read(sync_missing)] == [gone.id]
    assert held(pipeline) == 0
    assert pipeline.sync(full=False).deleted == 1


def test_what_the_guard_holds_back_is_known_until_it_is_settled(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30)
    pipeline.sync()
    gone = pipeline.truth.vanish(0.6)
    pipeline.sync()
    assert held(pipeline) == len(gone)
    pipeline.truth.restore(gone[0])
    pipeline.sync()
    assert held(pipeline) == len(gone) - 1
    pipeline.sync(allow_deletes=True)
    assert held(pipeline) == 0


def held(pipeline: Pipeline) -> int:
    with reading(pipeline.database.engine) as connection:
        return read_facts(connection)[0].deletes_held


def test_a_few_deletes_are_always_allowed(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=12))
    pipeline.sync()
    for batch in pipeline.truth.listed()[:10]:
        pipeline.truth.delete(batch.id)
    assert changes(pipeline.sync()) == {"unchanged": 2, "deleted": 10}


def test_the_guard_is_as_the_settings_say(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=40), delete_guard_share=0.05, delete_guard_rows=0)
    pipeline.sync()
    gone = [pipeline.truth.delete(batch.id) for batch in pipeline.truth.listed()[:3]]
    assert pipeline.sync().exit_code == 1
    pipeline.truth.restore(gone[0])
    assert changes(pipeline.sync()) == {"unchanged": 38, "deleted": 2}


def test_the_guard_s_share_is_exact(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=100), delete_guard_share=0.29, delete_guard_rows=0)
    pipeline.sync()
    for batch in pipeline.truth.listed()[:29]:
        pipeline.truth.delete(batch.id)
    assert changes(pipeline.sync()) == {"unchanged": 71, "deleted": 29}


# -- an empty list -------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [True, False])
def test_a_list_that_turns_empty_deletes_nothing_and_fails_the_run(database: Database, full: bool) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=8))
    pipeline.sync()
    before = pipeline.everything()
    pipeline.truth.vanish()
    for _ in range(2):
        summary = pipeline.sync(full=full)
        assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 1)
        assert "no batch at all" in str(summary.error)
        assert pipeline.everything() == before


@pytest.mark.parametrize("full", [True, False])
def test_an_empty_list_deletes_all_when_an_operator_allows_it(database: Database, full: bool) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.sync()
    pipeline.truth.vanish()
    assert pipeline.sync(full=full).exit_code == 1
    summary = pipeline.sync(full=full, allow_deletes=True)
    assert (summary.status, changes(summary)) == (RunStatus.SUCCEEDED, {"deleted": 30})
    assert pipeline.alive() == {}
    again = pipeline.sync(full=full)
    assert (again.status, changes(again)) == (RunStatus.SUCCEEDED, {})


@pytest.mark.parametrize("full", [True, False])
def test_an_account_that_was_always_empty_succeeds(database: Database, full: bool) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=0))
    for _ in range(2):
        summary = pipeline.sync(full=full)
        assert (summary.status, summary.complete, summary.rows_seen) == (RunStatus.SUCCEEDED, True, 0)
    pipeline.truth.create()
    assert changes(pipeline.sync(full=full)) == {"inserted": 1}


def test_a_list_that_turns_empty_in_mid_walk_deletes_nothing(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30, fetch_ahead=1)
    pipeline.sync()
    beginning = pipeline.sandbox.requests
    pipeline.sandbox.before = lambda number, world: (
        world["default"].vanish() if number == beginning + 2 else None
    )
    summary = pipeline.sync()
    assert (summary.complete, summary.deleted) == (False, 0)
    assert len(pipeline.alive()) == 120


def test_a_run_that_fails_deletes_nothing(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120), page_size=30, fetch_ahead=1, max_attempts=2)
    pipeline.sync()
    for batch in pipeline.truth.listed()[3:6]:
        pipeline.truth.delete(batch.id)
    beginning = pipeline.sandbox.requests
    pipeline.sandbox.faults.script = lambda number, _: "reset" if number > beginning + 2 else None
    assert (pipeline.sync().exit_code, len(pipeline.alive())) == (3, 120)
    pipeline.sandbox.faults.clear()
    pipeline.clock.pass_time(timedelta(hours=3).total_seconds())
    assert changes(pipeline.sync()) == {"unchanged": 117, "deleted": 3}
    assert pipeline.differences() == []
    assert pipeline.read(sync_missing) == []


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("by_status", [False, True])
def test_what_a_first_run_has_loaded_and_then_finds_gone_is_noted(
    database: Database, by_status: bool
) -> None:
    """It looks up nothing where it comes for the first time, and all where it comes again."""
    upper = Interval(after=NOON, upto=None)
    lower = Interval(after=NOON - HOUR, upto=NOON)
    one, other = listed("one", NOON + HOUR), listed("other", NOON)
    with writing(database.engine) as connection:
        facts = Facts.read(connection, "acme")
        if by_status:
            load_rows(connection, "acme", 1, [other], NOON, facts)
        load_proof(connection, "acme", 1, Proof(interval=upper, rows=(one,), observed_at=NOON), facts)
        if not by_status:
            load_proof(connection, "acme", 1, Proof(interval=lower, rows=(other,), observed_at=NOON), facts)
        assert count_missing(connection, "acme") == 0
        later = NOON + HOUR
        load_proof(connection, "acme", 1, Proof(interval=lower, rows=(), observed_at=later), facts)
        assert count_missing(connection, "acme") == 1
