"""A full sync against the source's truth, row by row and value by value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from etl.model import RunStatus
from etl.sandbox import SandboxOptions, Shape

from support.clocks import START
from support.databases import Database
from support.pipeline import Pipeline, changes

TIED: dict[str, Any] = {"batches": 2_500, "tie_groups": 60, "tie_size": 5}
only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)


def assert_lands(pipeline: Pipeline) -> None:
    """The source's rows are in the table after one sync, and a second has nothing to write."""
    count = len(pipeline.truth)
    first = pipeline.sync()
    assert (first.status, first.complete, first.error) == (RunStatus.SUCCEEDED, True, None)
    assert pipeline.differences() == []
    assert changes(first) == ({"inserted": count} if count else {})
    before = pipeline.everything()
    pipeline.forbid_changes()
    second = pipeline.sync()
    assert (second.status, second.complete, second.error) == (RunStatus.SUCCEEDED, True, None)
    assert changes(second) == ({"unchanged": count} if count else {})
    assert pipeline.everything() == before


@pytest.mark.parametrize("shape", Shape)
def test_tied_batches_land_exactly_and_a_second_sync_writes_nothing(database: Database, shape: Shape) -> None:
    assert_lands(Pipeline(database, SandboxOptions(**TIED, shape=shape)))


@pytest.mark.parametrize("page_size", [9, 40])
def test_ties_at_the_edges_of_pages_cost_no_row(database: Database, page_size: int) -> None:
    options = SandboxOptions(batches=6 * page_size, tie_groups=page_size // 4, tie_size=4)
    assert_lands(Pipeline(database, options, page_size=page_size))


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
@pytest.mark.parametrize("page_size", [1, 1000])
def test_the_smallest_lists_land_with_any_size_of_page(
    database: Database, batches: int, page_size: int
) -> None:
    assert_lands(Pipeline(database, SandboxOptions(batches=batches), page_size=page_size))


@pytest.mark.parametrize("page_size", [3, 30, 31])
def test_batches_that_all_share_one_created_at_land(database: Database, page_size: int) -> None:
    options = SandboxOptions(batches=30, tie_groups=1, tie_size=30)
    assert_lands(Pipeline(database, options, page_size=page_size))


@pytest.mark.parametrize(("batches", "without"), [(90, 60), (5, 5)])
def test_batches_without_created_at_land(database: Database, batches: int, without: int) -> None:
    options = SandboxOptions(batches=batches, null_created_at=without, tie_groups=0)
    assert_lands(Pipeline(database, options, page_size=20))


def test_a_tie_wider_than_the_servers_cap_is_told_and_what_was_proven_stays(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60, tie_groups=0, cap=10))
    for batch in pipeline.truth.listed()[30:45]:
        pipeline.truth.change(batch.id, created_at=START - timedelta(days=200))
    summary = pipeline.sync()
    assert (summary.status, summary.complete, summary.exit_code) == (RunStatus.INCOMPLETE, False, 1)
    assert "batches share one created_at" in str(summary.error)
    assert "run again" not in str(summary.hint)
    assert summary.inserted == len(pipeline.alive()) >= 20
    assert all(line.endswith("is missing") for line in pipeline.differences())


def test_digits_of_a_second_beyond_the_sixth_are_cut_off(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=9, tie_groups=0))
    stem = "2026-03-14T11:59:59.123456"
    new = [pipeline.truth.create(created_at=datetime.fromisoformat(f"{stem}+00:00")) for _ in range(3)]
    for batch, digits in zip(new, ("7", "78", "789"), strict=True):
        pipeline.sandbox.rows.corrupt(batch.id, {"created_at": f"{stem}{digits}+00:00"})
    assert_lands(pipeline)


def test_long_ids_names_and_emoji_land(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=5))
    pipeline.truth.create(id="ü" * 255, name="x" * 2**20)
    pipeline.truth.create(id="'; DROP TABLE batch_calls; --", name="\u202eRight\tto\nleft\u2028\x7f 🎉\\N\\.")
    pipeline.truth.create(id="\\N", name="\\.\n", goal="", purpose="\r\n")
    assert_lands(pipeline)


