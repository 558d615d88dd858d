"""The database brought to the newest version, as if two deployments raced for it.

A database that is up to date is told by one query, without loading alembic: every start goes this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from etl.engine import DatabaseSettings, advisory_key, is_absent, snapshot
from etl.errors import DestinationError
from etl.refusals import destination_errors, is_missing_table

HEAD: Final = "0006"
# Longer than a migration takes, shorter than the patience of whoever watches a deployment.
LONGEST_WAIT: Final = "120s"


def migrate(engine: Engine, settings: DatabaseSettings) -> tuple[str | None, str]:
    """Bring the database to HEAD; gives the version it was at, None for a new one, and the one it is at now.

    Raises DestinationError for a database that a newer release has migrated, or that another migration holds.
    """
    before = current_version(engine)
    if before != HEAD:
        with destination_errors(engine), _alone(engine, settings) as connection:
            # Seen again: whoever had the lock before may have been a newer release.
            check_known(current_version(engine))
            _upgrade(connection)
    return before, HEAD


def current_version(engine: Engine) -> str | None:
    """The revision that the database is at, None where no migration ever ran; to ask makes no file."""
    if is_absent(engine):
        return None
    with destination_errors(engine):
        try:
            with snapshot(engine) as connection:
                version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
                return version
        except DBAPIError as error:
            if is_missing_table(error):
                return None
            raise


def migrations_folder() -> Path:
    """Where the revisions are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def check_known(version: str | None) -> None:
    """Refuse tables of a later release: what their columns mean is not known here."""
    known = {file.name.partition("_")[0] for file in (migrations_folder() / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise DestinationError(
            f"the tables are at version {version}; this program knows those up to {HEAD}",
            hint="install the release of magpipe-etl that migrated them, or a newer one",
        )


@contextmanager
def _alone(engine: Engine, settings: DatabaseSettings) -> Iterator[Connection]:
    """A connection that no other migration of this database has while it lasts."""
    held = _alone_in_postgres if engine.dialect.name == "postgresql" else _alone_in_sqlite
    with engine.connect() as connection, held(connection, settings):
        yield connection


@contextmanager
def _alone_in_sqlite(connection: Connection, _settings: DatabaseSettings) -> Iterator[None]:
    # The write lock, taken at the beginning: SQLite's changes of tables are part of the transaction.
    with connection.begin():
        yield


@contextmanager
def _alone_in_postgres(connection: Connection, settings: DatabaseSettings) -> Iterator[None]:
    """A lock of the session, since each revision has a transaction of its own."""
    connection.detach()  # closed at the end, whatever happened, and with it the lock
    with connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'"))
        key = advisory_key("migrate", settings.database_schema)
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
    _make_schema(connection, settings.database_schema)
    yield


def _make_schema(connection: Connection, schema: str) -> None:
    # CREATE SCHEMA IF NOT EXISTS asks for the right to create one even where it exists.
    with connection.begin():
        found = connection.scalar(
            text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": schema}
        )
        if found is None:
            connection.execute(CreateSchema(schema))


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    command.upgrade(config, "head")
