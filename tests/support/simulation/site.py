"""A database, the machines around it, and the judge's own look at its tables; fresh for every seed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import event

from etl.engine import create_engine
from etl.migrate import migrate
from etl.settings import Settings
from etl.state.lock import lock_file

from support.simulation.machine import Machine
from support.simulation.tables import Look

KEY = "mgp_" + "0" * 40
SOURCE_URL = "http://127.0.0.1/functions/v1"


class Site(Protocol):
    """Where a story is played. A process dies on one of the machines, the database lives on."""

    @property
    def settings(self) -> Settings: ...

    @property
    def machines(self) -> Sequence[Machine]: ...

    def fresh(self) -> None:
        """Let no seed see what another has left."""
        ...

    def cut_power(self, machine: Machine) -> None:
        """The machine is gone; what it held in the database is free when this returns."""
        ...

    def lose_lock(self, account: str) -> None:
        """Whoever holds the account's lock keeps on believing it; somebody else can get it now."""
        ...

    def refusal(self) -> Exception:
        """What the driver raises when the disk is full."""
        ...

    def looking(self) -> AbstractContextManager[Look]:
        """The judge's own look at the tables, past the program."""
        ...


class SqliteSite:
    """A file in the folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "magpipe.db"
        self._template = folder / "template.db"
        self.settings = Settings(database_url=f"sqlite:///{self._file}", api_key=KEY, base_url=SOURCE_URL)
        self._make_template()
        self.machines = tuple(Machine(name, self.settings, _connect) for name in ("first", "second"))
        for machine in self.machines:
            event.listen(machine.engine, "connect", _be_careless)

    def fresh(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        self._file.write_bytes(self._template.read_bytes())

    def close(self) -> None:
        for machine in self.machines:
            machine.process = None
            machine.cut_power()

    def cut_power(self, machine: Machine) -> None:
        machine.cut_power()

    def lose_lock(self, account: str) -> None:
        lock_file(self.machines[0].engine, account).unlink(missing_ok=True)

    def refusal(self) -> Exception:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        return error

    @contextmanager
    def looking(self) -> Iterator[Look]:
        connection = sqlite3.connect(self._file, isolation_level=None)
        try:
            yield _Look(connection)
        finally:
            connection.close()

    def _make_template(self) -> None:
        settings = replace(self.settings, database_url=f"sqlite:///{self._template}")
        engine = create_engine(settings)
        migrate(engine, settings)
        engine.dispose()


class _Look:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        return self._connection.execute(query, parameters).fetchall()


class _Connection(sqlite3.Connection):
    machine: Machine

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or _Cursor)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self.machine.pass_by("statement")
        return super().executemany(*arguments)

    def commit(self) -> None:
        self.machine.pass_by("before commit")
        super().commit()
        self.machine.pass_by("after commit")


class _Cursor(sqlite3.Cursor):
    def execute(self, *arguments: Any) -> Any:
        _machine(self).pass_by("statement")
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        _machine(self).pass_by("statement")
        return super().executemany(*arguments)


def _machine(cursor: sqlite3.Cursor) -> Machine:
    connection = cursor.connection
    if not isinstance(connection, _Connection):
        raise TypeError("a cursor of another connection")
    return connection.machine


def _connect(*arguments: Any, **options: Any) -> _Connection:
    return sqlite3.connect(*arguments, **options, factory=_Connection)


def _be_careless(connection: Any, _record: Any) -> None:
    """Nothing of a seed has to outlive a real power cut."""
    connection.execute("PRAGMA synchronous = OFF")
