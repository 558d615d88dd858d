"""Wrong use of the command: one clear sentence, the right exit code, never a traceback.

What is told is the same in any process: most cases are tried in the tests' own, which costs a fraction.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from etl.cli.main import run

from support.command import InstalledCommand, call_from

pytestmark = pytest.mark.slow

KEY = "mgp_" + "0123456789" * 4
PASSWORD = "s3cret-pass"
HEAVY = {
    "sqlalchemy",
    "httpx",
    "alembic",
    "rich",
    "msgspec",
    "psycopg",
    "tenacity",
    "apscheduler",
    "etl.settings",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A call, the sentence that it is met with, and what to do."""

    arguments: str
    says: str
    code: int = 2
    hint: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


CASES = {
    "unknown command": Case(arguments="snyc", says="no such command 'snyc'", hint="see `magpipe-etl --help`"),
    "unknown option": Case(
        arguments="sync --fulll", says="no such option", hint="see `magpipe-etl sync --help`"
    ),
    "an argument too many": Case(
        arguments="migrate now",
        says="unexpected extra argument (now)",
        hint="see `magpipe-etl migrate --help`",
    ),
    "an option without its value": Case(
        arguments="sync --account",
        says="'--account' requires an argument",
        hint="see `magpipe-etl --help`",
    ),
    "a length of time that is none": Case(
        arguments="status --max-age soon",
        says="invalid value for '--max-age': expected a length of time such as 90s, 15m, 2h or 1d",
        hint="see `magpipe-etl status --help`",
    ),
    "a date that is none": Case(
        arguments="report --since 2026-02-30",
        says="invalid value for '--since': expected a date such as 2026-01-31",
        hint="see `magpipe-etl report --help`",
    ),
    "no key": Case(
        arguments="sync",
        says="MAGPIPE_API_KEY: expected an API key (mgp_ and 40 hex digits",
        hint="put it into the environment, into .env in this folder, or into a file that MAGPIPE_",
    ),
    "a key file that is not there": Case(
        arguments="sync",
        says="expected a file that holds an API key",
        variables={"MAGPIPE_API_KEY_FILE": "gone.key"},
        hint="mend what the message names; then `magpipe-etl check` tries every key",
    ),
    "a key that a header cannot hold": Case(
        arguments="sync",
        says="environment variable MAGPIPE_API_KEY: expected an API key",
        variables={"MAGPIPE_API_KEY": f"{KEY}\n{KEY}"},
    ),
    "an account that is not configured": Case(
        arguments="sync --account acme",
        says="account: expected one of default, got 'acme'",
        variables={"MAGPIPE_API_KEY": KEY},
    ),
    "a flag out of bounds": Case(
        arguments="sync --page-size 0",
        says="page_size, from flag --page-size: expected a whole number from 1 to 100000, got '0'",
        variables={"MAGPIPE_API_KEY": KEY},
    ),
    "a rhythm that begins with the longer time": Case(
        arguments="schedule --every 10m..1m",
        says="expected a second or more, and of two times the shorter one first, got '10m..1m'",
    ),
    "no time at all for a turn": Case(
        arguments="schedule --timeout 0m",
        says="invalid value for '--timeout': expected a length of time of 1s or more, got '0m'",
    ),
    "data that is never young enough": Case(
        arguments="schedule --max-age 0s",
        says="invalid value for '--max-age': expected a length of time of 1s or more, got '0s'",
    ),
    "a port that there is not": Case(
        arguments="sandbox --port 65536",
        says="'--port': expected a whole number from 0 to 65,535, got '65536'",
    ),
    "a window that ends before it begins": Case(
        arguments="backfill --since 2026-01-02 --until 2026-01-01",
        says="is not later than --since 2026-01-02T00:00:00+00:00: expected the end of the window after its",
        variables={"MAGPIPE_API_KEY": KEY},
    ),
    "a window that is still to come": Case(
        arguments="backfill --since 9999-01-01",
        says="--since 9999-01-01T00:00:00+00:00 is in the future: expected a time in the past",
        variables={"MAGPIPE_API_KEY": KEY},
    ),
    "a variable that is no number": Case(
        arguments="status",
        says="page_size, from environment variable ETL_PAGE_SIZE: expected a whole number",
        variables={"ETL_PAGE_SIZE": "many"},
    ),
    "a file that is not there": Case(
        arguments="status --config gone.toml",
        says="config, from flag --config: expected a TOML file, got gone.toml, which cannot be read",
    ),
    "a file that is a folder": Case(
        arguments="--config . status", says="got ., which cannot be read (Is a directory)"
    ),
    "a file that is no TOML": Case(
        arguments="status",
        says="config/etl.toml: expected TOML, got a fault in its form",
        files={"config/etl.toml": "page_size = ["},
    ),
    "a setting that there is not": Case(
        arguments="status",
        says="page_sise: expected the name of a setting, got another; did you mean page_size?",
        files={"config/etl.toml": "page_sise = 3"},
    ),
    "a key in the file": Case(
        arguments="status",
        says="config/etl.toml: accounts[1].api_key: expected no key in this file, got one",
        files={"config/etl.toml": f'[[accounts]]\nname = "a"\napi_key = "{KEY}"'},
    ),
    "a database of an unknown kind": Case(
        arguments="migrate",
        says="database_url, from environment variable DATABASE_URL: expected sqlite:///FILE, postgres://…",
        variables={"DATABASE_URL": f"mysql://me:{PASSWORD}@127.0.0.1/calls"},
    ),
    "plain http on a host elsewhere": Case(
        arguments="sync",
        says="base_url, from environment variable MAGPIPE_BASE_URL: expected an https:// URL",
        variables={"MAGPIPE_BASE_URL": "http://api.example.com", "MAGPIPE_API_KEY": KEY},
    ),
    "a folder that is not there": Case(
        arguments="migrate",
        code=4,
        says="the folder gone, in which the SQLite file calls.db should be, does not exist",
        hint="create the folder",
        variables={"DATABASE_URL": "sqlite:///gone/calls.db"},
    ),
    "a file that is no database": Case(
        arguments="report",
        code=4,
        says="is not a SQLite database",
        hint="name another file in DATABASE_URL",
        variables={"DATABASE_URL": "sqlite:///letter.txt"},
        files={"letter.txt": "Dear Sir or Madam, " * 100},
    ),
    "a database that is not there yet": Case(
        arguments="report",
        code=4,
        says="there is nothing in sqlite:///magpipe.db yet",
        hint="run `magpipe-etl sync`",
    ),
    "a server that is not there": Case(
        arguments="migrate",
        code=4,
        says="cannot be reached",
        hint="check DATABASE_URL",
        variables={"DATABASE_URL": f"postgresql://me:{PASSWORD}@127.0.0.1:1/calls"},
    ),
    "a demo over an old file": Case(
        arguments="demo --keep old.db", says="old.db is there already; name a new file", files={"old.db": ""}
    ),
    "a sandbox of an unknown fault": Case(
        arguments="sandbox --fault gremlin", says="'--fault': expected some of bad_gateway"
    ),
    "a sandbox of fewer batches than none": Case(
        arguments="sandbox --batches -5", says="'--batches': expected a whole number of 0 or more, got '-5'"
    ),
    "a sandbox that waits for words": Case(
        arguments="sandbox --latency soon", says="'--latency': expected a number of 0 or more, got 'soon'"
    ),
    "a sandbox of an account without a name": Case(
        arguments="sandbox --account ''", says="'--account': expected a name of up to 64 letters"
    ),
    "a sandbox of one account twice": Case(
        arguments="sandbox --account acme --account acme", says="expected different names, got 'acme' 2 times"
    ),
    "a report of as many as there are": Case(
        arguments="report --top all", says="'--top': expected a whole number from 0 to 100, got 'all'"
    ),
    "an export that ends before it begins": Case(
        arguments="export report_daily --to x.csv --since 2026-01-02 --until 2026-01-01",
        says="is not later than --since 2026-01-02T00:00:00+00:00",
    ),
}


