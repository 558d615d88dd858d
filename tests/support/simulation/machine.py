"""Machines that share one database, and the seam at which a process meets it.

An engine costs more than a whole simulated seed, so that each machine keeps one; between two seeds the
database is replaced by a fresh one. A power cut closes its connections without a word.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from etl.engine import create_engine
from etl.migrate import migrate
from etl.settings import Settings
from etl.state.lock import lock_file

from support.simulation.process import Process

KEY = "mgp_" + "0" * 40


class _Cursor(sqlite3.Cursor):
    def execute(self, *arguments: Any) -> Any:
        _connection(self).machine.pass_by("statement")
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        _connection(self).machine.pass_by("statement")
        return super().executemany(*arguments)


class _Connection(sqlite3.Connection):
    machine: Machine

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self.machine.pass_by("statement")
        return super().executemany(*arguments)

    def commit(self) -> None:
        self.machine.pass_by("before commit")
        super().commit()
        self.machine.pass_by("after commit")


def _connection(cursor: sqlite3.Cursor) -> _Connection:
    connection = cursor.connection
    if not isinstance(connection, _Connection):
        raise TypeError("a cursor of another connection")
    return connection


class Machine:
    """A machine that runs one process at a time against the database."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.process: Process | None = None
        self.engine: Engine = create_engine(settings)
        self._open: list[_Connection] = []
        event.listen(self.engine, "do_connect", self._take_part)
        event.listen(self.engine, "connect", self._remember, insert=True)
        event.listen(self.engine, "connect", _be_careless)
        self.engine.connect().close()  # what an engine asks once, at its first connection, is no seed's

    def pass_by(self, place: str) -> None:
        if self.process is not None:
            self.process.at(place)

    def cut_power(self) -> None:
        """Every connection is gone, with whatever was not committed."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self.engine.dispose()

    @staticmethod
    def _take_part(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        options["factory"] = _Connection

    def _remember(self, connection: Any, _record: Any) -> None:
        connection.machine = self
        self._open.append(connection)


def _be_careless(connection: Any, _record: Any) -> None:
    """Nothing of a seed has to outlive a real power cut."""
    connection.execute("PRAGMA synchronous = OFF")


class Site:
    """A database and the machines around it; `fresh` makes it as new."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "magpipe.db"
        self._template = folder / "template.db"
        self.settings = Settings(
            database_url=f"sqlite:///{self._file}", api_key=KEY, base_url="http://127.0.0.1/functions/v1"
        )
        self._make_template()
        self.machines = tuple(Machine(name, self.settings) for name in ("first", "second"))

    def fresh(self) -> None:
        self.close()
        for file in self._files():
            file.unlink(missing_ok=True)
        shutil.copyfile(self._template, self._file)

    def close(self) -> None:
        for machine in self.machines:
            machine.process = None
            machine.cut_power()

    def lose_lock(self, account: str) -> None:
        """Whoever holds the account's lock keeps on believing it; somebody else can get it now."""
        lock_file(self.machines[0].engine, account).unlink(missing_ok=True)

    @contextmanager
    def looking(self) -> Iterator[Look]:
        """The judge's own look at the tables."""
        connection = sqlite3.connect(self._file, isolation_level=None)
        try:
            yield Look(connection)
        finally:
            connection.close()

    def _make_template(self) -> None:
        settings = replace(self.settings, database_url=f"sqlite:///{self._template}")
        engine = create_engine(settings)
        migrate(engine, settings)
        engine.dispose()

    def _files(self) -> Iterable[Path]:
        return (self._file.with_name(self._file.name + suffix) for suffix in ("", "-wal", "-shm"))


class Look:
    """Plain queries: values as the tables hold them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        return self._connection.execute(query, parameters).fetchall()
