"""The table held against the source: what differs is counted, looked up and explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from etl.model import RunStatus
from etl.sandbox import Request, SandboxOptions, World
from etl.state.lock import account_lock
from etl.tables import batch_calls, sync_runs
from etl.verify.verdict import Count, Kind, Verdict

from support.databases import Database
from support.pipeline import ABOUT_THE_SOURCE, OnPage, Pipeline

OPTIONS = SandboxOptions(batches=240, tie_groups=8, tie_size=3)
DAY = timedelta(days=1)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """An account of 240 batches, in pages of 30, that was synced an hour ago."""
    pipeline = Pipeline(database, OPTIONS, page_size=30)
    assert pipeline.sync().complete
    pipeline.clock.pass_time(3600)
    return pipeline


def told(verdict: Verdict) -> dict[str | None, tuple[Kind, bool]]:
    """What became of each batch that differs."""
    assert verdict.error is None
    assert len({difference.id for difference in verdict.differences}) == len(verdict.differences)
    return {difference.id: (difference.kind, difference.explained) for difference in verdict.differences}


def change_table(pipeline: Pipeline, batch_id: str, **values: object) -> None:
    pipeline.change(update(batch_calls).where(batch_calls.c.id == batch_id).values(**values))


# -- as it should be ------------------------------------------------------------------------------


def test_after_a_sync_all_three_counts_are_the_same(pipeline: Pipeline) -> None:
    before = {table.name: pipeline.read(table) for table in (*ABOUT_THE_SOURCE, sync_runs)}
    verdict = pipeline.verify()
    assert (verdict.exit_code, told(verdict)) == (0, {})
    assert verdict.total == Count(status=None, listed=240, walked=240, table=240)
    for count in verdict.counts:
        assert count.listed == count.walked == count.table == pipeline.truth.count(count.status)
    assert {table.name: pipeline.read(table) for table in (*ABOUT_THE_SOURCE, sync_runs)} == before


def test_every_known_status_has_a_count_and_so_has_one_that_is_new(pipeline: Pipeline) -> None:
    pipeline.truth.change(pipeline.truth.listed("failed")[0].id, status="parked")
    verdict = pipeline.verify()
    counts = {count.status: (count.listed, count.walked, count.table) for count in verdict.counts}
    assert list(counts) == (
        "draft scheduled running paused recurring completed cancelled failed parked".split()
    )
    assert counts["parked"] == (1, 1, 0)


def test_it_costs_a_walk_and_little_for_each_status(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3_000, tie_groups=10))
    pipeline.sync()
    verdict = pipeline.verify()
    assert verdict.exit_code == 0
    assert verdict.requests <= 5 + 2 * 8 + 4


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_the_smallest_lists_can_be_verified(database: Database, batches: int) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=batches))
    assert pipeline.verify().exit_code == int(batches > 0)
    pipeline.sync()
    assert (pipeline.verify().exit_code, pipeline.verify().total.walked) == (0, batches)


def test_batches_without_created_at_are_verified_too(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=90, null_created_at=35, tie_groups=0), page_size=20)
    pipeline.sync()
    undated = pipeline.truth.listed()[10]
    assert undated.created_at is None
    pipeline.truth.change(undated.id, name="changed")
    assert told(pipeline.verify()) == {undated.id: (Kind.CHANGED, True)}


def test_what_was_never_synced_is_not_right(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=30)
    verdict = pipeline.verify()
    assert set(told(verdict).values()) == {(Kind.NOT_READ, False)}
    assert (verdict.exit_code, verdict.unexplained) == (1, 240)


# -- what the source did since --------------------------------------------------------------------


def test_what_the_source_did_since_the_last_sync_is_explained(pipeline: Pipeline) -> None:
    listed = pipeline.truth.listed()
    created = [pipeline.truth.create() for _ in range(35)]
    pipeline.truth.change(listed[50].id, name="changed")
    pipeline.truth.change(listed[60].id, touch=False, name="silently changed")
    pipeline.truth.delete(listed[70].id)
    pipeline.truth.rerun(pipeline.truth.listed("completed")[40].id)
    verdict = pipeline.verify()
    kinds = [kind for kind, explained in told(verdict).values() if explained]
    assert verdict.exit_code == 0
    assert {kind: kinds.count(kind) for kind in kinds} == {Kind.CREATED: 35, Kind.CHANGED: 3, Kind.GONE: 1}
    assert {batch.id for batch in created} < set(told(verdict))
    assert (verdict.total.listed, verdict.total.walked, verdict.total.table) == (274, 274, 240)
    (proven_at,) = {covered.proven_at for covered in pipeline.coverage()}
    since = [difference.since for difference in verdict.differences if difference.kind == Kind.CHANGED]
    assert all(at is not None and proven_at <= at < pipeline.clock.now() for at in since)
    pipeline.sync()
    assert told(pipeline.verify()) == {}


def test_a_batch_that_returned_is_explained(pipeline: Pipeline) -> None:
    gone = pipeline.truth.delete(pipeline.truth.listed()[70].id)
    pipeline.sync()
    pipeline.truth.restore(gone)
    assert told(pipeline.verify()) == {gone.id: (Kind.RETURNED, True)}


def test_what_nobody_syncs_is_not_explained_for_ever(pipeline: Pipeline) -> None:
    listed = pipeline.truth.listed()
    pipeline.truth.change(listed[50].id, name="changed")
    pipeline.truth.delete(listed[70].id)
    created = pipeline.truth.create()
    assert pipeline.verify().exit_code == 0
    pipeline.clock.pass_time(25 * 3600)
    verdict = pipeline.verify()
    assert told(verdict) == {
        listed[50].id: (Kind.CHANGED, False),
        listed[70].id: (Kind.GONE, False),
        created.id: (Kind.CREATED, False),
    }
    assert verdict.exit_code == 1


def test_what_only_a_window_was_read_of_is_not_read(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=30)
    listed = pipeline.truth.listed()
    since, until = listed[120].created_at, listed[60].created_at
    assert since is not None
    pipeline.backfill(since, until)
    verdict = pipeline.verify()
    assert set(told(verdict).values()) == {(Kind.NOT_READ, False)}
    assert verdict.unexplained == 240 - len(pipeline.alive())


# -- what a sync should have prevented ------------------------------------------------------------


def test_a_table_that_somebody_else_changed_is_found_out(pipeline: Pipeline) -> None:
    listed = pipeline.truth.listed()
    change_table(pipeline, listed[20].id, name="tampered with")
    change_table(pipeline, listed[40].id, completed_count=10**6, status="failed")
    pipeline.change(batch_calls.delete().where(batch_calls.c.id == listed[60].id))
    verdict = pipeline.verify()
    assert told(verdict) == {listed[at].id: (Kind.UNEXPLAINED, False) for at in (20, 40, 60)}
    assert verdict.exit_code == 1
    whats = {difference.id: difference.what for difference in verdict.differences}
    assert whats[listed[40].id].endswith("loaded: status, completed_count")


def test_a_change_that_a_sync_must_have_seen_is_not_explained(pipeline: Pipeline) -> None:
    """The source says that it changed an hour before the proof: whoever read it then lost it."""
    proven_at = pipeline.coverage()[0].proven_at
    batch = pipeline.truth.listed()[50]
    pipeline.truth.change(batch.id, touch=False, name="changed", updated_at=proven_at - timedelta(hours=1))
    assert told(pipeline.verify()) == {batch.id: (Kind.UNEXPLAINED, False)}


def test_deletes_that_are_held_back_are_told(pipeline: Pipeline) -> None:
    gone = pipeline.truth.vanish(share=0.5)
    assert pipeline.sync().status == RunStatus.FAILED
    verdict = pipeline.verify()
    assert told(verdict) == {batch.id: (Kind.HELD, False) for batch in gone}
    assert verdict.exit_code == 1
    pipeline.sync(allow_deletes=True)
    assert told(pipeline.verify()) == {}


def test_what_is_set_aside_is_explained(pipeline: Pipeline) -> None:
    listed = pipeline.truth.listed()
    never_read = pipeline.truth.create()
    for batch in (never_read, listed[80]):
        pipeline.sandbox.rows.corrupt(batch.id, {"total_recipients": "many"})
    pipeline.sync()
    verdict = pipeline.verify()
    assert told(verdict) == {
        never_read.id: (Kind.SET_ASIDE, True),
        listed[80].id: (Kind.SET_ASIDE, True),
    }
    assert (verdict.exit_code, verdict.total.walked - verdict.total.table) == (0, 1)


def test_a_row_without_an_id_is_counted_and_explained(pipeline: Pipeline) -> None:
    nameless = pipeline.truth.create()
    pipeline.sandbox.rows.corrupt(nameless.id, {"id": None})
    pipeline.sync()
    assert told(pipeline.verify()) == {None: (Kind.SET_ASIDE, True)}


# -- what moves while it is verified --------------------------------------------------------------


def ends(world: World) -> None:
    account = world["default"]
    if running := account.listed("running"):
        account.finish(running[0].id)


def starts(world: World) -> None:
    account = world["default"]
    account.rerun(account.listed("completed")[40].id)


def appears(world: World) -> None:
    world["default"].create()


def vanishes(world: World) -> None:
    account = world["default"]
    account.delete(account.listed("completed")[60].id)


@pytest.mark.parametrize("act", [ends, starts, appears, vanishes], ids=lambda act: act.__name__)
def test_what_moves_while_it_is_verified_is_explained(
    pipeline: Pipeline, act: Callable[[World], None]
) -> None:
    for batch in pipeline.truth.listed("completed")[20:50:3]:
        pipeline.truth.rerun(batch.id)
    pipeline.sync()
    moments = range(pipeline.sandbox.requests + 2, pipeline.sandbox.requests + 60, 4)
    pipeline.sandbox.before = lambda number, world: act(world) if number in moments else None
    verdict = pipeline.verify()
    assert verdict.exit_code == 0, verdict.differences
    assert Kind.MOVED in {difference.kind for difference in verdict.differences}
    allowed = {Kind.MOVED, Kind.CHANGED, Kind.CREATED, Kind.GONE}
    assert {difference.kind for difference in verdict.differences} <= allowed


def test_a_list_that_is_falsely_empty_is_looked_into(pipeline: Pipeline) -> None:
    """The list of those that failed is empty while it is walked, and whole when it is looked at again."""
    beginning = pipeline.sandbox.requests
    asked = []

    def script(number: int, request: Request) -> str | None:
        if b'"failed"' in request.body:
            asked.append(number - beginning)
        return "empty_list" if b'"failed"' in request.body and len(asked) <= 2 else None

    pipeline.sandbox.faults.script = script
    verdict = pipeline.verify()
    assert verdict.exit_code == 0, verdict.differences
    assert {difference.kind for difference in verdict.differences} == {Kind.MOVED}
    assert len(verdict.differences) == pipeline.truth.count("failed")


def test_a_source_that_contradicts_itself_is_found_out(pipeline: Pipeline) -> None:
    def script(_number: int, request: Request) -> str | None:
        return "empty_list" if b'"failed"' in request.body else None

    pipeline.sandbox.faults.script = script
    verdict = pipeline.verify()
    failed = {batch.id for batch in pipeline.truth.listed("failed")}
    assert told(verdict) == dict.fromkeys(failed, (Kind.UNEXPLAINED, False))
    assert verdict.exit_code == 1


# -- how it ends ----------------------------------------------------------------------------------


def test_nothing_is_verified_while_a_sync_runs(pipeline: Pipeline) -> None:
    with account_lock(pipeline.database.engine, pipeline.settings, pipeline.truth.name):
        verdict = pipeline.verify()
    assert (verdict.exit_code, verdict.requests) == (5, 0)


def test_no_sync_runs_while_it_is_verified(pipeline: Pipeline) -> None:
    codes = set()
    pipeline.verify(progress=OnPage(lambda _pages: codes.add(pipeline.sync().exit_code)))
    assert codes == {5}


def test_a_source_that_refuses_ends_the_verification(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.at(pipeline.sandbox.requests + 5, "redirect")
    verdict = pipeline.verify()
    assert (verdict.exit_code, bool(verdict.error), bool(verdict.hint)) == (3, True, True)


def test_a_list_that_cannot_be_proven_is_no_verdict(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60, tie_groups=0, cap=10))
    pipeline.sync()
    for batch in pipeline.truth.listed()[30:45]:
        pipeline.truth.change(batch.id, created_at=pipeline.clock.now() - 200 * DAY)
    verdict = pipeline.verify()
    assert (verdict.exit_code, verdict.differences) == (1, ())
    assert "cannot be proven" in str(verdict.error)


def test_passing_faults_cost_retries_and_no_verdict(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.rate = 0.2
    verdict = pipeline.verify()
    assert (verdict.exit_code, told(verdict)) == (0, {})


def test_a_verdict_as_json_tells_of_every_difference(pipeline: Pipeline) -> None:
    batch = pipeline.truth.listed()[50]
    pipeline.truth.change(batch.id, name="changed")
    pipeline.clock.pass_time(600)
    document = pipeline.verify().as_json()
    assert (document["account"], document["ok"], document["unexplained"]) == ("default", True, 0)
    assert document["total"] == {"listed": 240, "walked": 240, "table": 240}
    assert document["statuses"][0] == {"status": "draft", "listed": 3, "walked": 3, "table": 3} | {
        name: pipeline.truth.count("draft") for name in ("listed", "walked", "table")
    }
    (difference,) = document["differences"]
    seen_at = datetime.fromisoformat(difference["since"])
    assert (
        pipeline.coverage()[0].proven_at <= seen_at < pipeline.coverage()[0].proven_at + timedelta(minutes=1)
    )
    assert difference == {
        "id": batch.id,
        "kind": "changed",
        "explained": True,
        "what": "changed since it was last proven: name, updated_at",
        "since": difference["since"],
        "age_seconds": difference["age_seconds"],
    }
    assert difference["age_seconds"] > 4200