def test_an_id_too_long_for_a_key_is_set_aside_alone(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=5))
    long = pipeline.truth.create(id="x" * 256)
    summary = pipeline.sync()
    assert summary.complete
    assert changes(summary) == {"inserted": 5, "quarantined": 1}
    assert [(entry["id"], entry["field"]) for entry in pipeline.set_aside()] == [(None, "id")]
    assert pipeline.differences() == [f"{long.id} is missing"]


def test_values_at_the_edge_of_what_a_database_holds_land(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=3))
    pipeline.truth.create(total_recipients=2**63 - 1, completed_count=2**62, failed_count=2**62)
    pipeline.truth.create(
        created_at=datetime(1, 1, 1, tzinfo=UTC), scheduled_at=datetime(1, 1, 1, tzinfo=UTC)
    )
    pipeline.truth.create(started_at=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), window_days=())
    pipeline.truth.create(
        completed_at=datetime(9999, 12, 31, tzinfo=UTC), started_at=datetime(1, 1, 1, tzinfo=UTC)
    )
    pipeline.truth.create(extra={"nested": {"list": [1, 2.5, None, "ü\x01"]}, "big": 2**63 - 1, "yes": True})
    assert_lands(pipeline)


def test_no_batch_s_value_is_in_the_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="etl")
    pipeline = Pipeline(database, SandboxOptions(batches=20), page_size=10)
    secret = pipeline.truth.create(name="Jane Doe's private list", goal="call 555-0100")
    pipeline.sandbox.rows.corrupt(secret.id, {"failed_count": "private as well"})
    pipeline.sync()
    assert "run.finished" in caplog.text
    assert not [word for word in ("Jane", "private", "555-0100", pipeline.sandbox.key) if word in caplog.text]


def test_times_are_the_same_instants_in_both_databases(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=1))
    batch = pipeline.truth.create(created_at=START - timedelta(microseconds=1))
    pipeline.sandbox.rows.corrupt(batch.id, {"created_at": "2026-03-14T17:29:59.999999+05:30"})
    summary = pipeline.sync()
    row = pipeline.row(batch.id)
    assert row["created_at"] == START - timedelta(microseconds=1)
    assert row["created_at"].utcoffset() == timedelta(0)
    assert summary.started_at < row["first_seen_at"] + timedelta(seconds=1)
    assert row["first_seen_at"] == row["changed_at"]


@only_sqlite
def test_sqlite_has_its_times_as_text_that_sorts(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=30))
    pipeline.truth.create(created_at=datetime(800, 1, 2, 3, 4, 5, tzinfo=UTC))
    pipeline.sync()
    gone = pipeline.truth.delete(pipeline.truth.listed()[3].id)
    pipeline.sync()
    form = "____-__-__ __:__:__.______"
    times = {
        "batch_calls": "scheduled_at created_at updated_at started_at completed_at first_seen_at deleted_at",
        "batch_call_history": "observed_at created_at updated_at scheduled_at started_at completed_at",
        "sync_runs": "started_at heartbeat_at finished_at",
        "sync_coverage": "proven_at",
    }
    with pipeline.connected() as connection:
        for table, names in times.items():
            for name in names.split():
                odd = f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL AND {name} NOT LIKE '{form}'"
                assert connection.execute(text(odd)).all() == []
        oldest = connection.scalar(text("SELECT min(created_at) FROM batch_calls"))
    assert oldest == "0800-01-02 03:04:05.000000"
    assert pipeline.row(gone.id)["deleted_at"] is not None


def test_a_batch_without_created_at_that_gets_one_stays_itself(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60, null_created_at=2), page_size=20)
    pipeline.sync()
    dated = pipeline.truth.change(pipeline.truth.listed()[0].id, created_at=START - timedelta(days=150))
    summary = pipeline.sync()
    assert changes(summary) == {"updated": 1, "unchanged": 59}
    assert pipeline.differences() == []
    assert pipeline.row(dated.id)["deleted_at"] is None


def test_a_batch_that_loses_its_created_at_stays_itself(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20)
    pipeline.sync()
    pipeline.truth.change(pipeline.truth.listed()[45].id, created_at=None)
    assert changes(pipeline.sync()) == {"updated": 1, "unchanged": 59}
    assert pipeline.differences() == []
