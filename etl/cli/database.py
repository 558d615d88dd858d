"""The database of a command that reads: not made by looking at it, not read at a version not known here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from etl.damage import check_pages, check_values
from etl.engine import create_engine, reading
from etl.errors import DestinationError
from etl.migrate import HEAD, check_known, current_version
from etl.rights import check_writable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from etl.settings import Settings


@contextmanager
def open_tables(settings: Settings) -> Iterator[Connection | None]:
    """A connection that reads one moment of the tables; None where no sync has made them yet."""
    with _engine(settings) as engine:
        version = current_version(engine)
        if version is None:
            yield None
            return
        check_known(version)
        if version != HEAD:
            raise DestinationError(
                f"the tables are at version {version}, and this program reads those of version {HEAD}",
                hint="run `magpipe-etl migrate`",
            )
        with reading(engine) as connection:
            yield connection


@contextmanager
def open_filled_tables(settings: Settings) -> Iterator[Connection]:
    """The same, for a command that has nothing to say without tables."""
    with open_tables(settings) as connection:
        if connection is None:
            raise DestinationError(
                f"there is nothing in {settings.database_shown} yet",
                hint="run `magpipe-etl sync` first, or `magpipe-etl demo` to see what it would be like",
            )
        yield connection


def look_at_version(settings: Settings) -> str | None:
    """The version of the tables, None where there are none, of a sound database that can be written."""
    with _engine(settings) as engine:
        version = current_version(engine)
        check_writable(engine, settings.database_schema, at_head=version == HEAD)
        if version is not None:
            with reading(engine) as connection:
                check_pages(connection)
                if version == HEAD:
                    check_values(connection)
        return version


def check_accounts(connection: Connection, accounts: tuple[str, ...]) -> None:
    """Refuse a name that the tables do not know: figures of nothing would look like an answer."""
    from etl.report.health_queries import read_accounts

    known = read_accounts(connection)
    for name in accounts:
        if name not in known:
            expected = f"expected one of {', '.join(known)}" if known else "no account has been synced yet"
            raise click.BadParameter(f"{expected}, got {name!r}", param_hint="'--account'")


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()
