"""Syncs of a list that is known already: few requests, and the table is right all the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from etl.engine import reading
from etl.model import RunMode, RunStatus, RunSummary
from etl.sandbox import Batch, Request, SandboxOptions, World

from support.databases import Database
from support.pipeline import Pipeline, changes

OPTIONS = SandboxOptions(batches=900, tie_groups=20, tie_size=3)
HOUR = timedelta(hours=1)
only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """An account of 900 batches, in pages of 60, that has been synced."""
    pipeline = Pipeline(database, OPTIONS, page_size=60)
    assert pipeline.sync().complete
    return pipeline


def sync(pipeline: Pipeline) -> RunSummary:
    """A sync that is incremental and complete, and leaves the table right."""
    summary = sync_amid_changes(pipeline)
    assert pipeline.differences() == []
    return summary


def sync_amid_changes(pipeline: Pipeline) -> RunSummary:
    summary = pipeline.sync(full=False)
    assert (summary.mode, summary.status, summary.error) == (RunMode.INCREMENTAL, RunStatus.SUCCEEDED, None)
    return summary


def of_status(pipeline: Pipeline, status: str, count: int) -> list[Batch]:
    """So many batches of that status, from all ages of the list."""
    listed = pipeline.truth.listed(status)
    assert len(listed) >= count
    return listed[:: len(listed) // count][:count]


# -- what it costs --------------------------------------------------------------------------------


def test_a_sync_of_a_long_list_costs_few_requests(database: Database) -> None:
    batches = 20_000 if database.dialect == "sqlite" else 7_000  # the source does not know where it goes
    pipeline = Pipeline(database, SandboxOptions(batches=batches))
    first = pipeline.sync(full=False)
    assert (first.mode, first.complete, first.inserted) == (RunMode.FULL, True, batches)
    assert first.requests <= 24
    quiet = sync(pipeline)
    assert (quiet.requests, quiet.rows_seen) == (6, quiet.unchanged)

    for _ in range(5):
        pipeline.truth.create()
    re_run = of_status(pipeline, "completed", 3)[1:]
    for batch in re_run:
        pipeline.truth.rerun(batch.id)
    busy = sync(pipeline)
    assert (busy.inserted, busy.updated, busy.deleted) == (5, 2, 0)
    assert busy.requests <= 12

    for batch in re_run:
        pipeline.truth.progress(batch.id, completed=3, failed=1)
        pipeline.truth.finish(batch.id)
    done = sync(pipeline)
    assert changes(done) == {"updated": 2, "unchanged": done.unchanged}
    assert done.requests <= 12
    assert [len(pipeline.history(batch.id)) for batch in re_run] == [3, 3]


def test_a_sync_in_which_nothing_changed_writes_no_row(pipeline: Pipeline) -> None:
    before = pipeline.everything()
    pipeline.forbid_changes()
    for _ in range(3):
        sync(pipeline)
    assert pipeline.everything() == before


def test_what_the_plan_says_is_what_a_quiet_sync_costs(pipeline: Pipeline) -> None:
    """The plan cannot know of what it will have to look up; here there is nothing."""
    assert sync(pipeline).requests == 1 + len(("draft", "scheduled", "running", "paused", "recurring"))


# -- what becomes of batches ----------------------------------------------------------------------


def test_new_batches_are_found_also_more_of_them_than_a_page(pipeline: Pipeline) -> None:
    for number in range(250):
        pipeline.clock.pass_time(number % 3)  # some are created at one instant
        pipeline.truth.create()
    assert sync(pipeline).inserted == 250


def test_re_runs_of_old_batches_are_found_by_the_next_sync(pipeline: Pipeline) -> None:
    ended = [
        batch for status in ("completed", "cancelled", "failed") for batch in of_status(pipeline, status, 4)
    ]
    for batch in ended:
        pipeline.truth.rerun(batch.id)
    assert sync(pipeline).updated == len(ended)
    for batch in ended[::2]:
        pipeline.truth.progress(batch.id, completed=2)
    assert sync(pipeline).updated == len(ended[::2])
    for batch in ended:
        pipeline.truth.finish(batch.id, batch.status)
    assert sync(pipeline).updated == len(ended)
    assert sync(pipeline).updated == 0


def test_a_re_run_that_ends_between_two_syncs_and_says_so_nowhere_waits_for_its_slice(
    pipeline: Pipeline,
) -> None:
    """It is in no list of live batches and looks as old as it is: the price of few requests."""
    batch = of_status(pipeline, "completed", 3)[1]
    pipeline.truth.rerun(batch.id)
    pipeline.truth.finish(batch.id)
    sync_amid_changes(pipeline)
    assert pipeline.differences() != []
    for _ in range(24):
        pipeline.clock.pass_time(3600)
        sync_amid_changes(pipeline)
    assert pipeline.differences() == []


def test_series_that_pause_and_resume_are_followed(pipeline: Pipeline) -> None:
    series = of_status(pipeline, "recurring", 4)
    for batch in series:
        pipeline.truth.pause(batch.id)
    assert sync(pipeline).updated == 4
    for batch in series[:2]:
        pipeline.truth.resume(batch.id)
        pipeline.truth.spawn_run(batch.id)
    pipeline.truth.cancel(series[3].id)
    assert sync(pipeline).updated == 3
    assert {pipeline.row(batch.id)["status"] for batch in series[:2]} == {"recurring"}


def test_live_batches_that_are_gone_are_marked_deleted_by_the_next_sync(pipeline: Pipeline) -> None:
    gone = [
        batch for status in ("draft", "scheduled", "recurring") for batch in of_status(pipeline, status, 2)
    ]
    for batch in gone:
        pipeline.truth.delete(batch.id)
    assert sync(pipeline).deleted == 6
    pipeline.truth.restore(*gone)
    assert sync(pipeline).revived == 6


def test_an_old_batch_that_is_gone_is_marked_deleted_when_its_slice_is_read(pipeline: Pipeline) -> None:
    gone = of_status(pipeline, "completed", 5)[2]
    pipeline.truth.delete(gone.id)
    deleted = 0
    for _ in range(24):
        pipeline.clock.pass_time(3600)
        deleted += sync_amid_changes(pipeline).deleted
    assert deleted == 1
    assert pipeline.differences() == []


def test_a_status_list_that_is_longer_than_a_page_is_read_to_its_end(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=900), page_size=20)
    pipeline.sync()
    ended = of_status(pipeline, "completed", 55)
    for batch in ended:
        pipeline.truth.rerun(batch.id)
    assert sync(pipeline).updated == 55
    for batch in ended[::5]:
        pipeline.truth.progress(batch.id, failed=1)
    assert sync(pipeline).updated == 11


def test_a_wide_group_at_the_top_does_not_shorten_what_is_read_of_a_status(database: Database) -> None:
    """For the group the head asks for longer pages than a status list is asked for."""
    pipeline = Pipeline(database, SandboxOptions(batches=900), page_size=20)
    pipeline.sync()
    now = pipeline.clock.now()
    for _ in range(30):
        pipeline.truth.create(created_at=now)
    for batch in of_status(pipeline, "completed", 55):
        pipeline.truth.rerun(batch.id)
    summary = sync(pipeline)
    assert (summary.inserted, summary.updated) == (30, 55)


# -- what moves while it is read ------------------------------------------------------------------


def test_a_status_list_that_is_falsely_empty_changes_nothing(pipeline: Pipeline) -> None:
    def script(_number: int, request: Request) -> str | None:
        return "empty_list" if b'"status":' in request.body.replace(b" ", b"") else None

    pipeline.sandbox.faults.script = script
    before = pipeline.everything()
    assert changes(sync(pipeline)).keys() == {"unchanged"}
    assert pipeline.everything() == before
    draft = pipeline.truth.listed("draft")[0]
    pipeline.truth.start(draft.id)
    assert sync(pipeline).updated == 1  # found where it stands in the whole list


class Bustle:
    """Before every answer something happens to a live batch, or to one that becomes or was one.

    A re-run lasts at least from one sync to the next: a shorter one no list of live batches shows.
    """

    def __init__(self, pipeline: Pipeline, course: int) -> None:
        self._truth = pipeline.truth
        self._rng = random.Random(course)
        self._may_end = {batch.id for batch in pipeline.truth.listed("running")}
        self.moves = 0

    def __call__(self, _number: int, _world: World) -> None:
        moves = (self._enter, self._leave, self._leave, self._pause, self._resume, self._vanish)
        self._rng.choice(moves)()
        self.moves += 1

    def _pick(self, status: str, among: set[str] | None = None) -> Iterator[str]:
        ids = [batch.id for batch in self._truth.listed(status) if among is None or batch.id in among]
        yield from self._rng.sample(ids, min(1, len(ids)))

    def _enter(self) -> None:
        for batch_id in self._pick("completed"):
            self._truth.rerun(batch_id)
            self._may_end.discard(batch_id)

    def _leave(self) -> None:
        for batch_id in self._pick("running", self._may_end):
            self._truth.finish(batch_id, self._rng.choice(("completed", "failed")))

    def _pause(self) -> None:
        for batch_id in self._pick("recurring"):
            self._truth.pause(batch_id)

    def _resume(self) -> None:
        for batch_id in self._pick("paused"):
            self._truth.resume(batch_id)

    def _vanish(self) -> None:
        for batch_id in self._pick("draft"):
            self._truth.delete(batch_id)
        self._truth.create()


@pytest.mark.parametrize("course", range(2))
def test_batches_that_move_between_statuses_while_these_are_read_are_right_after_the_next_sync(
    pipeline: Pipeline, course: int
) -> None:
    for batch in of_status(pipeline, "completed", 40):
        pipeline.truth.rerun(batch.id)
    sync(pipeline)
    pipeline.sandbox.before = bustle = Bustle(pipeline, course)
    for _ in range(4):
        sync_amid_changes(pipeline)
    pipeline.sandbox.before = None
    assert bustle.moves >= 24
    sync(pipeline)


def test_many_batches_created_while_the_head_is_read_cost_none_of_them(pipeline: Pipeline) -> None:
    for _ in range(150):
        pipeline.clock.pass_time(1)
        pipeline.truth.create()

    def before(_number: int, world: World) -> None:
        for _ in range(7):
            pipeline.clock.pass_time(0.1)
            world["default"].create()

    pipeline.sandbox.before = before
    sync_amid_changes(pipeline)
    pipeline.sandbox.before = None
    sync(pipeline)


# -- what nobody tells ----------------------------------------------------------------------------


@only_sqlite
def test_a_silent_edit_of_an_old_batch_is_found_within_the_time_that_is_set(database: Database) -> None:
    """More than a day of syncs every quarter of an hour, and before each a change that nothing tells."""
    pipeline = Pipeline(database, SandboxOptions(batches=400), page_size=30)
    pipeline.sync()
    rng = random.Random(20260314)
    edited: dict[str, datetime] = {}
    longest, requests = timedelta(), []
    for _ in range(27 * 4):
        batch = rng.choice(pipeline.truth.listed("completed"))
        if batch.id not in edited:
            pipeline.truth.change(batch.id, touch=False, name=f"renamed at {pipeline.clock.now()}")
            edited[batch.id] = pipeline.clock.now()
        pipeline.clock.pass_time(14 * 60)
        requests.append(sync_amid_changes(pipeline).requests)
        waited = {
            batch_id: pipeline.clock.now() - at
            for batch_id, at in edited.items()
            if pipeline.row(batch_id)["name"] != pipeline.truth[batch_id].name
        }
        longest = max([longest, *waited.values()])
        edited = {batch_id: edited[batch_id] for batch_id in waited}
    assert 6 * HOUR < longest <= 24 * HOUR
    assert max(requests) <= 9
    assert sum(requests) <= 6 * 27 * 4 + 40  # the whole list a day, beside its head and the live batches


def test_the_age_of_the_oldest_proof_is_true(pipeline: Pipeline) -> None:
    """Whoever was changed before it is in the table as it is."""
    rng = random.Random(7)
    for _ in range(26):
        changed = {}
        for batch in rng.sample(pipeline.truth.listed("completed"), 10):
            pipeline.truth.change(batch.id, touch=False, name=f"renamed {rng.random()}")
            changed[batch.id] = pipeline.clock.now()
        pipeline.clock.pass_time(3600)
        sync_amid_changes(pipeline)
        oldest = oldest_proof_at(pipeline)
        assert oldest is not None
        assert pipeline.clock.now() - oldest <= 24 * HOUR
        table = pipeline.alive()
        for batch_id, at in changed.items():
            assert at > oldest or table[batch_id]["name"] == pipeline.truth[batch_id].name


def oldest_proof_at(pipeline: Pipeline) -> datetime | None:
    """As dashboards see it."""
    with reading(pipeline.database.engine) as connection:
        moment = connection.scalar(text("SELECT oldest_proof_at FROM report_freshness"))
    return datetime.fromisoformat(f"{moment}+00:00") if isinstance(moment, str) else moment


# -- what an operator has to allow ----------------------------------------------------------------


def test_an_incremental_sync_that_would_delete_too_much_deletes_nothing(pipeline: Pipeline) -> None:
    newest = pipeline.truth.listed()[:350]
    for batch in newest:
        pipeline.truth.delete(batch.id)
    # The newest batch that is left is as old as the oldest of these: all of it is the head's matter.
    before = {name: rows for name, rows in pipeline.everything().items() if name != "sync_missing"}
    for _ in range(2):
        summary = pipeline.sync(full=False)
        assert (summary.status, summary.exit_code, summary.deleted) == (RunStatus.FAILED, 1, 0)
        assert "--allow-deletes" in str(summary.hint)
        assert {name: pipeline.everything()[name] for name in before} == before
    allowed = pipeline.sync(full=False, allow_deletes=True)
    assert (allowed.status, allowed.deleted) == (RunStatus.SUCCEEDED, 350)
    assert pipeline.differences() == []


def test_an_empty_list_deletes_nothing_in_an_incremental_sync(pipeline: Pipeline) -> None:
    gone = pipeline.truth.vanish()
    assert pipeline.sync(full=False).status == RunStatus.FAILED
    pipeline.truth.restore(*gone)
    assert sync(pipeline).deleted == 0


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=3), timedelta(days=400)])
def test_a_clock_that_was_ahead_for_a_sync_hides_no_silent_edit(database: Database, ahead: timedelta) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=200, tie_groups=0), page_size=10, fetch_ahead=1)
    pipeline.clock.turn(ahead)
    pipeline.sync()
    pipeline.clock.turn(-ahead)
    victim = pipeline.truth.listed("completed")[-5]
    pipeline.truth.change(victim.id, touch=False, name="silently renamed")
    for _ in range(26):
        pipeline.clock.pass_time(3600)
        assert pipeline.sync(full=False).complete
        if pipeline.row(victim.id)["name"] == "silently renamed":
            break
    else:
        raise AssertionError("it was not found in more than a day")
    starts = [run["started_at"] for run in pipeline.runs()]
    assert starts == sorted(set(starts))


def test_a_clock_that_is_behind_an_earlier_run_s_is_told(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=10))
    pipeline.clock.turn(timedelta(days=1))
    pipeline.sync()
    assert "clock.behind" not in caplog.text
    pipeline.clock.turn(timedelta(days=-1))
    pipeline.sync()
    assert "clock.behind account=default seconds=863" in caplog.text
