from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url, select, text

from etl.engine import create_engine, reading, writing
from etl.errors import DestinationError
from etl.settings import Settings
from etl.tables import batch_calls, sync_missing

from support.databases import API_KEY, Database, Target, opened

only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("empty_database", ["postgres"], indirect=True)

ROW = {"account": "acme", "id": "b1", "run_id": 1}


def ids(database: Database) -> list[str]:
    with reading(database.engine) as connection:
        return list(connection.scalars(select(sync_missing.c.id)))


def test_what_is_written_is_committed_at_the_end(database: Database) -> None:
    with writing(database.engine) as connection:
        connection.execute(insert(sync_missing), ROW)
    assert ids(database) == ["b1"]


def test_nothing_is_kept_of_a_transaction_that_failed(database: Database) -> None:
    with pytest.raises(RuntimeError), writing(database.engine) as connection:
        connection.execute(insert(sync_missing), ROW)
        raise RuntimeError
    assert ids(database) == []


def test_a_reader_sees_one_moment_while_a_writer_commits(database: Database) -> None:
    with reading(database.engine) as reader:
        before = reader.scalars(select(sync_missing.c.id)).all()
        with writing(database.engine) as connection:
            connection.execute(insert(sync_missing), ROW)
        assert reader.scalars(select(sync_missing.c.id)).all() == before == []
    assert ids(database) == ["b1"]


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with writing(database.engine) as connection:
        connection.execute(insert(sync_missing), ROW)
        assert ids(database) == []


def test_a_reader_cannot_write(database: Database) -> None:
    with (
        pytest.raises(DestinationError, match="read-only"),
        reading(database.engine) as connection,
    ):
        connection.execute(insert(sync_missing), ROW)


def test_a_connection_that_read_can_write_the_next_time(database: Database) -> None:
    assert ids(database) == []
    with writing(database.engine) as connection:
        connection.execute(insert(sync_missing), ROW)
    assert ids(database) == ["b1"]


def test_a_refused_row_is_told_by_the_database_s_name_and_without_its_values(database: Database) -> None:
    with writing(database.engine) as connection:
        connection.execute(insert(sync_missing), ROW)
    with (
        pytest.raises(DestinationError, match="breaks a constraint") as caught,
        writing(database.engine) as c,
    ):
        c.execute(insert(sync_missing), ROW)
    assert "acme" not in str(caught.value)


def test_a_table_that_is_not_there_asks_for_a_migration(empty_database: Database) -> None:
    with pytest.raises(DestinationError, match="lacks a table") as caught:
        ids(empty_database)
    assert caught.value.hint == "run `magpipe-etl migrate`"


def test_json_is_stored_as_people_write_it(database: Database) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"account": "acme", "id": "b1", "status": "draft", "first_seen_at": now, "changed_at": now}
    numbers = dict.fromkeys(["run_id", "version", "row_hash", "values_hash"], 1)
    with writing(database.engine) as connection:
        connection.execute(insert(batch_calls), {**row, **numbers, "extra": {"name": "Zoë 🎉"}})
        stored = connection.scalar(text("SELECT CAST(extra AS TEXT) FROM batch_calls"))
    assert stored == '{"name": "Zoë 🎉"}'


@only_sqlite
def test_a_file_is_set_up_for_readers_beside_a_writer(empty_database: Database) -> None:
    with reading(empty_database.engine) as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000


@only_sqlite
def test_a_writer_has_the_lock_before_its_first_statement(empty_database: Database, tmp_path: Path) -> None:
    with (
        writing(empty_database.engine),
        closing(sqlite3.connect(tmp_path / "magpipe.db", timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


@only_sqlite
def test_writers_that_first_read_take_turns(empty_database: Database) -> None:
    def add_one(_turn: int) -> None:
        with writing(empty_database.engine) as connection:
            counted = connection.scalar(text("SELECT n FROM counter"))
            connection.execute(text("UPDATE counter SET n = :n"), {"n": counted + 1})

    with writing(empty_database.engine) as connection:
        connection.execute(text("CREATE TABLE counter AS SELECT 0 AS n"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(40)))
    with reading(empty_database.engine) as connection:
        assert connection.scalar(text("SELECT n FROM counter")) == 40


@only_sqlite
def test_a_file_that_is_no_database_is_told(empty_database: Database, tmp_path: Path) -> None:
    (tmp_path / "magpipe.db").write_text("To whom it may concern: " * 1000)
    with pytest.raises(DestinationError, match="is not a SQLite database"):
        ids(empty_database)


def test_a_folder_that_is_not_there_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="does not exist") as caught:
        create_engine(Target(database_url=f"sqlite:///{tmp_path / 'nowhere' / 'magpipe.db'}"))
    assert caught.value.hint == "create the folder, or mend DATABASE_URL"


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="is a folder"):
        create_engine(Target(database_url=f"sqlite:///{tmp_path}"))


@only_postgres
def test_a_session_is_in_the_schema_and_in_utc(empty_database: Database) -> None:
    settings = ("search_path", "TimeZone", "application_name", "lock_timeout", "statement_timeout")
    with reading(empty_database.engine) as connection:
        seen = [connection.scalar(text("SELECT current_setting(:name)"), {"name": name}) for name in settings]
    assert seen == [f'"{empty_database.settings.database_schema}"', "UTC", "magpipe-etl", "30s", "10min"]


@only_postgres
def test_the_url_s_own_parameters_win(empty_database: Database) -> None:
    url = make_url(empty_database.settings.database_url).update_query_dict({"application_name": "mine"})
    settings = Settings(database_url=url.render_as_string(hide_password=False), api_key=API_KEY)
    with opened("postgres", settings) as other, reading(other.engine) as connection:
        assert connection.scalar(text("SELECT current_setting('application_name')")) == "mine"


@only_postgres
def test_a_connection_that_the_server_ended_is_replaced(database: Database) -> None:
    with reading(database.engine) as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    with opened("postgres", database.settings) as other, writing(other.engine) as connection:
        # Its own alone: other tests have sessions on the same server.
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
    assert ids(database) == []


def test_a_server_that_is_not_there_is_told_by_its_address() -> None:
    engine = create_engine(Target(database_url="postgresql://anna:hunter2@127.0.0.1:1/calls"))
    unreachable = r"calls at 127\.0\.0\.1:1 cannot be reached"
    with pytest.raises(DestinationError, match=unreachable) as caught, reading(engine):
        pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
def test_without_the_driver_the_way_to_install_it_is_told() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from types import SimpleNamespace\n"
        "from etl.engine import create_engine\n"
        "create_engine(SimpleNamespace(database_url='postgresql://db/x', database_schema='x'))\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install '.[postgres]'" in outcome.stderr.splitlines()[-1]
