"""Who reads for long, who migrates and who syncs at the same time: right figures for each, none starves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text

from etl.engine import reading, writing
from etl.errors import DestinationError
from etl.migrate import HEAD, current_version, migrate, migrations_folder
from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.state.lock import account_lock

from support.databases import Database, opened
from support.pipeline import OnPage, Pipeline, changes

BATCHES = 120
OPTIONS = SandboxOptions(batches=BATCHES)
only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("empty_database", ["postgres"], indirect=True)


@contextmanager
def dashboard(database: Database) -> Iterator[Connection]:
    """A query of another program that keeps one moment of the database for as long as the block lasts."""
    with opened(database.dialect, database.settings) as other, reading(other.engine) as connection:
        yield connection


def figures(connection: Connection) -> list[Any]:
    views = ("report_status", "report_daily", "report_campaigns", "batch_runs")
    return [connection.execute(text(f"SELECT * FROM {view} ORDER BY 1, 2")).all() for view in views]


def test_a_dashboard_that_keeps_one_moment_sees_it_while_syncs_go_on(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=20)
    pipeline.sync()
    with dashboard(database) as connection:
        before = figures(connection)
        for round_ in range(1, 6):
            pipeline.truth.create()
            pipeline.truth.change(pipeline.truth.listed()[-round_].id, name=f"renamed {round_}")
            assert changes(pipeline.sync()) == {
                "inserted": 1,
                "updated": 1,
                "unchanged": BATCHES + round_ - 2,
            }
            assert figures(connection) == before
            assert len(pipeline.alive()) == BATCHES + round_  # who comes later sees what is there by then
    assert pipeline.differences() == []
    with dashboard(database) as connection:
        assert figures(connection) != before


@only_sqlite
def test_the_log_is_small_again_when_the_last_who_kept_a_moment_has_gone(
    database: Database, tmp_path: Path
) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=2_000))
    log = tmp_path / "magpipe.db-wal"
    with dashboard(database) as connection:
        figures(connection)
        pipeline.sync()
    with closing(sqlite3.connect(tmp_path / "magpipe.db")) as other:
        busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, log.stat().st_size) == (0, 0)


def test_readers_come_and_go_during_a_sync_and_each_sees_whole_pages(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS, page_size=20, fetch_ahead=1)
    seen: list[int] = []

    def look(pages: int) -> None:
        with dashboard(database) as connection:
            batches = connection.scalar(text("SELECT count(*) FROM batch_calls"))
            history = connection.scalar(text("SELECT count(*) FROM batch_call_history"))
            rows = connection.scalar(text("SELECT sum(rows_seen) FROM sync_runs"))
        assert batches == history == rows
        seen.append(int(batches or 0))

    assert pipeline.sync(progress=OnPage(look)).inserted == BATCHES
    assert seen == sorted(set(seen))
    assert seen[-1] == BATCHES


# -- migrations --------------------------------------------------------------------------------------


def upgrade_to(version: str, database: Database) -> None:
    """The database as an earlier release left it."""
    with database.engine.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations_folder()))
        command.upgrade(config, version)


@pytest.fixture
def old_database(empty_database: Database) -> Database:
    if empty_database.dialect == "postgres":
        with writing(empty_database.engine) as connection:
            connection.execute(text(f"CREATE SCHEMA {empty_database.settings.database_schema}"))
    upgrade_to("0002", empty_database)
    return empty_database


@only_sqlite
def test_a_migration_does_not_wait_for_who_reads_a_file(old_database: Database) -> None:
    with dashboard(old_database) as connection:
        before = connection.execute(text("SELECT * FROM report_freshness")).all()
        migrate(old_database.engine, old_database.settings)
        assert connection.execute(text("SELECT * FROM report_freshness")).all() == before
    assert current_version(old_database.engine) == HEAD


@only_postgres
def test_a_migration_that_a_reader_keeps_waiting_says_so_and_can_be_done_later(
    old_database: Database,
) -> None:
    def impatient(connection: Any, *_: object) -> None:
        connection.execute("SET lock_timeout = '100ms'")
        connection.commit()

    event.listen(old_database.engine, "connect", impatient)
    old_database.engine.dispose()
    with dashboard(old_database) as connection:
        connection.execute(text("SELECT * FROM report_freshness")).all()
        with pytest.raises(DestinationError, match="kept locked by another client") as caught:
            migrate(old_database.engine, old_database.settings)
        assert "pg_stat_activity" in str(caught.value.hint)
        assert connection.execute(text("SELECT * FROM report_freshness")).all() == []  # and is not disturbed
    assert current_version(old_database.engine) == "0002"
    migrate(old_database.engine, old_database.settings)
    assert Pipeline(old_database, OPTIONS).sync().inserted == BATCHES


def test_a_migration_leaves_what_an_earlier_release_has_loaded(old_database: Database) -> None:
    with writing(old_database.engine) as connection:
        connection.execute(text("INSERT INTO sync_missing (account, id, run_id) VALUES ('acme', 'b1', 1)"))
    migrate(old_database.engine, old_database.settings)
    with reading(old_database.engine) as connection:
        assert tuple(connection.execute(text("SELECT account, id, run_id FROM sync_missing")).one()) == (
            "acme",
            "b1",
            1,
        )


# -- writers -----------------------------------------------------------------------------------------


def test_accounts_that_write_at_once_wait_for_each_other_and_none_fails(database: Database) -> None:
    names = tuple(f"account-{number}" for number in range(6))
    pipeline = Pipeline(database, SandboxOptions(batches=60, cap=10, accounts=names), fetch_ahead=2)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        others = [stack.enter_context(opened(database.dialect, database.settings)) for _ in range(2)]
        halves = [
            pool.submit(pipeline.sync_all, accounts=names[at::2], engine=other.engine)
            for at, other in enumerate(others)
        ]
        summaries = [summary for half in halves for summary in half.result()]
    assert {(summary.status, summary.inserted) for summary in summaries} == {(RunStatus.SUCCEEDED, 60)}
    assert [pipeline.differences(name) for name in names] == [[]] * len(names)


def test_backfills_verifications_and_syncs_leave_an_account_to_each_other(database: Database) -> None:
    pipeline = Pipeline(database, OPTIONS)
    pipeline.sync()
    since = pipeline.truth.listed()[-1].created_at
    assert since is not None
    with account_lock(database.engine, pipeline.settings, pipeline.truth.name):
        ends = [pipeline.sync(), pipeline.backfill(since)]
        assert {(end.exit_code, end.run_id) for end in ends} == {(5, None)}
        assert pipeline.verify().exit_code == 5
    assert pipeline.backfill(since).status is RunStatus.SUCCEEDED
