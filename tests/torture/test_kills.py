"""The installed command killed with -9 at random moments, whatever it was doing, over a source that moves on.

After each death only whole pages are there; now and then a sync is let to its end, and then the table is as
the source. KILLS says how many deaths each database sees, TORTURE_SEED which.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from etl.engine import reading
from etl.migrate import current_version
from etl.sandbox import SandboxOptions, SandboxServer, serve
from etl.tables import batch_call_history, batch_calls, sync_coverage

from support.command import InstalledCommand
from support.databases import Database
from support.truth import differences, expected_rows

pytestmark = pytest.mark.timeout(3600)

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("TORTURE_SEED", "0"))
KILLS_PER_LOOK = 8  # deaths in a row, until a sync is let to its end
LONGEST_LIFE_SECONDS = 2.5


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    options = SandboxOptions(batches=900, cap=25, latency_seconds=0.02, tie_groups=20, tie_size=3)
    with serve(options) as server:
        yield server


class Victim:
    """A command that dies again and again, its source, and the database that it leaves behind."""

    def __init__(self, server: SandboxServer, database: Database, folder: Path) -> None:
        self.server = server
        self.account = server.sandbox.account
        self.database = database
        self.rng = random.Random(SEED)
        self.command = InstalledCommand(folder)
        self.known = {batch.id for batch in self.account.listed()}
        self.spoilt: set[str] = set()  # their names cannot be read
        self.variables = {
            "MAGPIPE_BASE_URL": server.base_url,
            "MAGPIPE_API_KEY": server.key,
            "DATABASE_URL": database.settings.database_url,
            "DATABASE_SCHEMA": database.settings.database_schema,
            "ETL_REQUESTS_PER_MINUTE": "1000000",
            "ETL_REQUESTS_PER_HOUR": "10000000",
        }

    def die(self, *arguments: str) -> None:
        """Begin, and be killed at some moment; it may have ended by itself before."""
        process = self.command.start(*arguments, **self.variables)
        try:
            process.wait(self.rng.uniform(0.05, LONGEST_LIFE_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()

    def run(self, *arguments: str) -> Any:
        outcome = self.command.run(*arguments, "--json", **self.variables)
        assert outcome.code == 0, f"{arguments} ended with {outcome.code}: {outcome.err}"
        return json.loads(outcome.out)

    def live(self) -> None:
        """The source goes on: something is created, run again, renamed, spoilt or deleted."""
        listed, rng = self.account.listed(), self.rng
        deeds: list[Callable[[], object]] = [
            lambda: self.known.add(self.account.create().id),
            lambda: self.account.rerun(rng.choice(self.account.listed("completed")).id),
            lambda: self.account.change(rng.choice(listed).id, touch=False, name=f"renamed {rng.random()}"),
            lambda: self.account.delete(rng.choice(listed).id),
            lambda: self.spoil(rng.choice(listed).id),
        ]
        for deed in rng.choices(deeds, k=3):
            deed()

    def spoil(self, batch_id: str) -> None:
        self.server.sandbox.rows.corrupt(batch_id, {"name": 7})
        self.spoilt.add(batch_id)

    def draw_arguments(self) -> tuple[str, ...]:
        newest = datetime.now(UTC) - timedelta(days=self.rng.randint(1, 300))
        window = ("--since", (newest - timedelta(days=60)).isoformat(), "--until", newest.isoformat())
        commands: list[tuple[str, ...]] = [("sync",), ("sync", "--full"), ("backfill", *window)]
        return self.rng.choice([*commands, ("quarantine", "replay"), ("migrate",)])

    def check_pages_are_whole(self) -> None:
        """Each batch was at the source once, has every version of its history, and coverage is in order."""
        if current_version(self.database.engine) is None:
            return
        with reading(self.database.engine) as connection:
            versions = {row.id: row.version for row in connection.execute(select(batch_calls))}
            history = connection.execute(
                select(
                    batch_call_history.c.id, func.count(), func.max(batch_call_history.c.version)
                ).group_by(batch_call_history.c.id)
            ).all()
            covered = connection.execute(select(sync_coverage)).all()
        assert versions.keys() <= self.known
        assert {of_id: (count, newest) for of_id, count, newest in history} == {
            of_id: (version, version) for of_id, version in versions.items()
        }
        edges = [(row.created_from, row.created_to) for row in covered]
        assert all(low is None or high is None or low < high for low, high in edges)

    def check_all_is_right(self) -> None:
        """Two syncs that are let to their ends mend everything; the first goes on with what had died."""
        for _ in range(2):
            self.run("sync", "--full", "--allow-deletes")
        with reading(self.database.engine) as connection:
            alive = select(batch_calls).where(batch_calls.c.deleted_at.is_(None))
            rows = {row.id: dict(row._mapping) for row in connection.execute(alive)}
        expected = expected_rows(self.account.listed())
        for of_id in self.spoilt & expected.keys():
            expected[of_id]["name"] = None
        assert differences(rows, expected) == []


def test_whatever_it_was_doing_when_it_was_killed_it_does_no_harm(
    server: SandboxServer, empty_database: Database, tmp_path: Path
) -> None:
    victim = Victim(server, empty_database, tmp_path)
    for kill in range(1, KILLS + 1):
        victim.die(*victim.draw_arguments())
        victim.check_pages_are_whole()
        victim.live()
        if kill % KILLS_PER_LOOK == 0 or kill == KILLS:
            victim.check_all_is_right()
    if empty_database.dialect == "sqlite":
        with reading(empty_database.engine) as connection:
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def test_a_migration_that_was_killed_is_done_by_the_next(
    server: SandboxServer, empty_database: Database, tmp_path: Path
) -> None:
    victim = Victim(server, empty_database, tmp_path)
    for _ in range(max(1, KILLS // 5)):
        process = victim.command.start("migrate", **victim.variables)
        time.sleep(victim.rng.uniform(0.2, 1.2))
        process.kill()
        process.communicate()
    assert victim.run("sync")["runs"][0]["inserted"] == 900
