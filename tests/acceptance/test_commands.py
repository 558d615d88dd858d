"""The installed command put to use: what it prints for people and for programs, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from etl.sandbox import SandboxOptions, SandboxServer, faults, serve

from support.command import PROGRAM, InstalledCommand, Outcome

pytestmark = pytest.mark.slow


class User:
    """Somebody with a source, a key for it, and an empty folder."""

    def __init__(self, server: SandboxServer, folder: Path) -> None:
        self.server = server
        self.command = InstalledCommand(folder)
        self.folder = folder
        self.variables = {"MAGPIPE_BASE_URL": server.base_url, "MAGPIPE_API_KEY": server.key}

    def runs(self, *arguments: str, **variables: str) -> Outcome:
        return self.command.run(*arguments, **{**self.variables, **variables})

    def gets_json(self, *arguments: str, code: int = 0, **variables: str) -> Any:
        outcome = self.runs(*arguments, "--json", **variables)
        assert outcome.code == code, outcome.err
        return json.loads(outcome.out)

    def configures(self, *names: str) -> None:
        """Accounts in the file, of which only those of the source have a key."""
        lines = [f'[[accounts]]\nname = "{name}"\napi_key_env = "{name.upper()}_KEY"\n' for name in names]
        (self.folder / "config").mkdir()
        (self.folder / "config" / "etl.toml").write_text("".join(lines))
        self.variables |= {f"{name.upper()}_KEY": key for name, key in self.server.keys.items()}
        del self.variables["MAGPIPE_API_KEY"]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with serve(SandboxOptions(batches=120, accounts=("acme", "globex"))) as server:
        yield User(server, tmp_path)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """Somebody whose database was synced once, for commands that only read it."""
    with serve(SandboxOptions(batches=120)) as server:
        reader = User(server, tmp_path_factory.mktemp("reader"))
        assert reader.runs("sync").code == 0
        yield reader


def test_the_demo_needs_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    outcome = InstalledCommand(tmp_path).run("demo", "--batches", "50")
    assert (outcome.code, outcome.err) == (0, "")
    assert "First sync" in outcome.out
    assert "50 campaigns" in outcome.out
    assert list(tmp_path.iterdir()) == []


def test_a_quiet_demo_says_nothing_where_all_is_well(tmp_path: Path) -> None:
    assert InstalledCommand(tmp_path).run("-q", "demo", "--batches", "50") == (0, "", "")


def test_what_the_demo_keeps_can_be_looked_at(tmp_path: Path) -> None:
    command = InstalledCommand(tmp_path)
    assert command.run("demo", "--batches", "50", "--keep", "kept.db").code == 0
    outcome = command.run("report", DATABASE_URL="sqlite:///kept.db")
    assert outcome.out.startswith("Campaigns of default\nAs of ")
    assert "\n\n  50 campaigns" in outcome.out


def test_a_sync_is_a_row_a_run_and_a_second_one_changes_nothing(user: User) -> None:
    first = user.runs("sync")
    assert (first.code, first.err) == (0, "")
    header, row = first.out.splitlines()
    assert header.split()[:3] == ["account", "mode", "result"]
    assert row.split()[:3] == ["default", "full", "succeeded"]
    [run] = user.gets_json("sync")["runs"]
    assert (run["status"], run["complete"], run["unchanged"], run["error"]) == ("succeeded", True, 120, None)


def test_json_is_all_that_a_program_finds_on_stdout(user: User) -> None:
    outcome = user.runs("sync", "--json", "-vv", "--log-format", "json")
    assert list(json.loads(outcome.out)) == ["runs"]
    events = {json.loads(line)["event"] for line in outcome.err.splitlines()}
    assert {"run.started", "run.finished"} <= events
    assert user.server.key not in outcome.err


def test_with_q_success_says_nothing(user: User) -> None:
    outcome = user.runs("-q", "sync")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_one_account_without_a_key_does_not_keep_the_others(user: User) -> None:
    user.configures("acme", "initech", "globex")
    outcome = user.runs("sync")
    assert outcome.code == 2
    assert [line.split()[0] for line in outcome.out.splitlines()] == ["account", "acme", "initech", "globex"]
    assert outcome.out.count("succeeded") == 2
    assert outcome.err.startswith("error: initech: config/etl.toml: accounts[2].api_key_env: expected")


def test_a_dry_run_reads_nothing_from_the_source(user: User) -> None:
    [plan] = user.gets_json("sync", "--dry-run")["plans"]
    assert (plan["account"], plan["mode"]) == ("default", "full")
    assert user.runs("sync", "--dry-run").out.startswith("default: full, ")
    assert len(user.server.sandbox.journal) == 0


def test_the_status_tells_age_and_proof(reader: User) -> None:
    document = reader.gets_json("status", "--max-age", "1h")
    [account] = document["accounts"]
    assert (account["account"], account["rows"], account["stale"]) == ("default", 120, False)
    assert account["last_run"]["status"] == "succeeded"
    assert account["age_seconds"] >= 0
    assert account["oldest_proof_at"]
    assert [window["used"] for window in account["quota"]["windows"]] == [account["last_run"]["requests"]] * 2
    assert reader.gets_json("status", "--max-age", "0s", code=6)["stale"] is True
    assert "stale" in reader.runs("status", "--max-age", "0s").out


def test_the_report_has_the_same_figures_in_every_form(reader: User) -> None:
    document = reader.gets_json("report")
    rows = list(csv.DictReader(reader.runs("report", "--csv").out.splitlines()))
    assert len(rows) == document["total"]["campaigns"] == 120
    assert sum(int(row["completed_count"] or 0) for row in rows) == document["total"]["completed"]
    assert "  120 campaigns" in reader.runs("report").out
    assert reader.runs("report", "--account", "acme").code == 2


def test_the_report_is_a_page_that_takes_the_place_of_the_one_before(reader: User) -> None:
    page = reader.folder / "report.html"
    page.write_text("before")
    outcome = reader.runs("report", "--html", "report.html", "--timezone", "Asia/Kolkata", "--since", "3000d")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"report.html: 120 campaigns, {page.stat().st_size / 1024:.0f} KiB\n"
    assert page.read_text().endswith("</html>")
    assert "Times in Asia/Kolkata." in page.read_text()
    assert list(reader.folder.glob("*.part")) == []
    refused = reader.runs("report", "--html", "nowhere/report.html")
    assert (refused.code, refused.out) == (2, "")
    assert "the folder nowhere does not exist" in refused.err


def test_the_report_is_about_what_it_is_asked_for(reader: User) -> None:
    completed = reader.gets_json("report", "--status", "completed", "--timezone", "America/New_York")
    assert [status["status"] for status in completed["statuses"]] == ["completed"]
    assert (completed["timezone"], completed["only_statuses"]) == ("America/New_York", ["completed"])
    assert reader.gets_json("report", "--since", "1d", "--until", "0s")["total"]["campaigns"] < 120
    assert reader.runs("report", "--since", "1d", "--until", "2d").code == 2
    assert reader.runs("report", "--timezone", "Berlin").code == 2


def test_a_terminal_of_ascii_is_given_signs_that_it_has(reader: User) -> None:
    out = reader.runs("report", PYTHONUTF8="0", PYTHONIOENCODING="ascii").out
    line = out.splitlines()[out.splitlines().index("Success by week of creation") + 1]
    assert set(line.strip()) <= set("_.-=+*#@ ")


def test_a_backfill_takes_how_long_ago_as_the_report_does(user: User) -> None:
    user.runs("sync")
    first, second = (user.gets_json("backfill", "--since", "7d", "--dry-run")["plans"] for _ in range(2))
    assert first == second
    assert user.runs("backfill", "--since", "7d").code == 0


def test_what_cannot_be_read_is_set_aside_listed_and_tried_again(user: User) -> None:
    account = user.server.sandbox.account
    user.server.sandbox.rows.corrupt(account.listed()[5].id, {"total_recipients": "many"})
    outcome = user.runs("sync")
    assert outcome.code == 0
    assert "1 row was set aside" in outcome.out
    [entry] = user.gets_json("quarantine", "list")["quarantine"]
    assert entry["id"] == account.listed()[5].id
    assert "raw" not in entry
    assert "many" in user.gets_json("quarantine", "list", "--raw")["quarantine"][0]["raw"]
    assert user.runs("quarantine", "list").out.startswith(f"default {entry['id']}, ")
    [run] = user.gets_json("quarantine", "replay")["runs"]
    assert run["mode"] == "replay"


def test_a_check_has_a_line_for_each_thing_and_the_mend(user: User) -> None:
    fine = user.runs("check")
    assert fine.code == 0
    assert [line.split()[:2] for line in fine.out.splitlines()] == [
        ["ok", name] for name in ("settings", "key", "source", "database", "migrations")
    ]
    document = user.gets_json("check", MAGPIPE_API_KEY="mgp_" + "0" * 40, code=3)
    [source] = [check for check in document["checks"] if check["name"] == "source"]
    assert (document["ok"], source["ok"], source["account"]) == (False, False, "default")
    assert source["mend"]
    assert "failed  settings" in user.runs("check", ETL_PAGE_SIZE="x").out


def test_migrate_tells_from_and_to(user: User) -> None:
    assert user.runs("migrate").out.endswith(": from nothing\n")
    assert user.runs("migrate").out.endswith(": nothing to do\n")


def test_a_source_that_refuses_is_exit_3_and_a_hint(user: User) -> None:
    outcome = user.runs("sync", MAGPIPE_API_KEY="mgp_" + "0" * 40)
    assert outcome.code == 3
    error, hint = outcome.err.splitlines()
    assert error.startswith("error: default: ")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sync_that_is_asked_to_stop_ends_with_130(user: User, number: signal.Signals) -> None:
    user.server.sandbox.faults.at(2, faults.hang(60))
    process = user.command.start("sync", "-v", **user.variables)
    assert process.stderr is not None
    while "run.started" not in process.stderr.readline():
        pass
    process.send_signal(number)
    _, written = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "error: default: stopped on request\n" in written
    assert "Traceback" not in written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_prints_what_to_export_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    command = InstalledCommand(tmp_path)
    process = command.start("sandbox", "--batches", "20")
    assert process.stdout is not None
    exported = [process.stdout.readline().removeprefix("export ").strip().partition("=") for _ in range(3)]
    variables = {name: value for name, _, value in exported}
    outcome = command.run("sync", "--json", **variables)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert (outcome.code, process.returncode) == (0, 0)
    assert json.loads(outcome.out)["runs"][0]["inserted"] == 20


def test_the_sandbox_prints_what_to_write_where_there_are_accounts(tmp_path: Path) -> None:
    command = InstalledCommand(tmp_path)
    process = command.start("sandbox", "--batches", "20", "--account", "acme", "--account", "globex")
    assert process.stdout is not None
    lines: list[str] = []
    while lines.count("[[accounts]]") < 2 or not lines[-1].startswith("api_key_env"):
        lines.append(process.stdout.readline().strip())
    exports = [line.removeprefix("export ") for line in lines if line.startswith("export ")]
    (tmp_path / "config").mkdir()
    written = lines[lines.index("# in config/etl.toml:") :]
    (tmp_path / "config" / "etl.toml").write_text("\n".join(written))
    outcome = command.run("sync", "--json", **dict(line.split("=", 1) for line in exports))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert outcome.code == 0, outcome.err
    runs = json.loads(outcome.out)["runs"]
    assert [(run["account"], run["inserted"]) for run in runs] == [("acme", 20), ("globex", 20)]


def test_on_a_terminal_a_bar_is_drawn_and_wiped_off(user: User) -> None:
    terminal, end = os.openpty()
    drawn: list[bytes] = []

    def watch() -> None:
        with suppress(OSError):  # how a terminal ends whose last user has gone
            while piece := os.read(terminal, 4096):
                drawn.append(piece)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        process = subprocess.run(
            [PROGRAM, "sync"],
            cwd=user.folder,
            env=user.command.environ(**user.variables, TERM="xterm"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=end,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    finally:
        os.close(end)
        watching.join()
        os.close(terminal)
    told = b"".join(drawn).decode()
    assert process.returncode == 0, told
    assert process.stdout.splitlines()[1].split()[:3] == ["default", "full", "succeeded"]
    assert "default" in told
    assert "\x1b[2K" in told  # the line is cleared
    assert told.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))
