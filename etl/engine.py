"""The database: how it is opened, and how a transaction on it begins.

A writer takes SQLite's write lock at once (`BEGIN IMMEDIATE`): a transaction that reads first and writes
later fails there, without waiting, when another wrote in between. A reader takes no lock, sees one moment
of the database for as long as it lasts, and neither waits for a writer nor makes one wait.

What the two databases do differently about this stands here, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from etl.damage import find_misfit
from etl.errors import DestinationError, SettingsError
from etl.refusals import damaged, destination_errors
from etl.threads import FairLock

EXPECTED_URL: Final = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
BUSY_TIMEOUT_SECONDS: Final = 30
LONGEST_IDENTIFIER_BYTES: Final = 63
LOG_PAGES: Final = 4_000  # of 4 KiB, in SQLite's write-ahead log

# Without it, what is never answered is sent again and again for a quarter of an hour.
SILENCE_MILLISECONDS: Final = 60_000

# A server that vanished without a word is noticed within about a minute. A URL's own parameters win.
POSTGRES_CONNECTION: Final[dict[str, Any]] = {
    "application_name": "magpipe-etl",
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": SILENCE_MILLISECONDS,
}

# A page is written in far less; whoever waits longer is stuck, and says so rather than hang.
POSTGRES_SESSION: Final[dict[str, str]] = {
    "TimeZone": "UTC",
    "lock_timeout": "30s",
    "statement_timeout": "10min",
    "idle_in_transaction_session_timeout": "10min",
    # The same for the server: a host that vanished would keep an account's lock for hours.
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{SILENCE_MILLISECONDS}ms",
}

# The beginning of a transaction that reads; the name is the dialect's.
READ_ONLY: Final[dict[str, dict[str, Any]]] = {
    "sqlite": {"sqlite_read_only": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


class DatabaseSettings(Protocol):
    """The settings that a database needs, and no others."""

    @property
    def database_url(self) -> str:
        """`sqlite:///FILE`, `postgresql://…` or `postgres://…`."""
        ...

    @property
    def database_schema(self) -> str:
        """The schema in PostgreSQL; without meaning for SQLite."""
        ...


def create_engine(settings: DatabaseSettings) -> Engine:
    """The engine for the settings' database; nothing is connected to yet.

    Raises SettingsError for a URL that names no database of ours, DestinationError for a missing folder.
    """
    url = _parse_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return _create_sqlite(url)
    return _create_postgres(url, settings.database_schema)


def is_absent(engine: Engine) -> bool:
    """Whether it is a SQLite file that is not there: to connect to it would make it."""
    return engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back on any error."""
    with destination_errors(engine), _misfits(engine), _turn(engine), engine.begin() as connection:
        yield connection


def _turn(engine: Engine) -> AbstractContextManager[object]:
    """SQLite has one writer at a time, and whoever waits looks again after ever longer pauses.

    Threads of one process need not: the next one begins as soon as another has ended, and whoever just had a
    turn lets another go first, so that requests are counted and sent between the pages that are loaded.
    """
    if engine.dialect.name != "sqlite":
        return nullcontext()
    return _turns.setdefault(engine, FairLock())


_turns: WeakKeyDictionary[Engine, FairLock] = WeakKeyDictionary()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that cannot write, in which every query sees the same moment."""
    with destination_errors(engine), _misfits(engine), snapshot(engine) as connection:
        yield connection


@contextmanager
def _misfits(engine: Engine) -> Iterator[None]:
    """What fails over a value that its column cannot hold is the file's fault: told as its damage.

    Where no such value is found it is another's, and goes on as it is. The original is cut off, since its
    text may hold the value.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        misfit = None
        with suppress(DBAPIError), snapshot(engine) as connection:
            misfit = find_misfit(connection)
        if misfit is None:
            raise
        raise damaged(engine, misfit) from None


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """`reading`, with errors as the driver raises them."""
    with engine.connect() as connection:
        connection.execution_options(**READ_ONLY[engine.dialect.name])
        with connection.begin():
            yield connection


