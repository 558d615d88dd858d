"""Databases with every table in them: made once by the migrations, and again without them for each test.

SQLite's is a file to copy; PostgreSQL's is what the migrations sent, as one script for any schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, event

from etl.engine import writing
from etl.migrate import migrate

from support.databases import Database, fresh_postgres, fresh_sqlite

READS = ("SELECT", "SET")


class Template(Protocol):
    """What the migrations made."""

    def fill(self, database: Database) -> None:
        """Make it in a database that holds nothing yet."""
        ...


class SqliteTemplate:
    def __init__(self, folder: Path) -> None:
        with fresh_sqlite(folder) as database:
            migrate(database.engine, database.settings)
        self._content = file_of(database).read_bytes()

    def fill(self, database: Database) -> None:
        file_of(database).write_bytes(self._content)


class PostgresTemplate:
    def __init__(self, url: str) -> None:
        with fresh_postgres(url) as database:
            with recorded(database.engine) as statements:
                migrate(database.engine, database.settings)
            self._schema = database.settings.database_schema
        self._script = ";\n".join(each for each in statements if not each.lstrip().startswith(READS))

    def fill(self, database: Database) -> None:
        with writing(database.engine) as connection:
            connection.exec_driver_sql(self._script.replace(self._schema, database.settings.database_schema))


def file_of(database: Database) -> Path:
    return Path(database.engine.url.database or "")


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """What is sent to the database in the block; all but reads have to stand for themselves."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if parameters and not statement.lstrip().startswith(READS):
            raise ValueError(f"cannot be sent again without its parameters: {statement}")
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
