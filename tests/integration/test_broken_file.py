"""A SQLite file that is locked, read-only or damaged: told, and whole pages or nothing."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from etl.cli.database import look_at_version
from etl.engine import is_absent, reading
from etl.errors import DestinationError
from etl.migrate import migrate
from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.settings import Settings
from etl.tables import batch_call_history, batch_calls, sync_runs

from support.databases import API_KEY, Database, fresh_sqlite, opened
from support.disks import small_disk
from support.pipeline import OnPage, Pipeline, changes
from support.processes import Worker, worker

BATCHES = 120
PAGE = 4_096

HOLD = """
from etl.engine import writing
for _ in sys.stdin:
    with writing(engine):
        print("held", flush=True)
        sys.stdin.readline()
    print("freed", flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_sqlite(tmp_path) as database:
        migrate(database.engine, database.settings)
        yield database


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=BATCHES), page_size=20, fetch_ahead=1)


def end_of_sync(pipeline: Pipeline) -> tuple[int, str | None]:
    """Its exit code, and what it says; also where the file cannot even be opened."""
    try:
        summary = pipeline.sync()
    except DestinationError as error:
        return error.exit_code, str(error)
    return summary.exit_code, summary.error


# -- locked ------------------------------------------------------------------------------------------


class Hold:
    """After the first page the other program holds the lock: for a while, or until it is told."""

    def __init__(self, other: Worker, *, seconds: float | None = None) -> None:
        self._other = other
        self._seconds = seconds
        self.since_pages = 0

    def __call__(self, pages: int) -> None:
        if self.since_pages:
            return
        self.since_pages = pages
        self._other.say("hold")
        assert self._other.hear() == "held"
        if self._seconds is not None:
            threading.Timer(self._seconds, self._other.say, ["let go"]).start()


