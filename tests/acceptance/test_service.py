"""The service as a process: on time, stopped in mid-walk, crowded, and with accounts that are broken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from etl.engine import reading
from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import InstalledCommand
from support.databases import Database
from support.service import running_service

pytestmark = pytest.mark.slow

OFTEN = ("--every", "2s", "--jitter", "0s")


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=120, cap=50, accounts=("acme", "globex"))) as server:
        yield server


@pytest.fixture
def command(tmp_path: Path) -> InstalledCommand:
    return InstalledCommand(tmp_path)


def variables(server: SandboxServer, database: Database) -> dict[str, str]:
    return {
        "MAGPIPE_BASE_URL": server.base_url,
        "MAGPIPE_API_KEY": server.key,
        "DATABASE_URL": database.settings.database_url,
        "DATABASE_SCHEMA": database.settings.database_schema,
        "ETL_REQUESTS_PER_MINUTE": "100000",
        "ETL_REQUESTS_PER_HOUR": "100000",
        "ETL_FETCH_AHEAD": "1",
    }


def ask(database: Database, query: str) -> list[tuple[object, ...]]:
    with reading(database.engine) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def names_in(database: Database) -> set[object]:
    return {name for (name,) in ask(database, "SELECT name FROM batch_calls")}


def test_a_new_batch_is_in_the_table_after_a_turn_and_the_service_is_ready(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    with running_service(command, *OFTEN, **variables(server, database)) as service:
        service.wait_for(lambda: service.get("/readyz").status == 200)
        server.sandbox.account.create(name="the newest")
        service.wait_for(lambda: "the newest" in names_in(database))
        assert service.get("/healthz").status == 200
        assert service.stop() == 0


def test_a_service_that_is_asked_to_stop_in_mid_walk_finishes_the_page_and_ends_with_0(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    server.sandbox.faults.at(2, faults.hang(120))
    with running_service(command, *OFTEN, **variables(server, database)) as service:
        service.wait_for(lambda: len(server.sandbox.journal) >= 2)
        assert service.stop() == 0
    [(rows,)] = ask(database, "SELECT count(*) FROM batch_calls")
    assert ask(database, "SELECT status, rows_seen, error FROM sync_runs") == [
        ("failed", rows, "stopped on request")
    ]
    with running_service(command, *OFTEN, name="again", **variables(server, database)) as service:
        service.wait_for(lambda: service.get("/readyz").status == 200)
    assert ask(database, "SELECT count(*) FROM batch_calls") == [(120,)]


def test_a_second_signal_ends_it_at_once(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    with running_service(command, *OFTEN, "-q", **variables(server, database)) as service:
        service.wait_for(lambda: len(server.sandbox.journal) > 0)
        service.process.send_signal(signal.SIGINT)
        assert service.stop(signal.SIGTERM) in {0, 130}


def test_a_broken_account_is_told_of_at_the_start_and_delays_nobody(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    (command.folder / "config").mkdir()
    names = {"acme": "ACME_KEY", "globex": "NOWHERE", "initech": "INITECH_KEY"}
    lines = [f'[[accounts]]\nname = "{name}"\napi_key_env = "{key}"\n' for name, key in names.items()]
    (command.folder / "config" / "etl.toml").write_text("".join(lines))
    environ = variables(server, database)
    environ |= {"ACME_KEY": environ.pop("MAGPIPE_API_KEY"), "INITECH_KEY": "mgp_" + "f" * 40}
    with running_service(command, *OFTEN, **environ) as service:
        service.wait_for(lambda: len(service.events_named("turn.ended")) >= 2)
        [left_out] = service.events_named("account.left_out")
        assert left_out["account"] == "globex"
        assert "NOWHERE" in left_out["fault"]
        told = service.get("/readyz")
        assert told.status == 503
        assert [(each["account"], each["ready"]) for each in told.document["accounts"]] == [
            ("acme", True),
            ("globex", False),
            ("initech", False),
        ]
    assert {account for (account,) in ask(database, "SELECT DISTINCT account FROM batch_calls")} == {"acme"}


def test_of_two_services_one_works_and_the_other_takes_over_when_it_is_killed(
    server: SandboxServer, database: Database, command: InstalledCommand
) -> None:
    server.sandbox.faults.at(2, faults.hang(120))
    environ = variables(server, database)
    with running_service(command, *OFTEN, name="first", **environ) as first:
        first.wait_for(lambda: len(server.sandbox.journal) >= 2)
        with running_service(command, *OFTEN, name="second", **environ) as second:
            second.wait_for(lambda: second.events_named("turn.left"))
            assert second.events_named("turn.ended") == []
            first.kill()
            second.wait_for(lambda: second.events_named("turn.ended"))
            assert second.stop() == 0
    assert ask(database, "SELECT count(*) FROM batch_calls") == [(120,)]
    statuses = [status for (status,) in ask(database, "SELECT status FROM sync_runs ORDER BY run_id")]
    assert statuses[:2] == ["abandoned", "succeeded"]
