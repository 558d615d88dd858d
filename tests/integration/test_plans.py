"""What every page asks of the database is found by an index, however many batches the account has.

Also in a table that is new to the database: until it has looked at the values, it guesses what is rare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from etl.engine import writing
from etl.interval import Interval
from etl.load.batches import save_batches
from etl.load.changes import Changes, find_changes
from etl.load.deletes import forget_shown
from etl.load.quarantine import save_faults
from etl.load.stored import read_hashes, read_hashes_by_id, read_stored_by_id
from etl.migrate import migrate
from etl.proof import Row

from support.databases import Database
from support.rows import NOW, Tables, listed

ACCOUNT, BATCHES = "acme", 20_000  # of a few thousand, to look at all takes no longer
ROWS = [Row(id=f"b-{number}", place=NOW, raw=b"{}", row_hash=number) for number in range(300)]
IDS = [str(row.id) for row in ROWS]
NAMELESS = Row(id=None, place=NOW, raw=b"{}", row_hash=7)
MINUTE = timedelta(minutes=1)


def load_new(connection: Connection, numbers: range) -> None:
    rows = [listed(f"b-{number}", NOW + number * MINUTE) for number in numbers]
    changes = find_changes(rows, {}, NOW)
    save_batches(connection, ACCOUNT, 1, NOW, changes.writes, all_new=True)


@pytest.fixture
def filled(database: Database) -> Database:
    """Many batches, written as a sync writes them, and as many rows that are set aside."""
    migrate(database.engine, database.settings)
    with writing(database.engine) as connection:
        if database.dialect == "postgres":  # no statistics but those of the moment
            for table in ("batch_calls", "quarantine"):
                connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        load_new(connection, range(BATCHES))
    tables = Tables(database)
    for number in range(3):
        tables.set_aside(id=f"b-{number}", account=ACCOUNT)
    return database


PAGES: dict[str, Callable[[Connection], object]] = {
    "the newest": lambda c: read_hashes(c, ACCOUNT, Interval(after=NOW + 19_900 * MINUTE, upto=None)),
    "a stretch": lambda c: read_hashes(c, ACCOUNT, Interval(after=NOW, upto=NOW + 9 * MINUTE)),
    "the oldest": lambda c: read_hashes(c, ACCOUNT, Interval(after=None, upto=NOW + 9 * MINUTE)),
    "of a status": lambda c: read_hashes_by_id(c, ACCOUNT, IDS),
    "all new": lambda c: load_new(c, range(BATCHES, BATCHES + 300)),
    "changed": lambda c: read_stored_by_id(c, ACCOUNT, [*IDS, "unknown"]),
    "set aside": lambda c: save_faults(c, ACCOUNT, 2, NOW, [*ROWS, NAMELESS], Changes()),
    "shown again": lambda c: forget_shown(c, ACCOUNT, IDS),
}


def test_what_a_page_asks_is_found_by_an_index_of_more_than_the_account(filled: Database) -> None:
    looking_at_all = {}
    for page, ask in PAGES.items():
        with writing(filled.engine) as connection, plans(filled, connection) as seen:
            ask(connection)
        assert seen, page
        looking_at_all[page] = [plan for plan in seen if looks_at_all(plan)]
    assert looking_at_all == {page: [] for page in PAGES}


@contextmanager
def plans(database: Database, connection: Connection) -> Iterator[list[list[str]]]:
    """How the database goes about what is asked within."""
    seen: list[list[str]] = []
    how, at = ("EXPLAIN QUERY PLAN", 3) if database.dialect == "sqlite" else ("EXPLAIN (COSTS OFF)", 0)

    def explain(
        _connection: Connection, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if not many:
            cursor.execute(f"{how} {statement}", parameters)
            seen.append([line[at].strip() for line in cursor.fetchall()])

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", explain)


OF_THE_ACCOUNT = (
    "(account=?)",
    f"(account = '{ACCOUNT}'::text)",
    f"((account = '{ACCOUNT}'::text) AND (deleted_at IS NULL))",
)


def looks_at_all(plan: list[str]) -> bool:
    """Whether a plan goes through a whole table, or all of an account, to find a page's rows."""
    is_scan = any(
        (line.startswith("SCAN ") and "json_each" not in line) or "Seq Scan" in line for line in plan
    )
    return is_scan or any(line.endswith(OF_THE_ACCOUNT) for line in plan)