def test_a_lock_that_lasts_ends_the_run_with_what_to_do_and_the_next_one_ends_right(
    pipeline: Pipeline,
) -> None:
    def impatient(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    engine = pipeline.database.engine
    engine.dispose()
    with worker(HOLD, pipeline.database) as other:
        event.listen(engine, "connect", impatient)
        hold = Hold(other)
        summary = pipeline.sync(progress=OnPage(hold))
        assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
        assert summary.pages == hold.since_pages
        assert "was kept locked by another program for too long" in str(summary.error)
        assert summary.hint == "end the program that has it open"
        refused = pipeline.sync()
        assert (refused.exit_code, refused.run_id) == (4, None)
        assert len(pipeline.alive()) == summary.inserted  # who reads does not wait
        other.say("let go")
        assert other.hear() == "freed"
    assert pipeline.sync().inserted == BATCHES - summary.inserted
    assert pipeline.differences() == []


def test_a_lock_that_ends_in_time_is_waited_for(pipeline: Pipeline) -> None:
    with worker(HOLD, pipeline.database) as other:
        assert changes(pipeline.sync(progress=OnPage(Hold(other, seconds=0.2)))) == {"inserted": BATCHES}
        assert other.hear() == "freed"
    assert pipeline.differences() == []


# -- read-only ---------------------------------------------------------------------------------------


def test_a_disk_that_turns_read_only_costs_the_rest_of_the_run_and_nothing_before() -> None:
    with small_disk(24) as disk:
        settings = Settings(database_url=f"sqlite:///{disk.path / 'magpipe.db'}", api_key=API_KEY)
        with opened("sqlite", settings) as database:
            migrate(database.engine, settings)
            pipeline = Pipeline(database, SandboxOptions(batches=BATCHES), page_size=20)
            pipeline.sync()
            pipeline.truth.create()
            database.engine.dispose()
            before = (disk.path / "magpipe.db").read_bytes()
            disk.turn_read_only()
            assert end_of_sync(pipeline)[0] == 4
            with pytest.raises(DestinationError) as caught:
                look_at_version(settings)
            assert caught.value.hint == "let this user write the file and its folder"
            assert (disk.path / "magpipe.db").read_bytes() == before
            disk.turn_writable()
            look_at_version(settings)
            assert changes(pipeline.sync()) == {"inserted": 1, "unchanged": BATCHES}


# -- removed or replaced -----------------------------------------------------------------------------


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_no_longer_there_ends_the_run_and_the_next_one_fills_the_one_that_is(
    pipeline: Pipeline, tmp_path: Path, replaced: bool
) -> None:
    pipeline.database.engine.dispose()
    empty = (tmp_path / "magpipe.db").read_bytes()

    removed_at: list[int] = []

    def remove(pages: int) -> None:
        if not removed_at:
            removed_at.append(pages)
            for file in tmp_path.glob("magpipe.db*"):
                if file.is_file():
                    file.unlink()
            if replaced:
                (tmp_path / "magpipe.db").write_bytes(empty)

    summary = pipeline.sync(progress=OnPage(remove))
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
    assert "was removed or replaced while it was open" in str(summary.error)
    assert pipeline.sync().inserted == BATCHES
    with opened("sqlite", pipeline.settings) as another:
        assert {row["id"] for row in Pipeline(another).read(batch_calls)} == pipeline.alive().keys()


# -- damaged -----------------------------------------------------------------------------------------


def zeros(file: bytearray, rng: random.Random) -> None:
    at = rng.randrange(1, len(file) // PAGE) * PAGE
    file[at : at + PAGE] = bytes(PAGE)


def noise(file: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(file) // PAGE) * PAGE
    file[at : at + PAGE] = rng.randbytes(PAGE)


def flipped(file: bytearray, rng: random.Random) -> None:
    """Bits, of what says where on a page its rows are."""
    for at in range(PAGE, len(file), PAGE):
        file[at + rng.randrange(16)] ^= 1 << rng.randrange(8)


def cut(file: bytearray, rng: random.Random) -> None:
    del file[rng.randrange(100, len(file)) :]


@pytest.mark.parametrize("damage", [zeros, noise, flipped, cut])
def test_a_damaged_file_is_told_and_a_new_one_is_filled(
    pipeline: Pipeline, tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    pipeline.sync()
    pipeline.database.engine.dispose()
    file = tmp_path / "magpipe.db"
    sound = file.read_bytes()
    told = 0
    for seed in range(12):
        spoilt = bytearray(sound)
        damage(spoilt, random.Random(seed))
        file.write_bytes(spoilt)
        code, error = end_of_sync(pipeline)
        if code != 0:  # it may have been a page that nothing is read from
            assert code == 4, error
            assert "is damaged" in str(error) or "is not a SQLite database" in str(error)
            told += 1
        pipeline.database.engine.dispose()
        for left in tmp_path.glob("magpipe.db*"):
            if left.is_file():
                left.unlink()
    assert told > 0
    assert is_absent(pipeline.database.engine)
    migrate(pipeline.database.engine, pipeline.settings)
    assert pipeline.sync().inserted == BATCHES
    assert pipeline.differences() == []
    assert len(pipeline.read(batch_call_history)) == BATCHES


def test_a_check_reads_all_of_a_file_and_finds_what_is_damaged(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.sync()
    pipeline.database.engine.dispose()
    look_at_version(pipeline.settings)
    file = tmp_path / "magpipe.db"
    spoilt = bytearray(file.read_bytes())
    noise(spoilt, random.Random(0))
    file.write_bytes(spoilt)
    with pytest.raises(DestinationError, match="is damaged") as caught:
        look_at_version(pipeline.settings)
    assert "together with its -wal" in str(caught.value.hint)


MISFITS = [
    ("batch_calls", "created_at", "2026-02-30 00:00:00.000000"),
    ("batch_calls", "created_at", b"2026"),
    ("batch_calls", "version", "one"),
    ("batch_calls", "send_now", 7),
    ("batch_calls", "extra", "{"),
    ("batch_calls", "window_start_time", "noon"),
    ("batch_calls", "success_rate", "high"),
    ("batch_calls", "name", b"blob"),
    ("sync_runs", "started_at", "2026-03-14"),
]


@pytest.mark.parametrize(("table", "column", "value"), MISFITS)
def test_a_value_that_its_column_cannot_hold_is_damage_of_that_column(
    pipeline: Pipeline, table: str, column: str, value: object
) -> None:
    pipeline.sync()
    look_at_version(pipeline.settings)
    with pipeline.connected() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = ?", (value,))
    told = f"is damaged: a value in {table}.{column} is not of that column's type"
    with pytest.raises(DestinationError, match=told) as caught:
        look_at_version(pipeline.settings)
    assert "put back a copy, or sync anew" in str(caught.value.hint)
    pipeline.truth.create()
    code, error = end_of_sync(pipeline)
    assert code == 0 or (code == 4 and str(error).endswith(told)), error  # 0: it had no need to read them


@pytest.mark.parametrize(("column", "value"), [("started_at", "yesterday"), ("proven", "[")])
def test_a_run_that_meets_such_a_value_ends_as_one_with_a_damaged_file(
    pipeline: Pipeline, column: str, value: str
) -> None:
    pipeline.sync()
    with pipeline.connected() as connection:
        connection.exec_driver_sql(f"UPDATE sync_runs SET {column} = ?", (value,))
    with pytest.raises(DestinationError, match=f"a value in sync_runs.{column} is not") as caught:
        pipeline.read(sync_runs)
    assert caught.value.__suppress_context__  # the value may be a customer's


def test_what_fails_over_no_value_of_the_file_is_not_its_fault(pipeline: Pipeline) -> None:
    with pytest.raises(ZeroDivisionError), reading(pipeline.database.engine):
        _ = 1 // 0


def test_a_text_that_is_none_is_damage(pipeline: Pipeline) -> None:
    pipeline.sync()
    with pipeline.connected() as connection:
        connection.exec_driver_sql("UPDATE batch_calls SET name = CAST(X'C328' AS TEXT)")
    with pytest.raises(DestinationError, match="is damaged"):
        pipeline.alive()


def test_a_hash_that_is_no_number_is_damage(pipeline: Pipeline) -> None:
    """The hashes of a page are read as one JSON object, and bytes cannot stand in one."""
    pipeline.sync()
    with pipeline.connected() as connection:
        connection.exec_driver_sql("UPDATE batch_calls SET row_hash = X'C328'")
    code, error = end_of_sync(pipeline)
    assert code == 4
    assert "is damaged" in str(error)
