"""Whether a SQLite file is damaged, as far as it can tell by itself; all of it is read for that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Double, Integer, Table, Text, Time, text
from sqlalchemy.types import TypeEngine

from etl.refusals import damaged
from etl.tables import UtcDateTime, metadata

# SQLite takes any value in any column. This program writes these; what other programs wrote may be another.
_FITS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (
        UtcDateTime,
        "{0} GLOB '*.[0-9][0-9][0-9][0-9][0-9][0-9]' AND length({0}) = 26"
        " AND datetime(substr({0}, 1, 19), '+0 days') IS substr({0}, 1, 19)",
    ),
    (Time, "time(substr({0}, 1, 8)) IS substr({0}, 1, 8)"),
    (JSON, "json_valid({0})"),
    (Boolean, "typeof({0}) = 'integer' AND {0} IN (0, 1)"),
    (Integer, "typeof({0}) = 'integer'"),
    (Double, "typeof({0}) IN ('real', 'integer')"),
    (Text, "typeof({0}) = 'text'"),
)


def check_pages(connection: Connection) -> None:
    """Raise DestinationError for a SQLite file whose pages contradict each other.

    PostgreSQL looks after its files itself: what it finds in them, it tells whoever reads them.
    """
    if connection.dialect.name != "sqlite":
        return
    if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
        raise damaged(connection.engine)


def check_values(connection: Connection) -> None:
    """Raise DestinationError for a value in a SQLite file that its column cannot hold."""
    misfit = find_misfit(connection)
    if misfit is not None:
        raise damaged(connection.engine, misfit)


def find_misfit(connection: Connection) -> str | None:
    """The first table and column with such a value; a row's own values are told to nobody."""
    if connection.dialect.name != "sqlite":
        return None
    for table in metadata.sorted_tables:
        column = connection.scalar(text(_misfits_in(table)))
        if column is not None:
            return f"{table.name}.{column}"
    return None


def _misfits_in(table: Table) -> str:
    misfits = {column.name: f'NOT ("{column.name}" IS NULL OR {_fits(column)})' for column in table.columns}
    cases = " ".join(f"WHEN {misfit} THEN '{name}'" for name, misfit in misfits.items())
    found = f"SELECT CASE {cases} END AS misfit FROM {table.name}"
    return f"SELECT misfit FROM ({found}) WHERE misfit IS NOT NULL LIMIT 1"


def _fits(column: Column[Any]) -> str:
    condition = next(fits for kind, fits in _FITS if isinstance(column.type, kind))
    return "(" + condition.format(f'"{column.name}"') + ")"
