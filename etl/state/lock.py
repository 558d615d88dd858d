"""One writer an account: threads, processes and hosts exclude each other, and nothing outlives its process.

PostgreSQL keeps the lock for the session of one connection, SQLite's stands in a locked file beside the
database. Both are freed by the system when the process dies, however it dies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from etl.engine import DatabaseSettings, advisory_key
from etl.errors import DestinationError, LockHeldError
from etl.refusals import destination_errors

WAIT_OR_LOOK: Final = "wait until it ends; `magpipe-etl status` shows it"

# Whoever looks whether a file's lock is held has it meanwhile, for less than a thousandth of a second.
_LOOK_SECONDS: Final = 0.3
_BETWEEN_TRIES_SECONDS: Final = 0.01

# PostgreSQL shows the halves of the number that a lock goes by.
_HELD: Final = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (CAST(CAST(classid AS bigint) << 32 AS bigint) | CAST(objid AS bigint)) = :key)"
)


@dataclass(frozen=True, slots=True)
class AccountLock:
    """The right to write one account."""

    account: str
    is_alive: Callable[[], bool]

    def check(self) -> None:
        """Raise DestinationError when the lock went with its connection: somebody else may have it by now."""
        if not self.is_alive():
            raise DestinationError(
                f"the connection that held the lock of account {self.account!r} is gone",
                hint="run again: what was committed is right",
            )


@contextmanager
def account_lock(engine: Engine, settings: DatabaseSettings, account: str) -> Iterator[AccountLock]:
    """Hold the account while the block lasts; raises LockHeldError at once when somebody else does."""
    held = _held_in_postgres if engine.dialect.name == "postgresql" else _held_in_file
    with held(engine, settings, account) as lock:
        yield lock


def is_held(connection: Connection, settings: DatabaseSettings, account: str) -> bool | None:
    """Whether some process has the account at this moment; None where this user may not find out.

    For people to be told: by the time that they read it, it may be otherwise. A file's lock can be asked for
    only by taking it, for an instant that whoever begins then waits for.
    """
    if connection.dialect.name == "postgresql":
        key = advisory_key("account", settings.database_schema, account)
        return bool(connection.scalar(_HELD, {"key": key}))
    path = lock_file(connection.engine, account)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0, thread_local=False):
            return False
    except Timeout:
        return True
    except OSError:
        return None


def lock_file(engine: Engine, account: str) -> Path:
    """The file that is locked for an account of a SQLite database.

    The digest tells accounts apart whose names differ in what a file's name cannot hold, or in case alone.
    """
    database = Path(str(engine.url.database)).resolve()
    readable = re.sub(r"[^A-Za-z0-9]+", "-", account)[:40]
    digest = hashlib.blake2b(account.encode(), digest_size=6).hexdigest()
    return database.with_name(f"{database.name}.locks") / f"{readable}-{digest}.lock"


@contextmanager
def _held_in_file(engine: Engine, _settings: DatabaseSettings, account: str) -> Iterator[AccountLock]:
    path = lock_file(engine, account)
    lock = FileLock(path, timeout=_LOOK_SECONDS, thread_local=False)
    try:
        path.parent.mkdir(exist_ok=True)
        lock.acquire(poll_interval=_BETWEEN_TRIES_SECONDS)
    except Timeout:
        raise _held_by_another(account) from None
    except OSError as error:
        raise DestinationError(
            f"the lock file {path} cannot be used: {error.strerror}", hint="let this user write the folder"
        ) from None
    try:
        yield AccountLock(account, lambda: lock.is_locked)
    finally:
        lock.release()


@contextmanager
def _held_in_postgres(engine: Engine, settings: DatabaseSettings, account: str) -> Iterator[AccountLock]:
    key = advisory_key("account", settings.database_schema, account)
    with destination_errors(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with connection:
        with destination_errors(engine):
            _stay_connected(connection)
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
                raise _held_by_another(account)
        try:
            yield AccountLock(account, lambda: _answers(connection))
        finally:
            _unlock(connection, key)


def _stay_connected(connection: Connection) -> None:
    """Not to be ended for saying nothing while a long walk goes on, where the server has such a limit."""
    connection.execute(
        text("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")
    )


def _answers(connection: Connection) -> bool:
    try:
        connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True


def _unlock(connection: Connection, key: int) -> None:
    """Free the lock at once; where that cannot be, close its session, which frees it too."""
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    except SQLAlchemyError:
        connection.invalidate()


def _held_by_another(account: str) -> LockHeldError:
    return LockHeldError(f"another sync of account {account!r} is running", hint=WAIT_OR_LOOK)
