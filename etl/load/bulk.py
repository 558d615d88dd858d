"""Many rows into one table, or found in it by their keys, each database in its fastest way.

SQLite takes prepared statements; PostgreSQL takes COPY, for an upsert through a temporary table. Both get
the same rows, in the order of the columns that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Connection, DateTime, Table, Time, any_, func, literal, select
from sqlalchemy.types import JSON, TypeDecorator

Values = tuple[Any, ...]
Encoder = Callable[[Any], Any]


def append(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Values]) -> None:
    """Insert rows of which none is there yet."""
    if not rows:
        return
    encoded = _encode(connection, table, columns, rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, columns, encoded)
    else:
        _insert(connection, table.name, columns, encoded)


def upsert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    *,
    keep: frozenset[str],
    newer_by: str,
) -> None:
    """Insert rows or, by the table's key, replace what is there; no key stands twice among `rows`.

    A row that is there keeps the columns named in `keep`; where its `newer_by` is later it is not touched.
    """
    if not rows:
        return
    encoded = _encode(connection, table, columns, rows)
    resolution = _resolve_conflict(table, columns, keep, newer_by)
    if connection.dialect.name == "postgresql":
        staging = f"staging_{table.name}"
        names = ", ".join(columns)
        connection.exec_driver_sql(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} (LIKE {table.name}) ON COMMIT DELETE ROWS"
        )
        connection.exec_driver_sql(f"TRUNCATE {staging}")
        _copy(connection, staging, columns, encoded)
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {staging} {resolution}"
        )
    else:
        _insert(connection, table.name, columns, encoded, resolution)


def is_one_of(connection: Connection, column: ColumnElement[Any], keys: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN (…)` as one parameter: a page may hold more keys than a statement takes parameters."""
    listed = list(keys)
    if connection.dialect.name == "postgresql":
        return column == any_(literal(listed, ARRAY(column.type)))
    found = func.json_each(msgspec.json.encode(listed).decode()).table_valued("value")
    return column.in_(select(found.c.value))


def _resolve_conflict(table: Table, columns: tuple[str, ...], keep: frozenset[str], newer_by: str) -> str:
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in columns if name not in keep and name not in keys
    )
    is_newer = f"{table.name}.{newer_by} <= excluded.{newer_by}"
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes} WHERE {is_newer}"


def _insert(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[Sequence[Any]],
    resolution: str = "",
) -> None:
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) {resolution}"
    _driver(connection).executemany(statement, rows)


def _copy(
    connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]
) -> None:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _driver(connection: Connection) -> Any:
    """The driver's own connection: SQLAlchemy's way with rows costs several times their bytes."""
    return connection.connection.driver_connection


def _encode(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[Values]
) -> Iterator[Sequence[Any]]:
    """The rows with each value as the driver takes it."""
    encoders = _encoders(table, columns, connection.dialect.name)
    for row in rows:
        values = list(row)
        for at, encode in encoders:
            if values[at] is not None:
                values[at] = encode(values[at])
        yield values


@cache
def _encoders(table: Table, columns: tuple[str, ...], dialect: str) -> tuple[tuple[int, Encoder], ...]:
    found = ((at, _encoder(table.c[name].type, dialect)) for at, name in enumerate(columns))
    return tuple((at, encoder) for at, encoder in found if encoder is not None)


def _encoder(type_: Any, dialect: str) -> Encoder | None:
    if isinstance(type_, JSON):
        return _json_text
    if dialect == "postgresql":
        return None
    if isinstance(type_, TypeDecorator) and isinstance(type_.impl, DateTime):
        return _sqlite_time
    return _sqlite_time_of_day if isinstance(type_, Time) else None


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _sqlite_time(value: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS.ffffff`: all times are in UTC by now, so the offset is cut off."""
    return value.isoformat(" ", "microseconds")[:26]


def _sqlite_time_of_day(value: Any) -> str:
    return str(value.isoformat("seconds"))
