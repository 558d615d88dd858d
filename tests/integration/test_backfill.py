"""A window of the list, read again: found by search, gone on with when cut off, and nothing else touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from etl import app
from etl.interval import RESOLUTION
from etl.jobs.backfill import Window
from etl.model import RunMode, RunStatus, RunSummary
from etl.sandbox import Batch, SandboxOptions
from etl.state.lock import account_lock
from etl.tables import sync_coverage

from support.databases import Database
from support.pipeline import ABOUT_THE_SOURCE, Pipeline, changes
from support.truth import differences, expected_rows

OPTIONS = SandboxOptions(batches=300, tie_groups=12, tie_size=3)
DAY = timedelta(days=1)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """An account of 300 batches, in pages of 20, that nobody has synced."""
    return Pipeline(database, OPTIONS, page_size=20, fetch_ahead=2)


def created(batch: Batch) -> datetime:
    assert batch.created_at is not None
    return batch.created_at


def window_of(pipeline: Pipeline, newest: int, oldest: int) -> tuple[datetime, datetime]:
    """From the batch at the one position of the list until behind that at the other."""
    listed = pipeline.truth.listed()
    return created(listed[oldest]), created(listed[newest]) + RESOLUTION


def inside(pipeline: Pipeline, since: datetime, until: datetime | None, *statuses: str) -> list[Batch]:
    return [
        batch
        for batch in pipeline.truth.listed()
        if since <= created(batch) and (until is None or created(batch) < until)
        if not statuses or batch.status in statuses
    ]


def assert_holds(pipeline: Pipeline, batches: list[Batch]) -> None:
    """The table has exactly these, as they are."""
    assert differences(pipeline.alive(), expected_rows(batches)) == []


def assert_all_is_read(pipeline: Pipeline) -> None:
    """By the next sync, whatever the backfill has done before it."""
    assert pipeline.sync(full=False).complete
    assert pipeline.differences() == []


def ended_well(summary: RunSummary) -> bool:
    return (summary.mode, summary.status, summary.error) == (RunMode.BACKFILL, RunStatus.SUCCEEDED, None)


# -- the window -----------------------------------------------------------------------------------


def test_a_window_in_the_middle_of_a_long_list_costs_few_requests(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=12_000))
    since, until = window_of(pipeline, 6_000, 6_999)
    batches = inside(pipeline, since, until)
    summary = pipeline.backfill(since, until)
    assert ended_well(summary)
    assert (summary.inserted, summary.rows_seen) == (len(batches), len(batches))
    assert len(batches) >= 1_000
    assert summary.requests <= 9
    assert_holds(pipeline, batches)
    assert_all_is_read(pipeline)
    again = pipeline.backfill(since, until)
    assert changes(again) == {"unchanged": len(batches)}
    assert again.requests <= 3


@pytest.mark.parametrize(
    ("newest", "oldest"),
    [(0, 0), (0, 25), (100, 100), (100, 101), (90, 190), (299, 299), (250, 299), (0, 299)],
)
def test_exactly_the_window_is_read_wherever_it_lies(pipeline: Pipeline, newest: int, oldest: int) -> None:
    since, until = window_of(pipeline, newest, oldest)
    summary = pipeline.backfill(since, until)
    assert ended_well(summary)
    assert_holds(pipeline, inside(pipeline, since, until))
    before = pipeline.everything()
    pipeline.forbid_changes()
    assert changes(pipeline.backfill(since, until)).keys() == {"unchanged"}
    assert pipeline.everything() == before


def test_a_group_of_equal_times_is_inside_or_outside_as_a_whole(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=120, tie_groups=12, tie_size=6), page_size=20)
    times = [created(batch) for batch in pipeline.truth.listed()]
    tied = sorted({time for time in times if times.count(time) == 6})
    since, until = tied[3], tied[8]
    assert ended_well(pipeline.backfill(since, until))
    held = pipeline.alive().values()
    assert sum(row["created_at"] == since for row in held) == 6
    assert sum(row["created_at"] == until for row in held) == 0
    assert_holds(pipeline, inside(pipeline, since, until))


@pytest.mark.parametrize("days", [-400, 1])
def test_a_window_in_which_nothing_was_created_is_empty(pipeline: Pipeline, days: int) -> None:
    listed = pipeline.truth.listed()
    edge = created(listed[0 if days > 0 else -1])
    summary = pipeline.backfill(edge + days * DAY, edge + (days + 1) * DAY)
    assert (ended_well(summary), changes(summary)) == (True, {})
    assert_all_is_read(pipeline)


@pytest.mark.parametrize("batches", [0, 1])
def test_the_smallest_lists_can_be_backfilled(database: Database, batches: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=batches))
    summary = pipeline.backfill(pipeline.clock.now() - 1000 * DAY)
    assert (ended_well(summary), summary.inserted) == (True, batches)
    assert_all_is_read(pipeline)


def test_batches_without_created_at_are_in_no_window(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=90, null_created_at=30, tie_groups=0), page_size=20)
    summary = pipeline.backfill(pipeline.clock.now() - 1000 * DAY)
    assert (ended_well(summary), summary.inserted) == (True, 60)
    assert_all_is_read(pipeline)


def test_what_changed_inside_the_window_is_found_and_nothing_else(pipeline: Pipeline) -> None:
    pipeline.sync()
    listed = pipeline.truth.listed()
    for position in (20, 110, 130, 150, 280):
        pipeline.truth.change(listed[position].id, touch=False, name="silently renamed")
    for position in (30, 140, 290):
        pipeline.truth.delete(listed[position].id)
    summary = pipeline.backfill(created(listed[180]), created(listed[100]))
    assert (summary.updated, summary.deleted) == (3, 1)
    table = pipeline.alive()
    assert table[listed[20].id]["name"] == listed[20].name
    assert listed[30].id in table


def test_a_backfill_that_would_delete_too_much_deletes_nothing(pipeline: Pipeline) -> None:
    pipeline.sync()
    listed = pipeline.truth.listed()
    for batch in listed[100:200]:
        pipeline.truth.delete(batch.id)
    summary = pipeline.backfill(created(listed[220]), created(listed[80]))
    assert (summary.status, summary.exit_code, summary.deleted) == (RunStatus.FAILED, 1, 0)
    assert "--allow-deletes" in str(summary.hint)
    assert len(pipeline.alive()) == 300


# -- and the syncs around it ----------------------------------------------------------------------


def middle(pipeline: Pipeline) -> tuple[datetime, datetime | None]:
    return window_of(pipeline, 100, 150)


def until_now(pipeline: Pipeline) -> tuple[datetime, datetime | None]:
    return created(pipeline.truth.listed()[60]), None


def until_tomorrow(pipeline: Pipeline) -> tuple[datetime, datetime | None]:
    return created(pipeline.truth.listed()[60]), pipeline.clock.now() + DAY


def until_a_moment_ago(pipeline: Pipeline) -> tuple[datetime, datetime | None]:
    return created(pipeline.truth.listed()[60]), pipeline.clock.now()


def from_the_beginning(pipeline: Pipeline) -> tuple[datetime, datetime | None]:
    return created(pipeline.truth.listed()[-1]) - DAY, created(pipeline.truth.listed()[200])


@pytest.mark.parametrize("is_known", [False, True], ids=["never-synced", "synced"])
@pytest.mark.parametrize(
    "choose", [middle, until_now, until_tomorrow, until_a_moment_ago, from_the_beginning]
)
def test_what_is_created_around_a_backfill_is_found_by_the_next_sync(
    pipeline: Pipeline, choose: Callable[[Pipeline], tuple[datetime, datetime | None]], is_known: bool
) -> None:
    """New batches before, during and after it, with a source whose clock is behind by half a minute, too."""
    if is_known:
        pipeline.sync()
    for _ in range(25):
        pipeline.truth.create(created_at=pipeline.clock.now() - timedelta(seconds=30))
    since, until = choose(pipeline)
    pipeline.sandbox.before = lambda _number, world: world["default"].create()
    assert ended_well(pipeline.backfill(since, until))
    pipeline.sandbox.before = None
    for second in range(45):
        pipeline.truth.create(created_at=pipeline.clock.now() - timedelta(seconds=30 - second % 30))
    assert_all_is_read(pipeline)


def test_a_backfill_leaves_the_point_alone_from_which_a_sync_reads_on(pipeline: Pipeline) -> None:
    pipeline.sync()
    top = pipeline.coverage()[0].interval.upto
    for _ in range(3):
        pipeline.clock.pass_time(3600)
        pipeline.truth.create()
    assert ended_well(pipeline.backfill(*window_of(pipeline, 100, 150)))
    assert pipeline.coverage()[0].interval.upto == top
    sync = pipeline.sync(full=False)
    assert (sync.mode, sync.inserted) == (RunMode.INCREMENTAL, 3)
    assert pipeline.differences() == []


def test_what_a_backfill_has_proven_is_as_old_as_it_is(pipeline: Pipeline) -> None:
    pipeline.sync()
    pipeline.clock.pass_time(5 * 3600)
    began = pipeline.clock.now()
    since, until = window_of(pipeline, 100, 150)
    pipeline.backfill(since, until)
    proven = {covered.interval: covered.proven_at for covered in pipeline.coverage()}
    assert {at >= began for interval, at in proven.items() if since in interval} == {True}
    assert min(proven.values()) < began


# -- cut off --------------------------------------------------------------------------------------


@pytest.mark.parametrize("statuses", [(), ("completed", "failed", "recurring")], ids=["all", "statuses"])
def test_a_backfill_that_is_killed_again_and_again_fetches_no_finished_page_twice(
    pipeline: Pipeline, statuses: tuple[str, ...]
) -> None:
    since, until = window_of(pipeline, 40, 250)
    whole = fresh_requests(pipeline, since, until, *statuses)
    for attempt in range(4):
        with pipeline.killed_after(4):
            pipeline.backfill(since, until, *statuses)
        assert len(pipeline.alive()) >= 20 * (attempt + 1)
    last = pipeline.backfill(since, until, *statuses)
    assert ended_well(last)
    assert_holds(pipeline, inside(pipeline, since, until, *statuses))
    assert len(pipeline.sandbox.journal) <= whole + 4 * 3
    assert_all_is_read(pipeline)


def fresh_requests(pipeline: Pipeline, since: datetime, until: datetime, *statuses: str) -> int:
    """What it costs in one go, in a database that is thrown away."""
    summary = pipeline.backfill(since, until, *statuses)
    assert ended_well(summary)
    for table in (*ABOUT_THE_SOURCE, sync_coverage):
        pipeline.change(table.delete())
    pipeline.sandbox.journal.clear()
    return summary.requests


def test_an_attempt_that_dies_at_once_keeps_how_far_the_one_before_it_came(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 0, 299)
    with pipeline.killed_after(6):
        pipeline.backfill(since, until, "completed")
    loaded = len(pipeline.alive())
    for _ in range(2):
        with pipeline.killed_after(0):
            pipeline.backfill(since, until, "completed")
    last = pipeline.backfill(since, until, "completed")
    assert (last.inserted, last.unchanged) == (len(inside(pipeline, since, until, "completed")) - loaded, 0)


def test_another_window_is_begun_anew(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 0, 299)
    with pipeline.killed_after(6):
        pipeline.backfill(since, until)
    loaded = len(pipeline.alive())
    summary = pipeline.backfill(since - DAY, until)
    assert (summary.inserted, summary.unchanged) == (300 - loaded, loaded)


def test_a_window_that_was_read_to_its_end_is_read_anew(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 100, 160)
    count = len(inside(pipeline, since, until))
    for found in ({"inserted": count}, {"unchanged": count}):
        assert changes(pipeline.backfill(since, until)) == found


def test_an_attempt_of_the_day_before_is_not_gone_on_with(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 0, 299)
    with pipeline.killed_after(6):
        pipeline.backfill(since, until)
    loaded = len(pipeline.alive())
    pipeline.clock.pass_time(25 * 3600)
    assert pipeline.backfill(since, until).unchanged == loaded


def test_a_source_that_fails_in_mid_window_leaves_what_was_read(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 0, 299)
    pipeline.sandbox.faults.at(9, "redirect")
    first = pipeline.backfill(since, until)
    assert (first.status, first.exit_code) == (RunStatus.FAILED, 3)
    second = pipeline.backfill(since, until)
    assert (ended_well(second), second.inserted) == (True, 300 - first.inserted)


# -- by status ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_known", [False, True], ids=["never-synced", "synced"])
def test_only_batches_of_these_statuses_are_read(pipeline: Pipeline, is_known: bool) -> None:
    since, until = window_of(pipeline, 40, 250)
    if is_known:
        pipeline.sync()
        for batch in pipeline.truth.listed()[60:200:7]:
            pipeline.truth.change(batch.id, touch=False, name="silently renamed")
    summary = pipeline.backfill(since, until, "failed", "recurring")
    batches = inside(pipeline, since, until, "failed", "recurring")
    assert (ended_well(summary), summary.rows_seen) == (True, len(batches))
    table = pipeline.alive()
    read = table if not is_known else {batch.id: table[batch.id] for batch in batches}
    assert differences(read, expected_rows(batches)) == []
    if is_known:
        assert summary.updated == sum(batch.name == "silently renamed" for batch in batches)
    assert {entry.status_filter for entry in list(pipeline.sandbox.journal)[-summary.requests :]} == {
        "failed",
        "recurring",
    }


def test_a_status_that_the_source_does_not_know_is_an_empty_list(pipeline: Pipeline) -> None:
    summary = pipeline.backfill(*window_of(pipeline, 40, 250), "parked")
    assert (ended_well(summary), summary.rows_seen) == (True, 0)


def test_a_backfill_by_status_proves_nothing_and_deletes_nothing(pipeline: Pipeline) -> None:
    pipeline.sync()
    before = pipeline.coverage()
    for batch in inside(pipeline, *window_of(pipeline, 40, 250), "completed")[:3]:
        pipeline.truth.delete(batch.id)
    pipeline.clock.pass_time(3600)
    assert ended_well(pipeline.backfill(*window_of(pipeline, 40, 250), "completed"))
    assert pipeline.coverage() == before
    assert len(pipeline.alive()) == 300


# -- what it would cost, and who may run ----------------------------------------------------------


@pytest.mark.parametrize("statuses", [(), ("completed",)], ids=["all", "status"])
@pytest.mark.parametrize(("newest", "oldest"), [(100, 110), (60, 240)])
def test_what_a_dry_run_says_is_what_it_costs(
    pipeline: Pipeline, newest: int, oldest: int, statuses: tuple[str, ...]
) -> None:
    pipeline.sync()
    since, until = window_of(pipeline, newest, oldest)
    requests = len(pipeline.sandbox.journal)
    (plan,) = app.dry_run_backfill(
        pipeline.settings, since=since, until=until, statuses=statuses, clock=pipeline.clock
    )
    assert len(pipeline.sandbox.journal) == requests
    assert [run["mode"] for run in pipeline.runs()] == ["full"]
    summary = pipeline.backfill(since, until, *statuses)
    assert plan.requests is not None
    assert abs(plan.requests - summary.requests) <= 1
    assert plan.rows == summary.rows_seen


def test_what_nobody_knows_a_dry_run_does_not_tell(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 100, 200)
    with pipeline.killed_after(8):
        pipeline.sync()
    (plan,) = app.dry_run_backfill(pipeline.settings, since=since, until=until, clock=pipeline.clock)
    assert (plan.requests, plan.rows) == (None, None)


def test_a_run_tells_how_many_rows_to_expect_where_that_is_known(pipeline: Pipeline) -> None:
    seen: list[int | None] = []

    class Watch:
        def page(self, *, expected_rows: int | None, **_counts: Any) -> None:
            seen.append(expected_rows)

        def finished(self, summary: RunSummary) -> None: ...

    since, until = window_of(pipeline, 100, 200)
    pipeline.backfill(since, until, progress=Watch())
    assert set(seen) == {None}
    pipeline.sync()
    seen.clear()
    summary = pipeline.backfill(since, until, progress=Watch())
    assert set(seen) == {summary.rows_seen}


def test_no_backfill_runs_beside_a_sync_of_the_same_account(pipeline: Pipeline) -> None:
    name, engine = pipeline.truth.name, pipeline.database.engine
    with account_lock(engine, pipeline.settings, name):
        summary = pipeline.backfill(*window_of(pipeline, 0, 10))
    assert (summary.run_id, summary.exit_code, summary.requests) == (None, 5, 0)


def test_a_window_is_checked_before_anything_is_touched(pipeline: Pipeline) -> None:
    since, until = window_of(pipeline, 0, 10)
    with pytest.raises(ValueError, match="holds nothing"):
        pipeline.backfill(until, since)
    with pytest.raises(ValueError, match="zone"):
        Window(since=since.replace(tzinfo=None))
    assert pipeline.runs() == []
