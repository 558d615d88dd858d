"""What is proven, and since when, is kept beside the rows: no number can be older than it says."""

from __future__ import annotations

from datetime import datetime

import pytest

from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.tables import sync_coverage

from support.databases import Database
from support.pipeline import Pipeline

HOURS = 3600.0


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=90, tie_groups=0), page_size=20, fetch_ahead=1)


def proven_at(pipeline: Pipeline, created_at: datetime) -> datetime:
    (moment,) = (covered.proven_at for covered in pipeline.coverage() if created_at in covered.interval)
    return moment


def places(pipeline: Pipeline) -> list[datetime]:
    """Every created_at of the source, newest first."""
    return [batch.created_at for batch in pipeline.truth.listed() if batch.created_at is not None]


def test_a_full_sync_proves_everything_as_of_its_first_page(pipeline: Pipeline) -> None:
    for _ in range(2):
        pipeline.clock.pass_time(5 * HOURS)
        summary = pipeline.sync()
        (covered,) = pipeline.coverage()
        assert covered.interval.after is None
        assert all(place in covered.interval for place in places(pipeline))
        assert covered.proven_at == summary.started_at


def test_a_sync_that_is_cut_off_proves_what_it_read(pipeline: Pipeline) -> None:
    first = pipeline.sync()
    pipeline.clock.pass_time(5 * HOURS)
    pipeline.sandbox.faults.at(pipeline.sandbox.requests + 4, "redirect")
    second = pipeline.sync()
    assert (second.status, second.complete) == (RunStatus.FAILED, False)
    newest, *_, oldest = places(pipeline)
    assert proven_at(pipeline, newest) >= second.started_at
    assert proven_at(pipeline, oldest) == first.started_at
    third = pipeline.sync()
    assert third.complete
    assert all(proven_at(pipeline, place) >= second.started_at for place in places(pipeline))


def test_a_proof_writes_no_interval_that_it_does_not_touch(pipeline: Pipeline) -> None:
    pipeline.sync()
    pipeline.clock.pass_time(5 * HOURS)
    pipeline.sandbox.faults.at(pipeline.sandbox.requests + 4, "redirect")
    pipeline.sync()
    pipeline.clock.pass_time(5 * HOURS)
    before = {row["coverage_id"]: row for row in pipeline.read(sync_coverage)}
    assert len(before) == 2
    pipeline.backfill(places(pipeline)[10], places(pipeline)[5])
    after = {row["coverage_id"]: row for row in pipeline.read(sync_coverage)}
    assert len(after) == 4  # within the newer one of the two, which is cut
    (kept,) = before.keys() & after.keys()
    assert before[kept] == after[kept]
    assert before[kept]["created_from"] is None


def test_what_was_proven_is_in_the_run_s_row(pipeline: Pipeline) -> None:
    pipeline.sync()
    (run,) = pipeline.runs()
    (proven,) = run["proven"]
    assert proven["created_from"] is None
    assert proven["created_to"] is None or datetime.fromisoformat(proven["created_to"]) >= places(pipeline)[0]


def test_an_incomplete_walk_covers_nothing_that_it_did_not_prove(database: Database) -> None:
    """A tie wider than the server's cap stops the walk: what lies below is not covered."""
    pipeline = Pipeline(database, SandboxOptions(batches=60, tie_groups=0, cap=10))
    listed = pipeline.truth.listed()
    for batch in listed[30:45]:
        pipeline.truth.change(batch.id, created_at=listed[30].created_at)
    assert pipeline.sync().status == RunStatus.INCOMPLETE
    covered = pipeline.coverage()
    assert any(places(pipeline)[0] in part.interval for part in covered)
    assert not [place for place in places(pipeline)[30:] if any(place in part.interval for part in covered)]