def advisory_key(*names: str) -> int:
    """The 64-bit number under which PostgreSQL locks what the names mean, on every host the same."""
    digest = hashlib.blake2b("\0".join(("magpipe-etl", *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _parse_url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError([f"DATABASE_URL: this is no database URL; {EXPECTED_URL}"]) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _checked_file(url)
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise SettingsError([f"DATABASE_URL: {url.drivername}:// is not supported; {EXPECTED_URL}"])


def _checked_file(url: URL) -> URL:
    if url.host or url.query:
        raise SettingsError([f"DATABASE_URL: a SQLite URL has no host and no parameters; {EXPECTED_URL}"])
    if not url.database or url.database == ":memory:":
        raise SettingsError(["DATABASE_URL: a database in memory ends with the process; name a file"])
    return url


def _create_sqlite(url: URL) -> Engine:
    _check_folder(Path(str(url.database)))
    engine = _build(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite, insert=True)
    event.listen(engine, "begin", _begin_sqlite)
    _watch_file(engine)
    return engine


def _watch_file(engine: Engine) -> None:
    """Refuse a connection whose file is no longer the one of that name: what it wrote, nobody would find."""
    file = Path(str(engine.url.database))

    def remember(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    def compare(_connection: sqlite3.Connection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] not in (None, _identity(file)):
            engine.dispose()  # whoever comes next opens the file that is there now
            raise DestinationError(
                f"the SQLite file {file} was removed or replaced while it was open",
                hint="run again, on the file that is there now",
            )

    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", compare)


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from others of its name; None while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_folder(file: Path) -> None:
    if file.is_dir():
        raise DestinationError(f"{file} is a folder, not a SQLite file", hint="name a file in DATABASE_URL")
    if not file.absolute().parent.is_dir():
        raise DestinationError(
            f"the folder {file.parent}, in which the SQLite file {file.name} should be, does not exist",
            hint="create the folder, or mend DATABASE_URL",
        )


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    # The file keeps the mode. Setting it needs the file alone; who loses that race finds it set next time.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Batches are keyed at random: written back less often, the same page of the file is so for many of them.
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("sqlite_read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {read_only:d}")
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")


def _create_postgres(url: URL, schema: str) -> Engine:
    session = {"search_path": _quoted(schema), **POSTGRES_SESSION}
    ours = {name: value for name, value in POSTGRES_CONNECTION.items() if name not in url.query}
    _check_driver(url)
    engine = _build(url, connect_args=ours, pool_pre_ping=True, use_native_hstore=False)
    # First of all: SQLAlchemy's own first look at a connection already asks for the schema in use.
    event.listen(engine, "connect", partial(_set_up_postgres, session), insert=True)
    return engine


def _check_driver(url: URL) -> None:
    """That psycopg can be loaded and knows the URL's parameters: other tools put ones of their own there."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import make_conninfo
    except ImportError:
        mend = "pip install '.[postgres]' in the checkout"
        raise SettingsError([f"DATABASE_URL: the driver for PostgreSQL is missing; {mend}"]) from None
    try:
        make_conninfo(**dict.fromkeys(url.query, ""))
    except ProgrammingError as error:
        # A password that is not encoded may go on in what looks like the name of the next parameter.
        seen = "an unknown parameter" if "password" in url.query else str(error).strip()
        unknown = f"DATABASE_URL: {seen}; expected libpq's parameters, or none"
        raise SettingsError([unknown]) from None


def _quoted(schema: str) -> str:
    """The schema as an identifier; PostgreSQL would cut a longer one without an error."""
    if not schema or "\0" in schema or len(schema.encode()) > LONGEST_IDENTIFIER_BYTES:
        expected = f"expected 1 to {LONGEST_IDENTIFIER_BYTES} bytes without NUL"
        raise SettingsError([f"DATABASE_SCHEMA: {schema!r} cannot name a schema; {expected}"])
    if schema.startswith("pg_"):
        raise SettingsError([f"DATABASE_SCHEMA: {schema!r} is PostgreSQL's own; expected a name without pg_"])
    return '"' + schema.replace('"', '""') + '"'


def _set_up_postgres(session: dict[str, str], connection: Any, _record: object) -> None:
    calls = ", ".join(["set_config(%s, %s, false)"] * len(session))
    parameters = [text for setting in session.items() for text in setting]
    connection.autocommit = True
    connection.execute(f"SELECT {calls}", parameters)
    connection.autocommit = False


def _build(url: URL, **options: Any) -> Engine:
    return sqlalchemy.create_engine(
        url,
        hide_parameters=True,
        # Three for each account at work: lock, load, budget. How many accounts, is limited elsewhere.
        max_overflow=-1,
        json_serializer=partial(json.dumps, ensure_ascii=False),
        **options,
    )
