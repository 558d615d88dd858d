"""The same site on PostgreSQL: a schema of its own on a server that is there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from etl.engine import advisory_key, create_engine
from etl.migrate import migrate
from etl.settings import Settings
from etl.tables import metadata

from support.simulation.machine import Machine
from support.simulation.rows import stored_time
from support.simulation.site import KEY, SOURCE_URL
from support.simulation.tables import Look

_LONGEST_WAIT_SECONDS = 10.0


class PostgresSite:
    """A schema; `close` drops it."""

    def __init__(self, url: str) -> None:
        schema = f"simulation_{uuid4().hex}"
        self._url = url
        self.settings = Settings(database_url=url, database_schema=schema, api_key=KEY, base_url=SOURCE_URL)
        engine = create_engine(self.settings)
        migrate(engine, self.settings)
        engine.dispose()
        self.machines = tuple(Machine(name, self.settings, _connect) for name in ("first", "second"))

    def fresh(self) -> None:
        for machine in self.machines:
            machine.process = None
        tables = sql.SQL(", ").join(sql.Identifier(name) for name in metadata.tables)
        with self._connected() as connection:
            connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))

    def close(self) -> None:
        for machine in self.machines:
            machine.cut_power()
        with self._connected() as connection:
            schema = sql.Identifier(self.settings.database_schema)
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))

    def cut_power(self, machine: Machine) -> None:
        pids = [each.info.backend_pid for each in machine.connections if not each.closed]
        machine.cut_power()
        with self._connected() as connection:
            self._end(connection, pids)

    def lose_lock(self, account: str) -> None:
        key = advisory_key("account", self.settings.database_schema, account) % 2**64
        query = (
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted"
        )
        with self._connected() as connection:
            holders = connection.execute(query, (key >> 32, key % 2**32)).fetchall()
            self._end(connection, [pid for (pid,) in holders])

    def refusal(self) -> Exception:
        return psycopg.errors.DiskFull("no space left on device")

    @contextmanager
    def looking(self) -> Iterator[Look]:
        with self._connected() as connection:
            yield _Look(connection)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            schema = sql.Identifier(self.settings.database_schema)
            connection.execute(sql.SQL("SET search_path = {}").format(schema))
            yield connection

    @staticmethod
    def _end(connection: psycopg.Connection[Any], pids: Sequence[int]) -> None:
        """End the sessions, and wait until what they held is free."""
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = ANY(%s)"
        while connection.execute(query, (list(pids),)).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"sessions {pids} do not end")
            time.sleep(0.001)


class _Look:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, query: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        found = self._connection.execute(query.replace("?", "%s").encode(), parameters)
        return [tuple(map(_as_in_sqlite, row)) for row in found]


def _as_in_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return stored_time(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


class _Connection(psycopg.Connection[Any]):
    machine: Machine | None = None

    def pass_by(self, place: str) -> None:
        if self.machine is not None:
            self.machine.pass_by(place)

    def commit(self) -> None:
        self.pass_by("before commit")
        super().commit()
        self.pass_by("after commit")


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, *arguments: Any, **options: Any) -> Any:
        _pass_by(self)
        return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        _pass_by(self)
        super().executemany(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        _pass_by(self)
        return super().copy(*arguments, **options)


def _pass_by(cursor: _Cursor) -> None:
    if isinstance(cursor.connection, _Connection):
        cursor.connection.pass_by("statement")


def _connect(*arguments: Any, **options: Any) -> _Connection:
    return _Connection.connect(*arguments, **options, cursor_factory=_Cursor)
