"""Many rows into one table, or found in it by their keys, each database in its fastest way.

SQLite takes prepared statements; PostgreSQL takes COPY, for an upsert through a temporary table. Both get
the same rows, in the order of the columns that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Connection, DateTime, Table, Time, any_, func, literal, select
from sqlalchemy.types import JSON, TypeDecorator

Values = tuple[Any, ...]
Encoder = Callable[[Values], Sequence[Any]]  # of a whole column


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
    rows: Iterable[Values],
    resolution: str = "",
) -> None:
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) {resolution}"
    _driver(connection).executemany(statement, rows)


def _copy(connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[Values]) -> None:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _driver(connection: Connection) -> Any:
    """The driver's own connection: SQLAlchemy's way with rows costs several times their bytes."""
    return connection.connection.driver_connection


def _encode(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Values]
) -> Iterator[Values]:
    """The rows with each value as the driver takes it, a column at a time."""
    encoders = _encoders(table, columns, connection.dialect.name)
    by_column = zip(encoders, zip(*rows, strict=True), strict=True)
    encoded = [values if encode is None else encode(values) for encode, values in by_column]
    return zip(*encoded, strict=True)


@cache
def _encoders(table: Table, columns: tuple[str, ...], dialect: str) -> tuple[Encoder | None, ...]:
    return tuple(_encoder(table.c[name].type, dialect) for name in columns)


def _encoder(type_: Any, dialect: str) -> Encoder | None:
    if isinstance(type_, JSON):
        return _json_texts
    if dialect == "postgresql":
        return None
    if isinstance(type_, TypeDecorator) and isinstance(type_.impl, DateTime):
        return _sqlite_times
    return _sqlite_times_of_day if isinstance(type_, Time) else None


def _json_texts(values: Values) -> list[str | None]:
    return [value if value is None else _to_json(value).decode() for value in values]


def _sqlite_times(values: Values) -> list[str | None]:
    """`YYYY-MM-DD HH:MM:SS.ffffff`, from a whole column at once: `isoformat` takes four times as long.

    All times are in UTC by now, and msgspec leaves out a fraction that is zero.
    """
    texts: list[str | None] = _from_json(_to_json(values))
    return [
        text if text is None else f"{text[:10]} {text[11:-1]}{'.000000' if len(text) == 20 else ''}"
        for text in texts
    ]


def _sqlite_times_of_day(values: Values) -> list[str | None]:
    texts = {value: value if value is None else value.isoformat("seconds") for value in set(values)}
    return [texts[value] for value in values]


_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(list[str | None]).decode
