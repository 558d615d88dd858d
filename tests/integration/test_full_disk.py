"""A disk that is really full: whole pages or nothing, told in a sentence, and mended by room alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect

from etl.engine import reading
from etl.errors import DestinationError, ExportError
from etl.export.formats import find_format, find_writer
from etl.export.relation import Choice, find_relation, select_rows
from etl.export.stream import export_rows
from etl.migrate import current_version, migrate
from etl.model import RunStatus, RunSummary
from etl.rights import check_writable
from etl.sandbox import SandboxOptions, serve
from etl.settings import Settings
from etl.tables import batch_call_history, batch_calls

from support.command import InstalledCommand
from support.databases import API_KEY, DIALECTS, Database, fresh_postgres, opened
from support.disks import Disk, postgres_on, small_disk
from support.pipeline import Pipeline, changes

BATCHES = 1_200
OPTIONS = SandboxOptions(batches=BATCHES, cap=100)
NO_ROOM = "has no disk space left"
only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    with small_disk(24) as disk:
        yield disk


@pytest.fixture(params=DIALECTS)
def empty_database(request: pytest.FixtureRequest, disk: Disk) -> Iterator[Database]:
    """A database whose tables are to be on the disk, and that has none yet."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            settings = Settings(database_url=f"sqlite:///{disk.path / 'magpipe.db'}", api_key=API_KEY)
            yield stack.enter_context(opened("sqlite", settings))
        else:
            url = stack.enter_context(postgres_on(disk, request.getfixturevalue("postgres_url")))
            yield stack.enter_context(fresh_postgres(url))


def backfill(pipeline: Pipeline) -> RunSummary:
    return pipeline.backfill(datetime(2000, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("perform", [Pipeline.sync, backfill], ids=["sync", "backfill"])
def test_what_there_was_room_for_is_kept_and_the_next_run_ends_right(
    disk: Disk, database: Database, perform: Callable[[Pipeline], RunSummary]
) -> None:
    pipeline = Pipeline(database, OPTIONS, fetch_ahead=1)
    disk.fill(leave_kib=1_000)
    for _ in range(3):  # again and again, and never for ever
        summary = perform(pipeline)
        assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
        assert NO_ROOM in str(summary.error)
        assert summary.hint == "make room, then run again: what was committed is kept"
        database.engine.dispose()
    disk.make_room()
    kept = {row["id"] for row in pipeline.read(batch_calls)}
    assert 0 < len(kept) < BATCHES
    assert kept == {row["id"] for row in pipeline.read(batch_call_history)}
    summary = perform(pipeline)
    assert (summary.status, summary.inserted) == (RunStatus.SUCCEEDED, BATCHES - len(kept))
    assert pipeline.differences() == []
    assert changes(pipeline.sync()) == {"unchanged": BATCHES}


@pytest.mark.parametrize("leave_kib", [0, 60, 120])
def test_a_migration_is_whole_or_not_at_all(disk: Disk, empty_database: Database, leave_kib: int) -> None:
    engine, settings = empty_database.engine, empty_database.settings
    disk.fill(leave_kib=leave_kib)
    with pytest.raises(DestinationError, match=NO_ROOM):
        migrate(engine, settings)
    engine.dispose()
    disk.make_room()
    if current_version(engine) is None:
        assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine, settings)
    assert Pipeline(empty_database, OPTIONS).sync().inserted == BATCHES


@only_sqlite
def test_who_reads_a_file_needs_room_too_and_is_told(disk: Disk, database: Database) -> None:
    database.engine.dispose()
    disk.fill()
    with pytest.raises(DestinationError, match=NO_ROOM), reading(database.engine):
        pass
    disk.make_room()
    with reading(database.engine):
        pass


@only_sqlite
def test_a_check_finds_out_that_there_is_no_room(disk: Disk, database: Database) -> None:
    schema = database.settings.database_schema
    check_writable(database.engine, schema, at_head=True)
    disk.fill(leave_kib=500)
    with pytest.raises(DestinationError, match=NO_ROOM):
        check_writable(database.engine, schema, at_head=True)


@only_sqlite
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_an_export_that_has_no_room_leaves_the_file_of_before(
    disk: Disk, database: Database, name: str
) -> None:
    Pipeline(database, OPTIONS).sync()
    file = disk.path / name
    file.write_text("of before")
    relation = find_relation("batch_calls")
    files = set(disk.path.iterdir())

    def export() -> int:
        writer = find_writer(find_format(file))
        with reading(database.engine) as connection:
            return export_rows(connection, relation, select_rows(relation, Choice()), file, writer)

    disk.fill(leave_kib=16)
    with pytest.raises(ExportError, match="No space left on device"):
        export()
    disk.make_room()
    assert file.read_text() == "of before"
    assert set(disk.path.iterdir()) == files
    assert export() == BATCHES


@pytest.mark.slow
def test_the_command_ends_with_4_and_what_to_do(disk: Disk, tmp_path: Path) -> None:
    command = InstalledCommand(tmp_path)
    with serve(OPTIONS) as server:
        variables = {
            "MAGPIPE_BASE_URL": server.base_url,
            "MAGPIPE_API_KEY": server.key,
            "DATABASE_URL": f"sqlite:///{disk.path / 'magpipe.db'}",
        }
        disk.fill(leave_kib=1_000)
        outcome = command.run("sync", **variables)
        assert outcome.code == 4, outcome.err
        assert NO_ROOM in outcome.err
        assert "hint: make room, then run again" in outcome.err
        assert "Traceback" not in outcome.err
        disk.make_room()
        assert command.run("sync", **variables).code == 0
