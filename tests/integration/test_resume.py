"""A sync that was cut off is gone on with: what is committed stays, and is not fetched again."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from etl.model import RunMode, RunStatus
from etl.sandbox import SandboxOptions

from support.databases import Database
from support.pipeline import Killed, OnPage, Pipeline, changes

OPTIONS = SandboxOptions(batches=400, tie_groups=12, tie_size=3)
PAGES = 25  # of 20 rows, and some overlap


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """An account of 400 batches, in pages of 20, that nobody has synced."""
    return Pipeline(database, OPTIONS, page_size=20, fetch_ahead=2)


def whole_list(pipeline: Pipeline) -> list[int]:
    """Offsets that were asked for in the whole list, each as often as it was."""
    return [
        entry.offset
        for entry in pipeline.sandbox.journal
        if entry.status_filter is None and isinstance(entry.offset, int)
    ]


# -- the first sync -------------------------------------------------------------------------------


def test_a_first_sync_that_was_killed_needs_little_more_than_what_it_lacked(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=4_000, tie_groups=40, tie_size=3), page_size=100)
    with pipeline.killed_after(24):
        pipeline.sync(full=False)
    loaded = len(pipeline.alive())
    assert loaded >= 1_500
    second = pipeline.sync(full=False)
    assert (second.mode, second.status, second.inserted) == (
        RunMode.FULL,
        RunStatus.SUCCEEDED,
        4_000 - loaded,
    )
    assert second.requests <= 30
    assert pipeline.differences() == []
    assert [run["status"] for run in pipeline.runs()] == ["abandoned", "succeeded"]


@pytest.mark.parametrize("requests", [1, 2, 3, 11, PAGES - 2])
def test_wherever_a_first_sync_is_killed_the_next_one_ends_it(pipeline: Pipeline, requests: int) -> None:
    with pipeline.killed_after(requests):
        pipeline.sync(full=False)
    loaded = len(pipeline.alive())
    second = pipeline.sync(full=False)
    assert (second.complete, second.inserted) == (True, 400 - loaded)
    assert second.requests <= PAGES + 6 - requests
    assert pipeline.differences() == []
    assert all(len(pipeline.history(batch_id)) == 1 for batch_id in list(pipeline.alive())[::40])


def test_a_sync_that_is_killed_again_and_again_comes_to_its_end(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=20, fetch_ahead=1)  # a page is a load
    killed = 0
    for _ in range(12):
        try:
            pipeline.sync(full=False, progress=dying_after(7))
            break
        except Killed:
            killed += 1
    assert 3 <= killed <= 6
    assert pipeline.differences() == []
    assert max(Counter(whole_list(pipeline)).values()) <= killed + 1  # the top alone is read each time
    assert [run["status"] for run in pipeline.runs()] == ["abandoned"] * killed + ["succeeded"]


def dying_after(last: int) -> OnPage:
    """The process dies as soon as so many pages are committed."""

    def act(pages: int) -> None:
        if pages >= last:
            raise Killed

    return OnPage(act)


def test_between_a_page_and_its_commit_nothing_is_lost(pipeline: Pipeline) -> None:
    """The process dies while a page is written: all of it is there, or nothing."""
    for pages in (1, 2, 5):
        with pytest.raises(Killed):
            pipeline.sync(full=False, progress=dying_after(pages))
        for batch_id in pipeline.alive():
            assert len(pipeline.history(batch_id)) == 1
        proven = [covered.interval for covered in pipeline.coverage()]
        assert {
            batch.id
            for batch in pipeline.truth.listed()
            if batch.created_at is not None and any(batch.created_at in interval for interval in proven)
        } == set(pipeline.alive())


def test_a_source_that_fails_in_mid_walk_costs_no_page_twice(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.script = lambda number, _request: "redirect" if number >= 12 else None
    first = pipeline.sync(full=False)
    assert (first.status, first.exit_code) == (RunStatus.FAILED, 3)
    pipeline.sandbox.faults.clear()
    second = pipeline.sync(full=False)
    assert (second.complete, second.inserted) == (True, 400 - first.inserted)
    assert second.requests <= PAGES + 6 - 11
    assert pipeline.differences() == []


def test_a_sync_that_was_asked_to_stop_is_gone_on_with(pipeline: Pipeline) -> None:
    def stop(pages: int) -> None:
        pipeline.clock.stopped = pages >= 7

    first = pipeline.sync(full=False, progress=OnPage(stop))
    assert (first.status, first.exit_code) == (RunStatus.FAILED, 130)
    pipeline.clock.stopped = False
    second = pipeline.sync(full=False)
    assert (second.complete, second.inserted) == (True, 400 - first.inserted)
    assert first.inserted >= 7 * 15
    assert pipeline.differences() == []


def test_what_changed_between_the_attempts_is_in_the_table_in_time(pipeline: Pipeline) -> None:
    with pipeline.killed_after(10):
        pipeline.sync(full=False)
    newest, *_, oldest = pipeline.truth.listed()
    pipeline.truth.change(oldest.id, name="changed below what was read")
    pipeline.truth.delete(newest.id)
    created = [pipeline.truth.create() for _ in range(30)]
    assert pipeline.sync(full=False).complete
    assert pipeline.alive().keys() >= {batch.id for batch in created}
    assert newest.id not in pipeline.alive()
    for batch in pipeline.truth.listed()[60:110:10]:
        pipeline.truth.change(batch.id, name="changed above what was read")
    assert pipeline.sync(full=True).complete
    assert pipeline.differences() == []


# -- later ----------------------------------------------------------------------------------------


def test_a_first_sync_that_was_cut_off_long_ago_reads_what_is_alive_again(pipeline: Pipeline) -> None:
    with pipeline.killed_after(15):
        pipeline.sync(full=False)
    loaded = pipeline.alive()
    live = [
        batch_id for batch_id, row in loaded.items() if row["status"] in ("draft", "scheduled", "recurring")
    ]
    assert live
    pipeline.clock.pass_time(5 * 3600)
    for batch_id in live:
        pipeline.truth.change(batch_id, name="changed meanwhile")
    second = pipeline.sync(full=False)
    assert (second.mode, second.complete) == (RunMode.INCREMENTAL, True)
    assert second.updated == len(live)
    assert pipeline.differences() == []


def test_a_full_sync_that_was_killed_is_gone_on_with_by_the_next_full_one(pipeline: Pipeline) -> None:
    pipeline.sync()
    pipeline.clock.pass_time(3 * 3600)
    began = pipeline.clock.now()
    with pipeline.killed_after(14):
        pipeline.sync(full=True)
    for batch in pipeline.truth.listed()[300:400:10]:
        pipeline.truth.change(batch.id, touch=False, name="changed since")
    second = pipeline.sync(full=True)
    assert (second.mode, second.complete, second.updated) == (RunMode.FULL, True, 10)
    assert second.requests <= PAGES + 6 - 14
    assert pipeline.differences() == []
    assert min(covered.proven_at for covered in pipeline.coverage()) >= began


def test_after_an_hour_a_full_sync_is_begun_anew(pipeline: Pipeline) -> None:
    with pipeline.killed_after(14):
        pipeline.sync(full=True)
    pipeline.clock.pass_time(3601)
    began = pipeline.clock.now()
    second = pipeline.sync(full=True)
    assert (second.mode, second.rows_seen) == (RunMode.FULL, 400)
    assert min(covered.proven_at for covered in pipeline.coverage()) >= began
    assert pipeline.differences() == []


def test_an_incremental_sync_that_was_killed_is_repeated(pipeline: Pipeline) -> None:
    pipeline.sync()
    for requests in (1, 2, 4):
        for batch in pipeline.truth.listed("completed")[50:60]:
            pipeline.truth.rerun(batch.id)
        pipeline.truth.delete(pipeline.truth.listed("draft")[0].id)
        pipeline.truth.create()
        with pipeline.killed_after(requests):
            pipeline.sync(full=False)
        assert pipeline.sync(full=False).complete
        assert pipeline.differences() == []


def test_deletes_that_a_killed_sync_had_noted_are_made_by_the_next(pipeline: Pipeline) -> None:
    pipeline.sync()
    gone = pipeline.truth.listed()[30]
    pipeline.truth.delete(gone.id)
    with pipeline.killed_after(8):
        pipeline.sync(full=True)
    assert gone.id in pipeline.alive()
    assert pipeline.sync(full=True).deleted == 1
    assert pipeline.differences() == []


def test_what_came_back_between_the_attempts_is_not_marked_deleted(pipeline: Pipeline) -> None:
    pipeline.sync()
    gone = pipeline.truth.delete(pipeline.truth.listed()[5].id)
    with pipeline.killed_after(8):
        pipeline.sync(full=True)
    pipeline.truth.restore(gone)
    pipeline.clock.pass_time(3601)  # begun anew
    assert changes(pipeline.sync(full=True)) == {"unchanged": 400}
    assert pipeline.differences() == []


# -- at any time ----------------------------------------------------------------------------------


def test_intervals_never_overlap_and_claim_nothing_that_was_not_read(database: Database) -> None:
    """Syncs, kills, backfills and changes in turn; who changed before a proof is right in the table."""
    pipeline = Pipeline(database, SandboxOptions(batches=200, tie_groups=8, tie_size=3), page_size=20)
    changed_at: dict[str, datetime] = {}
    oldest = pipeline.truth.listed()[-1].created_at
    assert oldest is not None
    for turn in range(24):
        batch = pipeline.truth.listed()[(turn * 37) % 190]
        pipeline.truth.change(batch.id, touch=False, name=f"renamed in turn {turn}")
        changed_at[batch.id] = pipeline.clock.now()
        pipeline.truth.create()
        pipeline.clock.pass_time(1800 * (turn % 4))
        if turn % 3 == 2:
            pipeline.sync(full=turn % 2 == 0)
        elif turn % 4 == 0:
            pipeline.backfill(oldest + timedelta(days=15 * turn), oldest + timedelta(days=15 * turn + 40))
        else:
            with pipeline.killed_after(1 + turn % 5):
                pipeline.sync(full=turn % 5 == 0)
        assert_coverage_is_true(pipeline, changed_at)


def assert_coverage_is_true(pipeline: Pipeline, changed_at: dict[str, datetime]) -> None:
    coverage = pipeline.coverage()
    for upper, lower in pairwise(coverage):
        assert upper.interval.after is not None
        assert lower.interval.upto is not None
        assert lower.interval.upto <= upper.interval.after
    table = pipeline.alive()
    for batch in pipeline.truth.listed():
        proven = [
            at for interval, at in coverage if batch.created_at is not None and batch.created_at in interval
        ]
        at = changed_at.get(batch.id)
        if proven and (at is None or at < proven[0]):
            assert table[batch.id]["name"] == batch.name, proven
