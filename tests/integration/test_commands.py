"""Commands in the tests' own process: what they say where there is nothing, too much, or something odd."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from etl.cli.main import run
from etl.sandbox import SandboxOptions, SandboxServer, serve

from support.command import Outcome, call_from

Call = Callable[..., Outcome]


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with serve(SandboxOptions(batches=60)) as server:
        yield server


@pytest.fixture
def call(
    server: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """The command, called in an empty folder by somebody who has a source and a key for it."""
    call_from(tmp_path, monkeypatch)
    monkeypatch.setenv("MAGPIPE_BASE_URL", server.base_url)
    monkeypatch.setenv("MAGPIPE_API_KEY", server.key)

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = run(arguments)
        return Outcome(code, *capsys.readouterr())

    return call


# -- where there is nothing --------------------------------------------------------------------------


def test_tables_without_a_sync_are_told_from_no_tables(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAGPIPE_API_KEY")
    assert call("status").out.startswith("There is nothing in sqlite:///magpipe.db yet")
    assert call("migrate").code == 0
    assert call("status") == (0, "No sync has run into sqlite:///magpipe.db yet.\n", "")
    refused = call("report", "--account", "acme")
    assert (refused.code, refused.out) == (2, "")
    assert "no account has been synced yet, got 'acme'" in refused.err


def test_to_ask_what_is_set_aside_makes_no_tables(call: Call, tmp_path: Path) -> None:
    for command in ("list", "replay"):
        refused = call("quarantine", command)
        assert (refused.code, refused.out) == (4, "")
        assert "there is nothing in sqlite:///magpipe.db yet" in refused.err
    assert not (tmp_path / "magpipe.db").exists()


def test_where_nothing_is_set_aside_the_commands_say_so(call: Call) -> None:
    assert call("sync").code == 0
    for command in ("list", "replay"):
        assert call("quarantine", command) == (0, "Nothing is set aside.\n", "")
        assert call("quarantine", command, "--account", "default").out == "Nothing is set aside.\n"
        refused = call("quarantine", command, "--account", "acme")
        assert (refused.code, refused.out) == (2, "")
        assert "expected one of default, got 'acme'" in refused.err
    assert json.loads(call("quarantine", "replay", "--json").out) == {"runs": []}
    assert call("quarantine", "replay", "-q") == (0, "", "")


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("0001", "run `magpipe-etl migrate`"),
        ("9999", "install the release of magpipe-etl that"),
    ],
)
def test_tables_of_another_release_are_not_read(call: Call, tmp_path: Path, version: str, hint: str) -> None:
    assert call("migrate").code == 0
    engine = create_engine(f"sqlite:///{tmp_path / 'magpipe.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()
    for command in ("status", "report"):
        outcome = call(command)
        assert (outcome.code, outcome.out) == (4, "")
        assert f"the tables are at version {version}" in outcome.err
        assert f"hint: {hint}" in outcome.err


def test_tables_of_a_later_release_are_not_planned_for_and_fail_the_check(call: Call, tmp_path: Path) -> None:
    assert call("migrate").code == 0
    engine = create_engine(f"sqlite:///{tmp_path / 'magpipe.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for command in (["sync", "--dry-run"], ["backfill", "--since", "1d", "--dry-run"], ["sync"], ["check"]):
        outcome = call(*command)
        assert outcome.code == 4
        assert "at version 9999; this program knows those up to" in outcome.out + outcome.err


def test_a_demo_that_cannot_write_ends_with_the_code_of_its_sync(call: Call) -> None:
    Path("demo.db").symlink_to("nowhere/demo.db")
    outcome = call("demo", "--batches", "10", "--keep", "demo.db")
    assert outcome.code == 4
    assert "the SQLite file demo.db" in outcome.err
    assert "Second sync" not in outcome.out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere/demo.db", "the folder nowhere does not exist"),
        ("what?.db", "a file that can stand in a URL, without '?' and control characters, got 'what?.db'"),
        ("there.db", "there.db is there already; name a new file"),
    ],
)
def test_a_file_that_a_demo_cannot_keep_is_refused_before_it_begins(call: Call, name: str, told: str) -> None:
    Path("there.db").touch()
    outcome = call("demo", "--keep", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_what_a_demo_says_to_call_can_be_called(call: Call) -> None:
    *_, last = call("demo", "--batches", "10", "--keep", "my file.db").out.splitlines()
    _, _, told = last.partition(": ")
    assert shlex.split(told) == ["DATABASE_URL=sqlite:///my file.db", "magpipe-etl", "report"]


def test_a_report_of_nothing_asks_about_a_status_that_nobody_knows(call: Call) -> None:
    call("sync")
    outcome = call("report", "--status", "complete")
    assert "No campaigns." in outcome.out
    assert outcome.err == "warning: the status 'complete' is not known here; did you mean completed?\n"
    assert call("report", "--status", "complete", "-q").err == ""
    assert call("report", "--status", "complete", "--status", "completed").err == ""


# -- what is odd -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told"), [("complete", "; did you mean completed?"), ("x", "; known are draft, ")]
)
def test_a_status_that_nobody_knows_is_warned_of_and_asked_for(call: Call, status: str, told: str) -> None:
    arguments = ("backfill", "--since", "3000d", "--status", status, "--status", "failed")
    outcome = call(*arguments)
    assert outcome.code == 0
    [warning] = outcome.err.splitlines()
    assert warning.startswith(f"warning: the status '{status}' is not known here{told}")
    assert call("-q", *arguments) == (0, "", "")
    [line] = map(json.loads, call("--log-format", "json", *arguments).err.splitlines())
    assert line["event"] == "command.warned"
    assert line["warning"].startswith(f"the status '{status}' is not known here{told}")


def test_rows_that_are_set_aside_have_a_line_each_until_they_can_be_read(
    call: Call, server: SandboxServer
) -> None:
    spoilt = server.sandbox.account.listed()[5:8]
    for batch in spoilt:
        server.sandbox.rows.corrupt(batch.id, {"total_recipients": "many"})
    assert call("sync").code == 0
    lines = call("quarantine", "list").out.splitlines()
    assert sorted(line.split()[1].rstrip(",") for line in lines) == sorted(batch.id for batch in spoilt)
    assert call("quarantine", "list", "--account", "default").out.splitlines() == lines
    for batch in spoilt:
        server.sandbox.rows.mend(batch.id)
    assert call("sync", "--full").code == 0
    assert call("quarantine", "list").out == "Nothing is set aside.\n"
    resolved = call("quarantine", "list", "--all").out.splitlines()
    assert ["(resolved " in line for line in resolved] == [True] * 3


def test_with_q_a_file_is_written_without_a_word(call: Call, tmp_path: Path) -> None:
    assert call("sync", "-q") == (0, "", "")
    assert call("verify", "-q") == (0, "", "")
    assert call("check", "-q") == (0, "", "")
    assert call("migrate", "-q") == (0, "", "")
    assert call("export", "-q", "batch_calls", "--to", "calls.csv") == (0, "", "")
    assert call("report", "-q", "--html", "report.html") == (0, "", "")
    assert (tmp_path / "calls.csv").read_text().count("\n") == 61
    assert (tmp_path / "report.html").read_text().endswith("</html>")


def test_a_folder_is_no_file_to_export_into(call: Call, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").mkdir()
    outcome = call("export", "batch_calls", "--to", "calls.csv")
    assert (outcome.code, outcome.out) == (2, "")
    assert "calls.csv is there and is not a file" in outcome.err


# -- more than can be shown --------------------------------------------------------------------------


def test_a_verification_shows_some_differences_and_how_many_more_there_are(
    call: Call, server: SandboxServer
) -> None:
    assert call("sync").code == 0
    account = server.sandbox.account
    for batch in account.listed()[10:35]:
        account.change(batch.id, name="changed")
    outcome = call("verify")
    assert outcome.code == 0
    assert outcome.out.count("changed since it was last proven") == 20
    assert "default: batches that differ: 25, unexplained: 0" in outcome.out
    assert outcome.out.endswith("  … and 5 more; --json tells of all\n")


# -- what is refused ---------------------------------------------------------------------------------


def test_a_verification_that_the_source_refuses_says_so_and_shows_no_table(
    call: Call, server: SandboxServer
) -> None:
    assert call("sync").code == 0
    server.sandbox.keys.revoke(server.key)
    outcome = call("verify")
    assert (outcome.code, outcome.out) == (3, "")
    error, hint = outcome.err.splitlines()
    assert error.startswith("error: default: ")
    assert hint.startswith("hint: ")


def test_an_account_without_a_key_is_not_asked_for(call: Call, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl.toml").write_text(
        '[[accounts]]\nname = "acme"\napi_key_env = "MAGPIPE_API_KEY"\n'
        '[[accounts]]\nname = "globex"\napi_key_env = "GLOBEX_KEY"\n'
    )
    outcome = call("check")
    assert outcome.code == 2
    findings = [line.split() for line in outcome.out.splitlines() if not line.startswith(" ")]
    assert [words[:3] for words in findings if words[1] in {"key", "source"}] == [
        ["ok", "key", "acme:"],
        ["ok", "source", "acme:"],
        ["failed", "key", "globex:"],
    ]
    quiet = call("check", "-q").out.splitlines()
    assert [line.split()[0] for line in quiet] == ["failed", "mend:"]


# -- in a terminal -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_check_is_coloured_unless_no_color_is_asked_for(
    call: Call, monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    call("migrate")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    with redirect_stdout(StringIO()) as terminal:
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        assert run(["check"]) == 0
    assert ("\x1b[32mok" in terminal.getvalue()) is coloured
    assert ("\x1b" in terminal.getvalue()) is coloured
