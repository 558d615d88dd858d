"""Many rows into one table, each database in its fastest way.

SQLite takes prepared statements; PostgreSQL takes COPY, for an upsert through a temporary table. Both get
the same rows, in the order of the columns that are named.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    MetaData,
    Select,
    Table,
    Time,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeDecorator

# Whether policies say which rows the user may write: PostgreSQL copies none into such a table.
_HAS_POLICIES = text("SELECT row_security_active(:table)")
# What PostgreSQL and SQLite call it.
_DUPLICATE = ("23505", sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)

Values = tuple[Any, ...]
Encoder = Callable[[Values], Sequence[Any]]  # of a whole column


class DuplicateKeyError(Exception):
    """A row that was to be new is there already; the transaction is lost."""


class Written(NamedTuple):
    """What holds the rows that were written, and no others, until the next ones are.

    A copy from there takes half the time of one that has to find them again.
    """

    source: FromClause
    parameters: Mapping[str, Any] = {}


def insert_new(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Values]
) -> Written | None:
    """Insert rows. Raises DuplicateKeyError where the table has one of them.

    Returns None where nothing but the table holds the rows.
    """
    try:
        if connection.dialect.name == "postgresql":
            if connection.scalar(_HAS_POLICIES, {"table": table.name}):
                return _write_staged(connection, table, columns, rows)
            _copy(connection, table, columns, rows)
            return None
        return _insert_prepared(connection, table, columns, rows)
    except (IntegrityError, connection.dialect.loaded_dbapi.IntegrityError) as error:
        if _is_duplicate(error):
            raise DuplicateKeyError from None
        raise


def _is_duplicate(error: Exception) -> bool:
    """Whether a key refused the row, rather than a constraint of somebody else's."""
    original = getattr(error, "orig", error)
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorcode", None)
    return code in _DUPLICATE


def upsert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    *,
    keep: frozenset[str],
    newer_by: str,
) -> Written | None:
    """Insert rows or, by the table's key, replace what is there; no key stands twice among `rows`.

    A row that is there keeps the columns named in `keep`; where its `newer_by` is later it is not touched.
    Returns None where nothing but the table holds the rows.
    """
    resolution = _resolve_conflict(table, columns, keep, newer_by)
    if connection.dialect.name == "postgresql":
        return _write_staged(connection, table, columns, rows, resolution)
    _write_prepared(connection, table, columns, rows, resolution)
    return None


def _resolve_conflict(table: Table, columns: tuple[str, ...], keep: frozenset[str], newer_by: str) -> str:
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in columns if name not in keep and name not in keys
    )
    is_newer = f"{table.name}.{newer_by} <= excluded.{newer_by}"
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes} WHERE {is_newer}"


def _insert_prepared(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Values]
) -> Written | None:
    newer = _newer_rows(table)
    last_row = connection.scalar(newer.last_row) or 0
    _write_prepared(connection, table, columns, rows)
    has_room = last_row <= _LAST_NUMBER - len(rows)
    return Written(newer.rows, {"last_row": last_row}) if has_room else None


class _NewerRows(NamedTuple):
    last_row: Select[tuple[int]]
    rows: FromClause


@cache
def _newer_rows(table: Table) -> _NewerRows:
    """SQLite numbers the rows of a table in the order in which they were inserted.

    Where somebody gave a row the last number that there is, those that follow get any that are free.
    """
    number: ColumnElement[int] = literal_column(f"{table.name}.rowid")
    newer = select(table).where(number > bindparam("last_row"))
    return _NewerRows(select(func.max(number)).select_from(table), newer.subquery())


def _write_prepared(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    resolution: str = "",
) -> None:
    """Columns that no row fills are left out, and so null: to hand over a null takes longer than a number."""
    values = list(zip(*rows, strict=True))  # of each column
    filled = [at for at, column in enumerate(values) if column.count(None) < len(column)]
    names = tuple(columns[at] for at in filled)
    places = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) {resolution}"
    encoded = [
        values[at] if encode is None else encode(values[at])
        for encode, at in zip(_encoders(table, names), filled, strict=True)
    ]
    _driver(connection).executemany(statement, zip(*encoded, strict=True))


def _write_staged(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    resolution: str = "",
) -> Written:
    staging = _staging(table)
    names = ", ".join(columns)
    # It has no column that somebody else added, which the table may fill by itself and a copy would not.
    # What is in it is of the page before; TRUNCATE would make a new file each time, which takes longer.
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging.name} ON COMMIT DELETE ROWS"
        f" AS SELECT {names} FROM {table.name} WITH NO DATA; DELETE FROM {staging.name}"
    )
    _copy(connection, staging, columns, rows)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {staging.name} {resolution}"
    )
    return Written(staging)


@cache
def _staging(table: Table) -> Table:
    return table.to_metadata(MetaData(), name=f"staging_{table.name}")


def _copy(connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[Values]) -> None:
    """In the binary format: as text, every value takes three times as long to write."""
    from psycopg.types.json import set_json_dumps

    types = [table.c[name].type.compile(connection.dialect).lower() for name in columns]
    with _driver(connection).cursor() as cursor:
        set_json_dumps(_to_json, cursor)
        with cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def _driver(connection: Connection) -> Any:
    """The driver's own connection: SQLAlchemy's way with rows costs several times their bytes."""
    return connection.connection.driver_connection


@cache
def _encoders(table: Table, columns: tuple[str, ...]) -> tuple[Encoder | None, ...]:
    return tuple(_encoder(table.c[name].type) for name in columns)


def _encoder(type_: Any) -> Encoder | None:
    if isinstance(type_, JSON):
        return _json_texts
    if isinstance(type_, TypeDecorator) and isinstance(type_.impl, DateTime):
        return _times
    if isinstance(type_, Boolean):
        return _bits
    return _times_of_day if isinstance(type_, Time) else None


def _bits(values: Values) -> list[int | None]:
    """As SQLite keeps them anyway: for what is no plain int, the driver looks for an adapter each time."""
    return [value if value is None else int(value) for value in values]


def _json_texts(values: Values) -> list[str | None]:
    return [value if value is None else _to_json(value).decode() for value in values]


def _times(values: Values) -> list[str | None]:
    """`YYYY-MM-DD HH:MM:SS.ffffff`, from a whole column at once: `isoformat` takes eight times as long.

    All times are in UTC by now, and msgspec leaves out a fraction that is zero. What is the same in all rows,
    as the times of a run are, is encoded once.
    """
    if len(values) > 1 and values.count(values[0]) == len(values):
        return _times(values[:1]) * len(values)
    texts = _from_json(_to_json(values).replace(b"T", b" ").replace(b"Z", b""))
    return [text if text is None or len(text) > _WHOLE_SECONDS else f"{text}.000000" for text in texts]


def _times_of_day(values: Values) -> list[str | None]:
    texts = {value: value if value is None else value.isoformat("seconds") for value in set(values)}
    return [texts[value] for value in values]


_LAST_NUMBER = 2**63 - 1
_WHOLE_SECONDS = len("YYYY-MM-DD HH:MM:SS")
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(list[str | None]).decode
