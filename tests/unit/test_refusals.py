"""Errors are made here as the drivers make them; the integration tests meet real ones."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors as postgres
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, StatementError

from etl.engine import create_engine
from etl.errors import DestinationError
from etl.refusals import describe, destination_errors, explain, is_missing_table

from support.databases import Target

POSTGRES_URL = "postgresql://anna:hunter2@db.example:5433/calls?sslpassword=hunter3"


@pytest.fixture
def postgres_engine() -> Engine:
    return create_engine(Target(database_url=POSTGRES_URL))


@pytest.fixture
def sqlite_engine() -> Engine:
    return create_engine(Target(database_url="sqlite:///magpipe.db"))


def sqlite_error(text: str, code: int, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (postgres.UndefinedTable, "lacks a table"),
        (postgres.InvalidSchemaName, "lacks a table"),
        (postgres.InsufficientPrivilege, "does not permit"),
        (postgres.DiskFull, "no disk space"),
        (postgres.TooManyConnections, "no connection to spare"),
        (postgres.OutOfMemory, "short of resources"),
        (postgres.LockNotAvailable, "kept locked"),
        (postgres.QueryCanceled, "took too long"),
        (postgres.AdminShutdown, "starting or shutting down"),
        (postgres.ReadOnlySqlTransaction, "read-only"),
        (postgres.DeadlockDetected, "ended the transaction"),
        (postgres.ConnectionFailure, "closed the connection"),
        (postgres.SyntaxError, "refused a statement"),
    ],
)
def test_postgresql_s_codes_are_told_in_words(
    postgres_engine: Engine, kind: type[psycopg.Error], said: str
) -> None:
    text = str(explain(postgres_engine, kind("…")))
    assert said in text
    assert f"SQLSTATE {kind.sqlstate}" in text


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT", "kept locked by another program"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY", "read-only"),
        (sqlite3.SQLITE_FULL, "SQLITE_FULL", "no disk space"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE", "no disk space"),
        (sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN", "cannot be opened"),
        (sqlite3.SQLITE_NOTADB, "SQLITE_NOTADB", "not a SQLite database"),
        (sqlite3.SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC", "cannot be read or written"),
        (sqlite3.SQLITE_ERROR, "SQLITE_ERROR", "refused a statement"),
    ],
)
def test_sqlite_s_codes_are_told_in_words(sqlite_engine: Engine, code: int, name: str, said: str) -> None:
    text = str(explain(sqlite_engine, sqlite_error("…", code, name)))
    assert text.startswith("the SQLite file magpipe.db ")
    assert said in text
    assert f"({name})" in text


def test_a_complaint_of_the_driver_itself_has_no_code(sqlite_engine: Engine) -> None:
    error = explain(sqlite_engine, sqlite3.ProgrammingError("Cannot operate on a closed database."))
    assert str(error) == "the SQLite file magpipe.db refused a statement (ProgrammingError)"


@pytest.mark.parametrize(
    "error",
    [
        postgres.UniqueViolation("duplicate key\nDETAIL:  Key (name)=(Grandma) already exists."),
        postgres.InvalidTextRepresentation('invalid input syntax for type bigint: "Grandma"'),
        psycopg.DataError("cannot dump Grandma"),
    ],
)
def test_a_row_s_value_is_not_told(postgres_engine: Engine, error: psycopg.Error) -> None:
    with pytest.raises(DestinationError) as caught, destination_errors(postgres_engine):
        raise DBAPIError("INSERT …", {"name": "Grandma"}, error)
    assert "Grandma" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_password_is_not_told(postgres_engine: Engine) -> None:
    error = psycopg.OperationalError("connection failed: no such option hunter2\nsecond line")
    text = str(explain(postgres_engine, error))
    assert text == "the PostgreSQL database calls at db.example:5433 cannot be reached: no such option ***"
    assert "hunter" not in describe(postgres_engine)


def test_a_text_that_is_none_is_damage_and_its_bytes_are_not_told(sqlite_engine: Engine) -> None:
    said = "Could not decode to UTF-8 column 'name' with text 'Grandma'"
    error = explain(sqlite_engine, sqlite3.OperationalError(said))
    assert str(error) == "the SQLite file magpipe.db is damaged (OperationalError)"
    assert "put back a copy" in str(error.hint)


def test_a_refusal_that_the_driver_cannot_read_out_is_damage(sqlite_engine: Engine) -> None:
    with pytest.raises(DestinationError, match="is damaged"), destination_errors(sqlite_engine):
        b"malformed database schema (\xe4)".decode()


def test_bytes_that_are_no_text_are_a_bug_where_no_file_can_be_damaged(postgres_engine: Engine) -> None:
    with pytest.raises(UnicodeDecodeError), destination_errors(postgres_engine):
        b"\xe4".decode()


def test_errors_of_the_program_itself_pass_through(sqlite_engine: Engine) -> None:
    naive_time = StatementError("a time without a zone", "INSERT …", {}, ValueError())
    with pytest.raises(StatementError), destination_errors(sqlite_engine):
        raise naive_time


def test_errors_of_a_bare_driver_are_told_too(sqlite_engine: Engine) -> None:
    with pytest.raises(DestinationError), destination_errors(sqlite_engine):
        raise sqlite3.OperationalError("database is locked")


def test_a_missing_table_is_told_apart() -> None:
    def failed(original: Exception) -> DBAPIError:
        return DBAPIError("SELECT …", {}, original)

    assert is_missing_table(failed(postgres.UndefinedTable("…")))
    assert is_missing_table(failed(sqlite_error("no such table: x", sqlite3.SQLITE_ERROR, "SQLITE_ERROR")))
    assert not is_missing_table(failed(postgres.SyntaxError("…")))
    assert not is_missing_table(failed(sqlite_error("near …", sqlite3.SQLITE_ERROR, "SQLITE_ERROR")))
