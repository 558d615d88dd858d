"""The views of the database say what the tables say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from etl.engine import reading, writing
from etl.interval import Interval
from etl.sandbox import SandboxOptions
from etl.state.coverage import Covered, save_coverage

from support.databases import Database
from support.pipeline import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=30))


def freshness(database: Database) -> list[tuple[object, ...]]:
    query = text("SELECT account, last_complete_at, oldest_proof_at, lag_seconds FROM report_freshness")
    with reading(database.engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_after_a_complete_sync_no_number_is_older_than_its_beginning(
    pipeline: Pipeline, database: Database
) -> None:
    summary = pipeline.sync()
    [(account, last_complete_at, oldest_proof_at, lag_seconds)] = freshness(database)
    assert account == summary.account
    assert str(last_complete_at)[:19] == str(summary.finished_at)[:19]
    assert str(oldest_proof_at)[:19] == str(summary.started_at)[:19]
    assert isinstance(lag_seconds, float)


def test_while_a_batch_was_never_proven_no_age_is_claimed(pipeline: Pipeline, database: Database) -> None:
    summary = pipeline.sync()
    now = summary.started_at
    with writing(database.engine) as connection:
        connection.execute(text("DELETE FROM sync_coverage"))
        upper = Interval(after=now - timedelta(days=1), upto=now)
        save_coverage(connection, summary.account, Covered(upper, now), newest=now, since=now)
    assert [row[2:] for row in freshness(database)] == [(None, None)]


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(hours=1)], ids=["joined", "gap"])
def test_the_oldest_proof_counts_where_the_intervals_join(
    pipeline: Pipeline, database: Database, gap: timedelta
) -> None:
    summary = pipeline.sync()
    now = summary.started_at
    border = now - timedelta(days=1)
    with writing(database.engine) as connection:
        connection.execute(text("DELETE FROM sync_coverage"))
        for interval, age in (
            (Interval(after=None, upto=border - gap), timedelta(hours=5)),
            (Interval(after=border, upto=now), timedelta(0)),
        ):
            save_coverage(connection, summary.account, Covered(interval, now - age), newest=now, since=now)
    [(_, _, oldest_proof_at, _)] = freshness(database)
    if gap:
        assert oldest_proof_at is None
    else:
        assert str(oldest_proof_at)[:19] == str(now - timedelta(hours=5))[:19]