@pytest.fixture
def command(tmp_path: Path) -> InstalledCommand:
    return InstalledCommand(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called, with nothing about the program in the environment."""
    call_from(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_wrong_use_is_met_with_one_clear_sentence(
    case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name, value in case.variables.items():
        monkeypatch.setenv(name, value)
    assert run(case.arguments.split()) == case.code
    told = capsys.readouterr()
    error, *hints = told.err.splitlines()
    assert error.startswith("error: ")
    assert case.says in error
    assert [hint.partition(" ")[0] for hint in hints] == (["hint:"] if hints else [])
    assert case.hint is None or case.hint in hints[0]
    assert told.out == ""
    assert not any(secret in told.err for secret in (KEY, PASSWORD, "Traceback"))


def test_all_faults_of_a_configuration_are_told_at_once(command: InstalledCommand) -> None:
    outcome = command.run("sync", "--page-size", "x", ETL_FETCH_AHEAD="0", DATABASE_URL="nothing")
    assert outcome.code == 2
    lines = outcome.err.splitlines()
    assert lines[0] == "error: 3 settings cannot be used:"
    assert [line.split(",")[0] for line in lines[1:]] == [
        "  - database_url",
        "  - page_size",
        "  - fetch_ahead",
    ]


def test_a_file_that_must_not_be_read_is_told(command: InstalledCommand) -> None:
    secret = command.folder / "secret.toml"
    secret.write_text("page_size = 1")
    secret.chmod(0)
    if _is_readable(secret):
        pytest.skip("this user may read everything")
    outcome = command.run("status", "--config", "secret.toml")
    assert outcome.code == 2
    assert "secret.toml, which cannot be read (Permission denied)" in outcome.err


def _is_readable(path: Path) -> bool:
    try:
        return bool(path.read_text())
    except PermissionError:
        return False


def test_looking_at_a_database_that_is_not_there_does_not_make_it(command: InstalledCommand) -> None:
    for arguments in (["status"], ["report"], ["check"], ["quarantine", "list"]):
        command.run(*arguments)
    assert list(command.folder.iterdir()) == []


def test_no_database_yet_is_no_fault_unless_an_age_is_asked_for(command: InstalledCommand) -> None:
    kindly = "There is nothing in sqlite:///magpipe.db yet: `magpipe-etl sync` makes the tables.\n"
    assert (command.run("status").code, command.run("status").out) == (0, kindly)
    assert command.run("status", "--max-age", "15m").code == 6
    assert command.run("status", "--max-age", "0s").code == 6


def test_a_reader_that_goes_away_is_met_in_silence(command: InstalledCommand) -> None:
    process = command.start("sync", "--help")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


def test_help_and_wrong_use_load_nothing_heavy() -> None:
    program = (
        "import sys; from etl.cli.main import run; "
        "codes = [run(['--help']), run(['sync', '--help']), run(['snyc'])]; "
        "print(codes, sorted(sys.modules), file=sys.stderr)"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    codes, _, modules = outcome.stderr.splitlines()[-1].partition("] ")
    assert codes == "[0, 0, 2"
    assert HEAVY & {name.strip("'[]") for name in modules.split(", ")} == set()
