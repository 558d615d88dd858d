from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import text

from etl.clock import SystemClock
from etl.engine import advisory_key, reading, writing
from etl.errors import DestinationError, LockHeldError
from etl.state.lock import AccountLock, account_lock, is_held, lock_file

from support.databases import Database, opened
from support.processes import worker

only_sqlite = pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("empty_database", ["postgres"], indirect=True)

HOLD = """
from etl.errors import LockHeldError
from etl.state.lock import account_lock
print("ready", flush=True)
sys.stdin.readline()
try:
    with account_lock(engine, settings, "acme"):
        print("held", flush=True)
        sys.stdin.readline()
    print("freed", flush=True)
except LockHeldError:
    print("refused", flush=True)
"""


@contextmanager
def held(database: Database, account: str = "acme") -> Iterator[AccountLock]:
    with account_lock(database.engine, database.settings, account) as lock:
        yield lock


def is_free(database: Database, account: str = "acme") -> bool:
    try:
        with held(database, account):
            return True
    except LockHeldError:
        return False


def wait_until_free(database: Database) -> None:
    """PostgreSQL learns a moment later that a process is no more; the test's time limit ends a vain wait."""
    clock = SystemClock()
    while not is_free(database):
        clock.sleep(0.02)


def seen_to_be_held(database: Database, account: str = "acme") -> bool | None:
    with reading(database.engine) as connection:
        return is_held(connection, database.settings, account)


def test_whether_an_account_is_held_can_be_seen_without_taking_it(empty_database: Database) -> None:
    assert seen_to_be_held(empty_database) is False
    with held(empty_database):
        assert seen_to_be_held(empty_database) is True
        assert seen_to_be_held(empty_database, "globex") is False
    assert seen_to_be_held(empty_database) is False
    assert is_free(empty_database)


def test_a_second_sync_of_an_account_is_refused_at_once(empty_database: Database) -> None:
    refused = pytest.raises(LockHeldError, match="another sync of account 'acme' is running")
    with held(empty_database), refused as caught, held(empty_database):
        pass
    assert caught.value.exit_code == 5


@only_sqlite
def test_whoever_only_looks_keeps_nobody_from_beginning(empty_database: Database) -> None:
    path = lock_file(empty_database.engine, "acme")
    path.parent.mkdir()
    look = FileLock(path, thread_local=False)
    look.acquire()
    ending = threading.Timer(0.03, look.release)
    ending.start()
    assert is_free(empty_database)
    ending.join()


def test_the_lock_is_free_again_at_the_end(empty_database: Database) -> None:
    with held(empty_database):
        assert not is_free(empty_database)
    assert is_free(empty_database)


def test_the_lock_is_free_again_after_an_error(empty_database: Database) -> None:
    with pytest.raises(RuntimeError), held(empty_database):
        raise RuntimeError
    assert is_free(empty_database)


def test_threads_of_one_process_exclude_each_other(empty_database: Database) -> None:
    with held(empty_database), ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: is_free(empty_database), range(3))) == [False] * 3


def test_of_three_processes_one_holds_the_account(empty_database: Database) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(HOLD, empty_database)) for _ in range(3)]
        assert [each.hear() for each in workers] == ["ready"] * 3
        for each in workers:
            each.say("go")
        said = [each.hear() for each in workers]
        assert sorted(said) == ["held", "refused", "refused"]
        assert not is_free(empty_database)
        holder = workers[said.index("held")]
        holder.say("let go")
        assert holder.hear() == "freed"
        assert is_free(empty_database)


def test_a_killed_process_holds_nothing(empty_database: Database) -> None:
    with worker(HOLD, empty_database) as holder:
        holder.say("go")
        assert (holder.hear(), holder.hear()) == ("ready", "held")
        assert not is_free(empty_database)
        holder.kill()
        wait_until_free(empty_database)


def test_accounts_do_not_exclude_each_other_whatever_their_names(empty_database: Database) -> None:
    names = [
        "acme",
        "ACME",
        "a/b",
        "a b",
        "a\\b",
        "..",
        "",
        "con",
        "日本",
        "日本語",
        "x" * 300,
        "x" * 301,
        "a:b*?",
    ]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(held(empty_database, name))
        assert not any(is_free(empty_database, name) for name in names)


def test_a_lock_that_is_held_can_be_told(empty_database: Database) -> None:
    with held(empty_database) as lock:
        lock.check()


@only_sqlite
def test_one_file_by_two_paths_is_one_database(empty_database: Database, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(tmp_path)
    url = f"sqlite:///{tmp_path / 'other' / 'magpipe.db'}"
    with opened("sqlite", replace(empty_database.settings, database_url=url)) as other, held(other):
        assert not is_free(empty_database)


@only_sqlite
def test_the_lock_files_stand_beside_the_database(empty_database: Database, tmp_path: Path) -> None:
    with held(empty_database):
        assert lock_file(empty_database.engine, "acme").parent == tmp_path / "magpipe.db.locks"
        assert lock_file(empty_database.engine, "acme").is_file()


@only_sqlite
def test_a_lock_file_that_cannot_be_made_is_told(empty_database: Database, tmp_path: Path) -> None:
    (tmp_path / "magpipe.db.locks").write_text("in the way")
    with pytest.raises(DestinationError, match="cannot be used"), held(empty_database):
        pass


@only_postgres
def test_schemas_of_one_server_do_not_exclude_each_other(empty_database: Database) -> None:
    elsewhere = replace(empty_database.settings, database_schema="elsewhere")
    with held(empty_database), opened("postgres", elsewhere) as other:
        assert is_free(other)


@only_postgres
def test_a_lock_that_went_with_its_connection_is_told(empty_database: Database) -> None:
    with held(empty_database) as lock:
        with writing(empty_database.engine) as connection:
            key = advisory_key("account", empty_database.settings.database_schema, "acme")
            query = (
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks"
                " WHERE locktype = 'advisory' AND objid = :low"
            )
            assert connection.scalars(text(query), {"low": key % 2**32}).all() == [True]
        with pytest.raises(DestinationError, match="the lock of account 'acme' is gone"):
            lock.check()
    assert is_free(empty_database)
