"""What a database's refusal means: one sentence for a person, and what to do about it.

Drivers put rows' values into their messages, and SQLAlchemy puts the statement there; a customer's name has
no place in a log. So the sentence is made of codes and of names that this program chose.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from etl.errors import DestinationError

Meaning = tuple[str, str | None]  # what happened to the database named before it, and the hint

NOT_MIGRATED: Meaning = ("lacks a table, view or column that is expected there", "run `magpipe-etl migrate`")
DAMAGED: Meaning = (
    "is damaged",
    "move it away together with its -wal and -shm, then put back a copy, or sync anew",
)
DISK_FULL: Meaning = ("has no disk space left", "make room, then run again: what was committed is kept")
REFUSED: Meaning = ("refused a statement", None)

# A SQLSTATE, or the two characters of its class.
POSTGRES_MEANINGS: Mapping[str, Meaning] = {
    "08": ("closed the connection", "see whether the server still runs, then run again"),
    "22": ("refused a value", None),
    "23": ("refused a row that breaks a constraint", None),
    "25006": ("is read-only", "name the primary server in DATABASE_URL, not a replica"),
    "28": ("does not let this user in", "check the user and the password in DATABASE_URL"),
    "3D": ("does not exist", "create it, or mend DATABASE_URL"),
    "3F": NOT_MIGRATED,
    "40": ("ended the transaction because of another one", "run again"),
    "42501": ("does not permit this to its user", "grant the user CREATE on the database, or own the schema"),
    "42703": NOT_MIGRATED,
    "42P01": NOT_MIGRATED,
    "53100": DISK_FULL,
    "53300": ("has no connection to spare", "raise max_connections, or end other clients"),
    "53": ("is short of resources", "look into the server's log"),
    "55P03": ("was kept locked by another client for too long", "see pg_stat_activity for who holds it"),
    "57014": ("took too long over a statement", "see pg_stat_activity for what it waits for"),
    "57": ("is starting or shutting down", "run again once it is up"),
    "58": ("reports a fault of its machine", "look into the server's log"),
    "XX": ("reports damage", "look into the server's log"),
}

# A result code, or its low byte, which is the primary one.
SQLITE_MEANINGS: Mapping[int, Meaning] = {
    sqlite3.SQLITE_BUSY: (
        "was kept locked by another program for too long",
        "end the program that has it open",
    ),
    sqlite3.SQLITE_LOCKED: ("was kept locked by this program itself", None),
    sqlite3.SQLITE_READONLY: ("is read-only", "let this user write the file and its folder"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "check the disk"),
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: DISK_FULL,  # readers need room as well, for the index of the log
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let this user write the file and its folder"),
    sqlite3.SQLITE_CONSTRAINT: ("refused a row that breaks a constraint", None),
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", "name another file in DATABASE_URL"),
}

# Of values that no column of ours can hold; neither has a code of its own.
_FINDINGS = ("Could not decode to UTF-8", "JSON cannot hold BLOB values")


@contextmanager
def destination_errors(engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy or the driver raises within into a DestinationError.

    The original is cut off (`from None`), since its text would reach a log with the traceback.
    """
    dbapi_error: type[Exception] = engine.dialect.loaded_dbapi.Error
    try:
        yield
    except (DBAPIError, dbapi_error) as error:
        raise explain(engine, error) from None
    except UnicodeDecodeError:
        # Of a file that is so damaged that the driver cannot even read out what SQLite says of it.
        if engine.dialect.name != "sqlite":
            raise
        raise damaged(engine) from None


def damaged(engine: Engine, misfit: str | None = None) -> DestinationError:
    """What is said of a database that contradicts itself, or holds in a table's column what none can hold."""
    what, hint = DAMAGED
    where = "" if misfit is None else f": a value in {misfit} is not of that column's type"
    return DestinationError(f"{describe(engine)} {what}{where}", hint=hint)


def explain(engine: Engine, error: Exception) -> DestinationError:
    """The sentence and the hint for what the database answered."""
    original = _original(error)
    if isinstance(original, sqlite3.Error):
        (what, hint), detail = _sqlite_meaning(original), _sqlite_detail(original)
    else:
        (what, hint), detail = _postgres_meaning(engine, original), _postgres_detail(original)
    return DestinationError(f"{describe(engine)} {what}{detail}", hint=hint)


def describe(engine: Engine) -> str:
    """The database's name for a message; built from parts, since a URL can hide a password in its query."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return f"the SQLite file {url.database}"
    host = url.host or url.query.get("host") or "the local socket"
    port = f":{url.port}" if url.port else ""
    return f"the PostgreSQL database {url.database or url.username} at {host}{port}"


def is_missing_table(error: DBAPIError) -> bool:
    """Whether the statement failed because a table, or the schema that would hold it, is not there."""
    original = _original(error)
    if isinstance(original, sqlite3.Error):
        return _lacks_a_name(original)
    return _sqlstate(original) in ("42P01", "3F000")


def _original(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _sqlite_meaning(error: sqlite3.Error) -> Meaning:
    if _lacks_a_name(error):
        return NOT_MIGRATED
    if str(error).startswith(_FINDINGS):
        return DAMAGED
    code = _result_code(error)
    return SQLITE_MEANINGS.get(code) or SQLITE_MEANINGS.get(code & 0xFF, REFUSED)


def _sqlite_detail(error: sqlite3.Error) -> str:
    return f" ({getattr(error, 'sqlite_errorname', type(error).__name__)})"


def _result_code(error: sqlite3.Error) -> int:
    # The driver's own complaints, such as a closed connection, carry none.
    return int(getattr(error, "sqlite_errorcode", 0))


def _lacks_a_name(error: sqlite3.Error) -> bool:
    # SQLite has one code for every fault of a statement; its text alone tells them apart.
    return str(error).startswith(("no such table", "no such column"))


def _postgres_meaning(engine: Engine, error: BaseException | None) -> Meaning:
    state = _sqlstate(error)
    if state is None and type(error).__name__ == "OperationalError":
        return _unreachable(engine, str(error))
    state = state or ""
    return POSTGRES_MEANINGS.get(state) or POSTGRES_MEANINGS.get(state[:2], REFUSED)


def _postgres_detail(error: BaseException | None) -> str:
    state = _sqlstate(error)
    return f" (SQLSTATE {state}, {type(error).__name__})" if state else ""


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _unreachable(engine: Engine, text: str) -> Meaning:
    """No statement was answered, so the text names hosts and users, and no rows."""
    first_line = text.strip().partition("\n")[0].removeprefix("connection failed: ")
    for secret in (engine.url.password, engine.url.query.get("password")):
        if isinstance(secret, str) and secret:
            first_line = first_line.replace(secret, "***")
    return f"cannot be reached: {first_line}", "check DATABASE_URL, and that the server runs"
