"""Databases that refuse: out of reach, or without room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from etl.engine import writing

from support.databases import Database

_GROWING = ("batch_calls", "incidents")


@contextmanager
def away(database: Database) -> Iterator[None]:
    """The database out of reach, and every connection to it lost."""

    def refuse(dialect: Any, *_: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("connection refused")

    database.engine.dispose()
    event.listen(database.engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(database.engine, "do_connect", refuse)


@contextmanager
def broken(database: Database) -> Iterator[None]:
    """A bug where nobody foresees one: in the middle of what opens the database."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("mgp_secret")

    database.engine.dispose()
    event.listen(database.engine, "do_connect", fail)
    try:
        yield
    finally:
        event.remove(database.engine, "do_connect", fail)


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No room for another page; in PostgreSQL, for another row of what grows."""
    full = _full_file if database.dialect == "sqlite" else _full_tables
    with full(database):
        yield


@contextmanager
def _full_file(database: Database) -> Iterator[None]:
    with writing(database.engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(database.engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(database.engine, "checkout", limit)
        database.engine.dispose()  # and with the connections the limits that they keep


@contextmanager
def _full_tables(database: Database) -> Iterator[None]:
    with writing(database.engine) as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space'; END $$"
        )
        for table in _GROWING:
            connection.exec_driver_sql(
                f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
    try:
        yield
    finally:
        with writing(database.engine) as connection:
            for table in _GROWING:
                connection.exec_driver_sql(f"DROP TRIGGER full_disk ON {table}")
