"""Every figure of the views is the one that plain Python makes of the source's rows, on either database."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, delete, func, insert, select

from etl.engine import reading
from etl.interval import Interval
from etl.model import RunMode, RunStatus
from etl.proof import Proof
from etl.sandbox import Batch, SandboxOptions
from etl.state.coverage import read_coverage, save_coverage
from etl.tables import UtcDateTime, batch_calls, sync_coverage, sync_runs
from etl.views import batch_runs, report_campaigns, report_daily, report_status

from support.databases import Database
from support.pipeline import Pipeline
from support.reports import Proofs, Runs, campaigns, days, statuses

OPTIONS = SandboxOptions(
    batches=90, accounts=("acme", "globex"), span_days=50, tie_groups=3, null_created_at=2, null_counts=3
)
MOST = 2**63 - 1
HOUR = timedelta(hours=1)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    """Two accounts, not yet synced."""
    return Pipeline(database, OPTIONS, page_size=40)


def rows(pipeline: Pipeline, view: Table) -> dict[Any, dict[str, Any]]:
    """A view's rows by its key."""
    keys = [column.name for column in view.primary_key]
    with reading(pipeline.database.engine) as connection:
        found = [dict(row) for row in connection.execute(select(view)).mappings()]
    by_key = {tuple(row[key] for key in keys): row for row in found}
    assert len(by_key) == len(found), "a key stands twice"
    return by_key


def listed(pipeline: Pipeline) -> dict[str, list[Batch]]:
    return {account: pipeline.sandbox.world[account].listed() for account in pipeline.sandbox.world}


def proofs(pipeline: Pipeline) -> Proofs:
    """What the coverage and the runs say, for each account."""
    began = func.max(sync_runs.c.started_at, type_=UtcDateTime())
    with reading(pipeline.database.engine) as connection:
        return Proofs(
            {account: read_coverage(connection, account) for account in pipeline.sandbox.world},
            {
                account: connection.scalar(
                    select(began).where(
                        sync_runs.c.account == account,
                        sync_runs.c.mode != RunMode.BACKFILL,
                        sync_runs.c.status == RunStatus.SUCCEEDED,
                    )
                )
                for account in pipeline.sandbox.world
            },
        )


def agree(found: Mapping[Any, Mapping[str, Any]], expected: Mapping[Any, Mapping[str, Any]]) -> None:
    """The same keys, and in each row the same value for all that is expected and shown."""
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        common = {name: row[name] for name in row if name in found[key]}
        assert {name: found[key][name] for name in common} == common, key


def agree_all(pipeline: Pipeline) -> None:
    proven = proofs(pipeline)
    agree(rows(pipeline, report_campaigns), campaigns(listed(pipeline), proven))
    agree(rows(pipeline, report_daily), days(listed(pipeline), proven))
    agree(rows(pipeline, report_status), statuses(listed(pipeline), proven))


def test_before_the_first_sync_every_view_is_empty(pipeline: Pipeline) -> None:
    for view in (report_campaigns, report_daily, report_status, batch_runs):
        assert rows(pipeline, view) == {}


