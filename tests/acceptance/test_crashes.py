"""The installed command killed, crowded and overheard: what is committed stays right and the key unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import InstalledCommand, variables
from support.databases import Database, ask

pytestmark = pytest.mark.slow

BATCHES = 600
CAP = 50


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=BATCHES, cap=CAP, latency_seconds=0.02)) as server:
        yield server


@pytest.fixture
def command(tmp_path: Path) -> InstalledCommand:
    return InstalledCommand(tmp_path)


@pytest.mark.parametrize("request_number", [1, 4, 9])
def test_a_sync_killed_in_mid_walk_leaves_whole_pages_and_the_next_one_ends_right(
    server: SandboxServer, database: Database, command: InstalledCommand, request_number: int
) -> None:
    server.sandbox.faults.at(request_number, faults.hang(60))
    process = command.start("sync", "-vv", **variables(server, database))
    assert process.stderr is not None
    told = ""
    while len(server.sandbox.journal) < request_number:
        told += process.stderr.readline()
    process.kill()
    process.communicate()

    [(rows,)] = ask(database, "SELECT count(*) FROM batch_calls")
    [(status, pages, seen)] = ask(database, "SELECT status, pages, rows_seen FROM sync_runs")
    assert (status, rows) == ("running", seen)
    assert pages == request_number - 1
    [account] = json.loads(command.run("status", "--json", **variables(server, database)).out)["accounts"]
    assert account["interrupted"] is True

    outcome = command.run("sync", "--json", **variables(server, database))
    assert outcome.code == 0, outcome.err
    ids = {str(row[0]) for row in ask(database, "SELECT id FROM batch_calls WHERE deleted_at IS NULL")}
    assert ids == {batch.id for batch in server.sandbox.account.listed()}
    assert ask(database, "SELECT status FROM sync_runs ORDER BY run_id") == [("abandoned",), ("succeeded",)]
    assert ask(database, "SELECT DISTINCT version, change FROM batch_call_history") == [(1, "inserted")]
    assert ask(database, "SELECT count(*) FROM batch_call_history") == [(BATCHES,)]


def test_of_three_syncs_at_once_one_works_and_two_say_so(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    server.sandbox.latency_seconds = 0.5
    processes = [command.start("sync", "--json", **variables(server, database)) for _ in range(3)]
    ends = [(process, *process.communicate(timeout=100)) for process in processes]
    assert sorted(process.returncode for process, _, _ in ends) == [0, 5, 5]
    for process, out, err in ends:
        [run] = json.loads(out)["runs"]
        assert run["complete"] is (process.returncode == 0)
        assert ("another sync" in err) is (process.returncode == 5)
    assert ask(database, "SELECT count(*), max(version) FROM batch_call_history") == [(BATCHES, 1)]


def test_the_key_is_in_no_output_and_no_file(
    server: SandboxServer, database: Database, command: InstalledCommand, tmp_path: Path
) -> None:
    secret = server.key.removeprefix("mgp_").encode()
    server.sandbox.faults.next("unauthorized", "bad_gateway", "reset")
    told = ""
    for arguments in (
        ("-vvv", "sync"),
        ("-vvv", "sync", "--full", "--log-format", "json"),
        ("-vvv", "check"),
        ("status", "--json"),
        ("report", "--json"),
    ):
        outcome = command.run(*arguments, **variables(server, database))
        told += outcome.out + outcome.err
    server.sandbox.keys.revoke(server.key)
    refused = command.run("-vvv", "sync", **variables(server, database))
    assert refused.code == 3
    assert not re.search(secret.decode(), told + refused.out + refused.err)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()] == []
    if database.dialect == "postgres":
        for (table,) in ask(database, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"):
            assert secret.decode() not in str(ask(database, f"SELECT * FROM {table}"))
