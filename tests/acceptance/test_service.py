"""The service as a process: on time, stopped in mid-walk, crowded, and with accounts that are broken."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import text

from etl.engine import writing
from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import InstalledCommand, variables
from support.databases import Database, ask, fresh_sqlite
from support.service import RunningService, running_service

pytestmark = pytest.mark.slow

OFTEN = ("--every", "2s", "--jitter", "0s")


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=120, cap=50, accounts=("acme", "globex"))) as server:
        yield server


@pytest.fixture
def command(tmp_path: Path) -> InstalledCommand:
    return InstalledCommand(tmp_path)


@pytest.fixture
def one_database(tmp_path: Path) -> Iterator[Database]:
    """For what is the same whatever the database is."""
    with fresh_sqlite(tmp_path) as database:
        yield database


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


@contextmanager
def nobody_else_may_write(database: Database) -> Iterator[None]:
    """Turns that are under way wait for the database, where no signal reaches them."""
    with writing(database.engine) as connection:
        if database.dialect == "postgres":
            connection.execute(text("LOCK TABLE sync_runs, sync_budget IN EXCLUSIVE MODE"))
        yield


@pytest.mark.parametrize(("signals", "code"), [(1, 0), (2, 130)])
def test_a_turn_that_hangs_in_the_database_is_not_waited_for(
    server: SandboxServer, database: Database, command: InstalledCommand, signals: int, code: int
) -> None:
    environ = variables(server, database)
    with running_service(command, *OFTEN, **environ) as service:
        service.wait_for(lambda: service.events_named("turn.ended"))
        with nobody_else_may_write(database):
            service.wait_for(lambda: hangs(service))
            service.process.send_signal(signal.SIGTERM)
            if signals == 2:
                service.wait_for(lambda: service.events_named("service.stopping"))
                service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(60) == code
    with running_service(command, *OFTEN, name="again", **environ) as service:
        service.wait_for(lambda: service.events_named("turn.ended"))
    assert ask(database, "SELECT count(*) FROM batch_calls") == [(120,)]


def hangs(service: RunningService) -> bool:
    """Whether a turn is under way that ends neither well nor badly, look after look."""
    under_way = [service.get("/metrics").text.count("magpipe_etl_turns_under_way 1.0") for _ in range(20)]
    return all(under_way)


def test_a_broken_account_is_told_of_at_the_start_and_delays_nobody(
    server: SandboxServer, one_database: Database, command: InstalledCommand
) -> None:
    (command.folder / "config").mkdir()
    names = {"acme": "ACME_KEY", "globex": "NOWHERE", "initech": "INITECH_KEY"}
    lines = [f'[[accounts]]\nname = "{name}"\napi_key_env = "{key}"\n' for name, key in names.items()]
    (command.folder / "config" / "etl.toml").write_text("".join(lines))
    environ = variables(server, one_database)
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
    assert {account for (account,) in ask(one_database, "SELECT DISTINCT account FROM batch_calls")} == {
        "acme"
    }


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


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    """The URL of a webhook."""
    Receiver.heard.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{listener.server_address[1]}/hooks/T0KEN"
        listener.shutdown()
        thread.join()


def test_what_goes_wrong_is_told_to_a_webhook_and_a_command_once_and_so_is_its_end(
    server: SandboxServer, one_database: Database, command: InstalledCommand, receiver: str
) -> None:
    told = command.folder / "told.jsonl"
    hook = command.folder / "hook"
    hook.write_text("#!/bin/sh\ncat >> told.jsonl\nenv > environment.txt\n")
    hook.chmod(0o700)
    environ = variables(server, one_database) | {
        "ETL_NOTIFY_WEBHOOK": receiver,
        "ETL_NOTIFY_COMMAND": str(hook),
        "ETL_MAX_ATTEMPTS": "1",
    }
    server.sandbox.faults.rate, server.sandbox.faults.kinds = 1.0, ("bad_gateway",)
    with running_service(command, *OFTEN, **environ) as service:
        service.wait_for(lambda: len(service.events_named("turn.failed")) >= 3)
        service.wait_for(lambda: told.exists() and told.read_text())
        server.sandbox.faults.clear()
        service.wait_for(lambda: len(told.read_text().splitlines()) >= 2)
        assert service.stop() == 0
        log = json.dumps(service.events)
    assert [text.split(":")[1].strip() for text in Receiver.heard] == ["default", "default"]
    assert "502" in Receiver.heard[0]
    assert "over after" in Receiver.heard[1]
    events = [json.loads(line) for line in told.read_text().splitlines()]
    assert [(event["event"], event["kind"]) for event in events] == [
        ("opened", "failing"),
        ("closed", "failing"),
    ]
    environment = (command.folder / "environment.txt").read_text()
    assert server.key not in environment
    assert "T0KEN" not in environment + log


def test_the_pages_show_what_they_should_and_no_secret(
    server: SandboxServer, one_database: Database, command: InstalledCommand
) -> None:
    environ = variables(server, one_database)
    with running_service(command, *OFTEN, **environ) as service:
        service.wait_for(lambda: service.get("/readyz").status == 200)
        pages = {path: service.get(path) for path in ("/", "/healthz", "/readyz", "/metrics", "/nowhere")}
        misled = service.get("/", Host="attacker.example")
        changed = service.get("/", method="POST")
    assert [page.status for page in pages.values()] == [200, 200, 200, 200, 404]
    assert (misled.status, changed.status) == (421, 405)
    assert pages["/"].text.startswith("<!doctype html>")
    assert "magpipe_etl_runs_total" in pages["/metrics"].text
    for page in (*pages.values(), misled, changed):
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "server" not in page.headers
        assert server.key not in page.text


def test_a_port_that_is_taken_is_told_with_the_mend(
    server: SandboxServer, tmp_path: Path, command: InstalledCommand
) -> None:
    outcome = command.run("schedule", "--listen", f"127.0.0.1:{server.port}", MAGPIPE_API_KEY=server.key)
    assert outcome.code == 2
    assert "--listen: expected an address that is free here" in outcome.err


def test_a_service_that_nobody_can_reach_listens_nowhere(
    server: SandboxServer, one_database: Database, command: InstalledCommand
) -> None:
    with running_service(command, *OFTEN, "--listen", "none", **variables(server, one_database)) as service:
        [started] = service.wait_for(lambda: service.events_named("service.started"))
        assert "url" not in started
        service.wait_for(lambda: service.events_named("turn.ended"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--every", "5m", "--cron", "* * * * *"), "exclude each other"),
        (("--every", "0s"), "expected a second or more"),
        (("--every", "5m..1m"), "of two times the shorter one first"),
        (("--cron", "often"), "expected five fields"),
        (("--listen", "everywhere"), "expected HOST:PORT"),
    ],
)
def test_wrong_use_is_met_with_what_is_expected(
    command: InstalledCommand, words: tuple[str, ...], complaint: str
) -> None:
    outcome = command.run("schedule", *words)
    assert outcome.code == 2
    assert complaint in outcome.err


def test_old_data_makes_it_unready_again(
    server: SandboxServer, one_database: Database, command: InstalledCommand
) -> None:
    environ = variables(server, one_database) | {"ETL_MAX_ATTEMPTS": "1"}
    with running_service(command, *OFTEN, "--max-age", "3s", **environ) as service:
        service.wait_for(lambda: service.get("/readyz").status == 200)
        server.sandbox.faults.rate, server.sandbox.faults.kinds = 1.0, ("internal_error",)
        unready = service.wait_for(lambda: (told := service.get("/readyz")).status == 503 and told)
        [account] = unready.document["accounts"]
        assert "the last complete sync is older than it may be" in account["reasons"]
        server.sandbox.faults.clear()
        service.wait_for(lambda: service.get("/readyz").status == 200)