def test_after_a_sync_the_views_show_what_the_source_lists(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    agree_all(pipeline)
    shown = rows(pipeline, report_campaigns)
    assert len(shown) == 180
    assert all(row["proven_at"] is not None for row in shown.values())
    assert any(row["created_at"] is None for row in shown.values())
    assert any(row["completed_count"] is None for row in shown.values())
    assert any(row["campaigns"] == 0 for row in rows(pipeline, report_daily).values())


def test_they_follow_what_happens_at_the_source(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    for account in pipeline.sandbox.world.values():
        done = account.listed("completed")
        account.rerun(done[0].id)
        account.progress(done[0].id, completed=3, failed=1)
        account.delete(done[1].id)
        account.change(done[2].id, completed_count=None)
        account.change(done[3].id, failed_count=-4)
        account.change(done[4].id, total_recipients=0)
        account.change(done[5].id, created_at=None)
        account.create(status="a new one")
    pipeline.clock.pass_time(50 * 3600)
    pipeline.sync_all(full=True)
    agree_all(pipeline)


def test_a_stretch_that_was_read_again_has_its_own_proof(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    pipeline.clock.pass_time(5 * 3600)
    then = pipeline.clock.now()
    middle = then - timedelta(days=20)
    pipeline.backfill(middle, middle + timedelta(days=3, hours=5))
    agree_all(pipeline)
    proven = [row["proven_at"] for row in rows(pipeline, report_campaigns).values()]
    assert {proven_at >= then for proven_at in proven} == {True, False}


def test_what_was_never_proven_has_no_proof(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    now = pipeline.clock.now()
    with pipeline.connected() as connection:
        connection.execute(delete(sync_coverage).where(sync_coverage.c.account == "acme"))
        for first, last in ((30, 20), (10, 5)):
            stretch = Interval(after=now - timedelta(days=first), upto=now - timedelta(days=last))
            save_coverage(
                connection, "acme", [Proof(interval=stretch, rows=(), observed_at=now)], since=now - HOUR
            )
    agree_all(pipeline)
    unproven = [row["proven_at"] is None for row in rows(pipeline, report_daily).values()]
    assert True in unproven
    assert False in unproven


def test_the_proof_of_a_day_is_the_oldest_of_its_instants(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    now = pipeline.clock.now()
    for round_ in range(8):
        rng = random.Random(round_)
        stretches = [
            {
                "account": "acme",
                "created_from": each.after,
                "created_to": each.upto,
                "proven_at": now - timedelta(hours=rng.randrange(90)),
            }
            for each in invented_stretches(rng, now)
        ]
        with pipeline.connected() as connection:
            connection.execute(delete(sync_coverage))
            connection.execute(insert(sync_coverage), stretches)
        agree_all(pipeline)


def invented_stretches(rng: random.Random, now: datetime) -> Iterator[Interval]:
    """Of hours and of weeks, some that touch and some that do not, down to the oldest batch or not."""
    top = now - timedelta(hours=rng.randrange(60))
    while top > now - timedelta(days=60):
        bottom = top - timedelta(hours=rng.choice([1, 5, 24, 24 * 9]))
        yield Interval(after=bottom, upto=top)
        top = bottom - timedelta(hours=rng.choice([0, 0, 0, 7]))
    if rng.random() < 0.5:
        yield Interval(after=None, upto=top)


def test_each_run_of_a_batch_is_kept_though_the_source_forgets_it(pipeline: Pipeline) -> None:
    runs = Runs()

    def sync_and_look() -> None:
        pipeline.sync_all()
        for account, batches in listed(pipeline).items():
            runs.look(account, batches)

    sync_and_look()
    account = pipeline.sandbox.world["globex"]
    thrice, once, gone = account.listed("completed")[:3]
    for batch in (thrice, once, gone, thrice):
        pipeline.clock.pass_time(3600)
        account.rerun(batch.id)
        account.progress(batch.id, completed=2)
        sync_and_look()
        account.progress(batch.id, failed=5)
        pipeline.clock.pass_time(60)
        account.finish(batch.id)
        sync_and_look()
    account.delete(gone.id)
    draft = account.create(name="not started")
    sync_and_look()

    found = rows(pipeline, batch_runs)
    by_account = {(account, id_, start): row for (start, account, id_), row in found.items()}
    agree(by_account, runs.rows())
    numbers = sorted(row["run_number"] for (_, id_, _), row in by_account.items() if id_ == thrice.id)
    assert numbers == [1, 2, 3]
    assert {row["deleted_at"] is not None for (_, id_, _), row in by_account.items() if id_ == gone.id} == {
        True
    }
    assert draft.id not in {id_ for _, id_, _ in by_account}
    proven = proofs(pipeline)
    assert all(
        row["proven_at"] == proven.of(account, row["created_at"])
        for (account, _, _), row in by_account.items()
    )


def test_runs_are_numbered_by_their_beginning_in_whatever_order_they_were_seen(pipeline: Pipeline) -> None:
    batch = pipeline.truth.listed("completed")[0]
    pipeline.sync_all()
    assert isinstance(batch.started_at, datetime)
    earlier = batch.started_at - HOUR
    pipeline.truth.change(batch.id, started_at=earlier)
    pipeline.sync_all()
    of_batch = [row for row in rows(pipeline, batch_runs).values() if row["id"] == batch.id]
    assert {row["started_at"]: row["run_number"] for row in of_batch} == {earlier: 1, batch.started_at: 2}


def test_a_run_that_goes_on_has_no_end_though_the_source_keeps_the_earlier_one_s(pipeline: Pipeline) -> None:
    batch = pipeline.truth.listed("completed")[0]
    pipeline.sync_all()
    pipeline.truth.rerun(batch.id)
    pipeline.sync_all()
    ends = {
        row["is_present"]: row["ended_at"]
        for row in rows(pipeline, batch_runs).values()
        if row["id"] == batch.id
    }
    assert ends == {False: batch.completed_at, True: None}


def test_counts_beyond_what_a_column_takes_spoil_no_other_figure(pipeline: Pipeline) -> None:
    first, second, third = pipeline.truth.listed("completed")[:3]
    pipeline.sync_all()
    for batch in (first, second):
        pipeline.truth.change(batch.id, completed_count=MOST, failed_count=MOST, created_at=third.created_at)
    pipeline.sync_all()
    assert rows(pipeline, report_campaigns)["acme", first.id]["attempted_count"] == MOST
    assert rows(pipeline, report_status)["acme", "completed"]["completed_count"] == MOST
    assert third.created_at is not None
    spoiled = rows(pipeline, report_daily).pop((third.created_at.date(), "acme"))
    assert (spoiled["attempted_count"], spoiled["failed_count"]) == (MOST, MOST)
    assert spoiled["success_rate"] == pytest.approx(0.5)
    others = rows(pipeline, report_daily)
    expected = days(listed(pipeline), proofs(pipeline))
    del expected[third.created_at.date(), "acme"], others[third.created_at.date(), "acme"]
    agree(others, expected)


def test_one_batch_of_long_ago_or_of_the_future_does_not_bring_thousands_of_years(pipeline: Pipeline) -> None:
    past, future = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    for moment in (past, future):
        pipeline.truth.create(created_at=moment)
    pipeline.sync_all()
    shown = rows(pipeline, report_daily)
    assert shown[date(1, 1, 1), "acme"]["campaigns"] == shown[date(9999, 12, 30), "acme"]["campaigns"] == 1
    assert len({day for day, _ in shown}) == 7320 + 1 + 2


def test_an_account_whose_sync_was_never_complete_has_the_days_that_were_seen(pipeline: Pipeline) -> None:
    with pipeline.killed_after(2):
        pipeline.sync()
    seen = {row["created_at"].date() for row in pipeline.read(batch_calls) if row["created_at"] is not None}
    assert seen
    assert {day for day, _ in rows(pipeline, report_daily)} == seen


def test_the_day_is_the_one_in_utc_whatever_the_session_s_zone(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    with pipeline.database.engine.connect() as connection:
        if pipeline.database.dialect == "postgres":
            connection.exec_driver_sql("SET TIME ZONE 'Pacific/Auckland'")
        counts = select(report_daily.c.day, report_daily.c.account, report_daily.c.campaigns)
        found = {(day, account): count for day, account, count in connection.execute(counts)}
    expected = days(listed(pipeline), proofs(pipeline))
    assert found == {key: row["campaigns"] for key, row in expected.items()}
