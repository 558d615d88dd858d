"""Settings: where a value comes from, what it may be, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from etl.errors import SettingsError
from etl.model import Account, Secret
from etl.settings import MissingKey, Settings, definitions, environment_without, load_settings
from etl.settings.keys import key_warning, parse_key
from etl.settings.origins import parse_dotenv

from support.sources import ROOT

KEY = "mgp_" + "0123456789" * 4
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
NO_FLAGS: Mapping[str, object] = {}


class Machine:
    """A folder with `.env` and a file, and an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(
        self,
        *,
        flags: Mapping[str, object] = NO_FLAGS,
        file: str | None = None,
        dotenv: str | None = None,
        **environ: str,
    ) -> Settings:
        for name, text in (("config/etl.toml", file), (".env", dotenv)):
            if text is not None:
                (self.folder / name).parent.mkdir(exist_ok=True)
                (self.folder / name).write_text(text, encoding="utf-8")
        return load_settings(flags, environ, self.folder)

    def faults(self, **given: object) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as caught:
            self.load(**given)  # type: ignore[arg-type]
        return caught.value.faults


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# --- Origins ------------------------------------------------------------------------------------------


def test_without_anything_every_setting_has_its_default(machine: Machine) -> None:
    settings = machine.load()
    assert {item.name: getattr(settings, item.name) for item in definitions()} == {
        item.name: item.default for item in definitions()
    }
    assert settings.accounts == ()


def test_a_flag_wins_over_the_environment_over_dotenv_over_the_file(machine: Machine) -> None:
    file, dotenv = "page_size = 1", "ETL_PAGE_SIZE=2"
    assert machine.load(file=file).page_size == 1
    assert machine.load(file=file, dotenv=dotenv).page_size == 2
    assert machine.load(file=file, dotenv=dotenv, ETL_PAGE_SIZE="3").page_size == 3
    assert machine.load(flags={"page_size": "4"}, file=file, dotenv=dotenv, ETL_PAGE_SIZE="3").page_size == 4


def test_an_empty_variable_counts_as_not_given(machine: Machine) -> None:
    assert machine.load(file="page_size = 7", ETL_PAGE_SIZE=" ", MAGPIPE_API_KEY="").page_size == 7


def test_the_documented_variables_are_read(machine: Machine) -> None:
    settings = machine.load(
        MAGPIPE_API_KEY=KEY,
        MAGPIPE_BASE_URL="http://127.0.0.1:8080/functions/v1/",
        DATABASE_URL="postgres://me@db/calls",
        DATABASE_SCHEMA="calls",
    )
    assert settings.accounts == (Account(name="default", api_key=Secret(KEY)),)
    assert settings.base_url == "http://127.0.0.1:8080/functions/v1"
    assert (settings.database_url, settings.database_schema) == ("postgres://me@db/calls", "calls")


def test_the_file_is_the_one_that_is_asked_for(machine: Machine) -> None:
    (machine.folder / "mine.toml").write_text("page_size = 9")
    (machine.folder / "other.toml").write_text("page_size = 8")
    assert machine.load(file="page_size = 1", ETL_CONFIG="mine.toml").page_size == 9
    assert machine.load(dotenv="ETL_CONFIG=mine.toml").page_size == 9
    assert machine.load(flags={"config": "other.toml"}, ETL_CONFIG="mine.toml").page_size == 8


def test_a_file_that_was_asked_for_has_to_be_there(machine: Machine) -> None:
    [fault] = machine.faults(ETL_CONFIG="gone.toml")
    assert "environment variable ETL_CONFIG" in fault
    assert "gone.toml, which cannot be read (No such file or directory)" in fault


def test_a_folder_named_dotenv_is_a_virtual_environment(machine: Machine) -> None:
    (machine.folder / ".env").mkdir()
    assert machine.load().page_size == 1000


def test_a_file_that_is_no_text_is_told(machine: Machine) -> None:
    (machine.folder / ".env").write_bytes(b"A=\xff")
    assert machine.faults() == (".env: expected a readable text file, got one that is not UTF-8",)


def test_bad_toml_is_told_with_its_place(machine: Machine) -> None:
    [fault] = machine.faults(file="page_size = 1\npage_size = [")
    assert fault.startswith("config/etl.toml: expected TOML, got a fault in its form")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=plain", "plain"),
        ("  A = spaced  ", "spaced"),
        ("A=with#hash # and a comment", "with#hash"),
        ("A='single $x \\n'", "single $x \\n"),
        ('A="double \\"quoted\\" \\n"', 'double "quoted" \n'),
        ('A="two\nlines" # comment', "two\nlines"),
        ("A=", ""),
        ("A= # nothing", ""),
    ],
)
def test_dotenv_lines_are_read_as_shells_do(line: str, value: str) -> None:
    assert parse_dotenv(f"# first\n{line}\n") == ({"A": (value, 2)}, [])


def test_a_dotenv_line_that_is_no_assignment_is_told_by_its_number_alone(machine: Machine) -> None:
    assert machine.faults(dotenv=f"# key\n\n{KEY}\n") == (
        ".env line 3: expected NAME=value, got something else",
    )


# --- Faults -------------------------------------------------------------------------------------------


def test_all_faults_are_told_at_once_each_with_its_origin(machine: Machine) -> None:
    faults = machine.faults(
        flags={"page_size": "many"},
        file="max_pages = 0\nmax_pagez = 1",
        dotenv="ETL_TIMEOUT_SECONDS=nan",
        ETL_FETCH_AHEAD="65",
    )
    assert faults == (
        "config/etl.toml: max_pagez: expected the name of a setting, got another; did you mean max_pages?",
        "page_size, from flag --page-size: expected a whole number from 1 to 100000, got 'many'",
        "fetch_ahead, from environment variable ETL_FETCH_AHEAD:"
        " expected a whole number from 1 to 64, got '65'",
        "timeout_seconds, from .env line 1: expected a number from 0.05 to 600, got 'nan'",
        "max_pages, from config/etl.toml: expected a whole number from 1 to 10000000, got 0",
    )


@pytest.mark.parametrize("value", ["true", '"many"', "1.5", "[1]", "{a = 1}", "2026-01-01"])
def test_a_value_of_the_wrong_type_in_the_file_is_a_fault(machine: Machine, value: str) -> None:
    [fault] = machine.faults(file=f"page_size = {value}")
    assert fault.startswith("page_size, from config/etl.toml: expected a whole number")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "ftp://example.com",
        "https://",
        "example.com",
        "https://user:secret@example.com",
        "https://example.com?key=secret",
        "https://example.com#x",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://exa mple.com",
        "https://example.com:port",
        "https://example.com\n",
    ],
)
def test_a_base_url_that_could_leak_the_key_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url, from argument: expected an https:// URL") as caught:
        Settings(base_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:1/x", "http://127.8.9.1/x", "http://[::1]/x", "https://a.b/x"]
)
def test_plain_http_is_for_loopback_hosts(url: str) -> None:
    assert Settings(base_url=url).base_url == url
    assert Settings(base_url=f"{url}/").base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@db/x",
        "sqlite:calls.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "calls.db",
        "",
        "postgresql:calls",
        "oracle://me@db/secret",
    ],
)
def test_a_database_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(
        SettingsError, match="expected sqlite:///FILE, postgres://… or postgresql://…"
    ) as caught:
        Settings(database_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["1st", "pg_mine", "a-b", "Mine", "a" * 64, "", 'a"; drop'])
def test_a_schema_name_that_needs_quotes_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="database_schema, from argument"):
        Settings(database_schema=name)


# --- Secrets ------------------------------------------------------------------------------------------


def test_nothing_shows_a_key_or_a_password() -> None:
    settings = Settings(api_key=KEY, database_url="postgresql://me:p%40ss@db:5432/calls?password=p%40ss")
    assert settings.database_shown == "postgresql://me@db:5432/calls"
    for text in (repr(settings), str(settings), settings.database_shown):
        assert KEY not in text
        assert "p%40ss" not in text
    assert set(settings.secrets()) == {KEY, "p%40ss", "p@ss"}


def test_passwords_among_the_parameters_are_secrets_too() -> None:
    settings = Settings(
        database_url="postgresql://me@db/calls?sslmode=require&password=on%65&sslpassword=two"
    )
    assert set(settings.secrets()) == {"on%65", "one", "two"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr@tly@db/calls",
        "postgresql://me@db/calls?password=s3cr@tly",
        # What stands before the sign is a port to whoever reads it as the end of the host.
        "postgresql://me:53/tly@db/calls",
        "postgresql://me:53?tly@db/calls",
        "postgresql://me:53#tly@db/calls",
        "postgresql://me@db/calls?password=s3cr#tly",
    ],
)
def test_a_password_whose_end_would_pass_for_something_else_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="a password with %40 for @") as caught:
        Settings(database_url=url)
    for part in ("s3cr", "53", "tly"):
        assert part not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///calls.db",
        "sqlite:////var/lib/calls.db",
        "sqlite:///calls of 2026 #1 @home.db",
        "postgres://db/calls",
        "postgres://me@db/calls",
    ],
)
def test_a_url_without_password_is_shown_as_it_is(url: str) -> None:
    assert Settings(database_url=url).database_shown == url


@pytest.mark.parametrize("key", ["", " \n", "a\nb", "a\x00b", "clé", "Bearer " + KEY, "x" * 20_000])
def test_a_key_that_would_break_its_header_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="api_key: expected an API key") as caught:
        Settings(api_key=key)
    assert KEY not in str(caught.value)


def test_space_around_a_key_does_not_count() -> None:
    assert parse_key(f"  {KEY}\r\n").reveal() == KEY


def test_a_key_of_an_unknown_form_is_taken_with_a_word_of_warning() -> None:
    assert key_warning(Secret(KEY)) is None
    assert key_warning(Secret(TOKEN)) is None
    assert "the key has 9 characters" in str(key_warning(parse_key("other-key")))


@pytest.mark.parametrize(
    "file",
    [
        f'api_key = "{KEY}"',
        f'[[accounts]]\nname = "a"\napi_key = "{KEY}"',
        f'[[accounts]]\nname = "a"\napi_key_env = "{KEY}"',
        f'[[accounts]]\nname = "a"\napi_key_file = "{KEY}"',
    ],
)
def test_a_key_in_the_file_is_a_fault_that_says_where_to_put_it(machine: Machine, file: str) -> None:
    [fault] = machine.faults(file=file)
    assert "put it into an environment variable or a file of its own" in fault
    assert KEY not in fault


# --- Accounts -----------------------------------------------------------------------------------------


def account(name: str, key: str) -> str:
    return f'[[accounts]]\nname = "{name}"\n{key}\n'


def test_accounts_have_their_keys_in_variables_and_files(machine: Machine) -> None:
    (machine.folder / "config").mkdir()
    (machine.folder / "config" / "globex.key").write_text(f"{KEY}\n")
    settings = machine.load(
        file=account("acme", 'api_key_env = "ACME_KEY"') + account("globex", 'api_key_file = "globex.key"'),
        ACME_KEY=TOKEN,
    )
    assert settings.accounts == (
        Account(name="acme", api_key=Secret(TOKEN)),
        Account(name="globex", api_key=Secret(KEY)),
    )


def test_the_key_of_the_single_account_may_stand_in_a_file(machine: Machine) -> None:
    (machine.folder / "key").write_text(KEY)
    assert machine.load(MAGPIPE_API_KEY_FILE="key").accounts[0].api_key == Secret(KEY)


def test_a_key_and_a_file_for_it_are_one_too_many(machine: Machine) -> None:
    assert machine.faults(MAGPIPE_API_KEY=KEY, MAGPIPE_API_KEY_FILE="key") == (
        "MAGPIPE_API_KEY: expected it or MAGPIPE_API_KEY_FILE, got both",
    )


def test_of_a_key_and_a_file_the_nearer_origin_wins(machine: Machine) -> None:
    (machine.folder / "key").write_text(TOKEN)
    by_file = machine.load(dotenv=f"MAGPIPE_API_KEY={KEY}", MAGPIPE_API_KEY_FILE="key")
    by_value = machine.load(dotenv="MAGPIPE_API_KEY_FILE=key", MAGPIPE_API_KEY=KEY)
    assert by_file.accounts[0].api_key == Secret(TOKEN)
    assert by_value.accounts[0].api_key == Secret(KEY)


def test_an_account_without_a_key_fails_alone_and_only_when_its_key_is_used(machine: Machine) -> None:
    settings = machine.load(
        file=account("acme", 'api_key_env = "ACME_KEY"') + account("globex", 'api_key_env = "GLOBEX_KEY"'),
        ACME_KEY=KEY,
    )
    acme, globex = settings.select()
    assert acme.api_key.reveal() == KEY
    with pytest.raises(
        SettingsError, match="expected environment variable GLOBEX_KEY to hold an API key"
    ) as caught:
        globex.api_key.reveal()
    assert caught.value.exit_code == 2


def test_when_no_account_has_a_key_the_work_does_not_begin(machine: Machine) -> None:
    settings = machine.load(
        file=account("a", 'api_key_env = "A"') + account("b", 'api_key_file = "b.key"') + account("c", "")
    )
    assert [type(one.api_key) for one in settings.accounts] == [MissingKey] * 3
    with pytest.raises(SettingsError) as caught:
        settings.select()
    assert len(caught.value.faults) == 3
    with pytest.raises(SettingsError, match="MAGPIPE_API_KEY: expected an API key"):
        Settings(page_size=1).select()


def test_accounts_are_selected_by_name(machine: Machine) -> None:
    accounts = [Account(name=name, api_key=Secret(KEY)) for name in ("acme", "globex")]
    settings = Settings(accounts=tuple(accounts))
    assert settings.select(["globex"]) == (accounts[1],)
    with pytest.raises(SettingsError, match="expected one of acme, globex, got 'acne'; did you mean acme"):
        settings.select(["acne"])


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "a/b", "é", "a\\n", "x" * 65])
def test_account_names_are_plain(machine: Machine, name: str) -> None:
    [fault] = machine.faults(file=account(name, 'api_key_env = "A"'))
    assert "expected a name of up to 64 letters" in fault


def test_account_names_are_different(machine: Machine) -> None:
    [fault] = machine.faults(file=account("a", 'api_key_env = "A"') * 2)
    assert fault == "config/etl.toml: accounts: expected different names, got 'a' 2 times"


def test_faults_of_an_account_name_it_by_its_place(machine: Machine) -> None:
    faults = machine.faults(
        file='[[accounts]]\nnam = "a"\npage_size = 3\napi_key_env = "A"\napi_key_file = "b"\n'
    )
    assert faults == (
        "config/etl.toml: accounts[1].nam: expected one of name, api_key_env, api_key_file,"
        " got an unknown name; did you mean name?",
        "config/etl.toml: accounts[1].page_size: expected above the first [[accounts]],"
        " got it inside an account",
        "config/etl.toml: accounts[1].api_key_env: expected it or api_key_file, got both",
        "config/etl.toml: accounts[1].name: expected a name of up to 64 letters, digits, '.', '_' and '-',"
        " the first a letter or digit, got none",
    )


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("api_key_env = 3", "api_key_env: expected a text, got another type"),
        (
            'api_key_env = "ACME KEY"',
            "api_key_env: expected the name of an environment variable, got a text that cannot be one",
        ),
    ],
)
def test_what_cannot_name_a_key_is_a_fault(machine: Machine, key: str, fault: str) -> None:
    assert f"config/etl.toml: accounts[1].{fault}" in machine.faults(file=account("acme", key))


def test_a_key_s_file_that_is_no_text_is_told_without_what_is_in_it(machine: Machine) -> None:
    (machine.folder / "the.key").write_bytes(b"\xff" + KEY.encode())
    with pytest.raises(SettingsError, match="a file that is not text") as caught:
        machine.load(MAGPIPE_API_KEY_FILE="the.key").select()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "file",
    ["quota_share = true", "quota_share = 0", "quota_share = []", "timeout_seconds = nan", "base_url = 3"],
)
def test_a_value_of_the_file_that_is_of_another_type_or_out_of_bounds_is_a_fault(
    machine: Machine, file: str
) -> None:
    name, _, value = file.partition(" = ")
    [fault] = machine.faults(file=file)
    assert fault.startswith(f"{name}, from config/etl.toml: expected ")
    assert fault.lower().endswith(f"got {value}")


@pytest.mark.parametrize("accounts", ["accounts = 3", "accounts = [1]", '[accounts]\nname = "a"'])
def test_accounts_of_another_form_are_a_fault(machine: Machine, accounts: str) -> None:
    assert machine.faults(file=accounts) == (
        "config/etl.toml: accounts: expected [[accounts]] tables, got another form",
    )


def test_what_is_odd_is_a_warning(machine: Machine) -> None:
    settings = machine.load(
        file=account("acme", 'api_key_env = "ETL_ACME_KEY"'),
        ETL_ACME_KEY=KEY,
        ETL_PAGESIZE="5",
        ETL_TEST_POSTGRES_URL="postgres://x",
        MAGPIPE_BASEURL="https://magpipe.example.com",
        MAGPIPE_API_KEY=KEY,
        MAGPIPE_API_KEY_FILE="the.key",
    )
    assert settings.warnings == (
        "environment variable ETL_PAGESIZE is not one of this program's; did you mean ETL_PAGE_SIZE?",
        "environment variable MAGPIPE_BASEURL is not one of this program's; did you mean MAGPIPE_BASE_URL?",
        "MAGPIPE_API_KEY is not used: the accounts of config/etl.toml do not name it",
        "MAGPIPE_API_KEY_FILE is not used: the accounts of config/etl.toml do not name it",
    )


def test_the_usual_variables_are_nothing_odd(machine: Machine) -> None:
    assert machine.load(MAGPIPE_API_KEY=KEY, MAGPIPE_BASE_URL="https://magpipe.example.com").warnings == ()


@pytest.mark.skipif(os.name != "posix", reason="rights are told otherwise there")
@pytest.mark.parametrize(
    ("mode", "odd"),
    [
        (0o400, ""),
        (0o640, ""),
        (0o644, "can be read by everybody on this machine"),
        (0o620, "can be changed by others than its owner"),
        (0o666, "can be changed by others than its owner"),
    ],
)
def test_a_key_s_file_that_others_can_read_or_change_is_a_warning(
    machine: Machine, mode: int, odd: str
) -> None:
    file = machine.folder / "the.key"
    file.write_text(KEY)
    file.chmod(mode)
    single = machine.load(MAGPIPE_API_KEY_FILE="the.key").warnings
    named = machine.load(file=account("acme", 'api_key_file = "../the.key"')).warnings
    assert [len(single), len(named)] == [bool(odd), bool(odd)]
    for warning in (*single, *named):
        assert odd in warning
        assert "chmod 600" in warning
        assert "the.key" in warning


# --- Python -------------------------------------------------------------------------------------------


def test_settings_with_arguments_read_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETL_PAGE_SIZE", "not a number")
    assert Settings(api_key=KEY).page_size == 1000


def test_settings_without_arguments_read_what_the_command_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"MAGPIPE_API_KEY={KEY}\n")
    monkeypatch.setenv("ETL_PAGE_SIZE", "77")
    for name in [name for name in os.environ if name.startswith(("MAGPIPE_", "DATABASE_", "ETL_CONFIG"))]:
        monkeypatch.delenv(name)
    settings = Settings()
    assert settings.page_size == 77
    assert settings.accounts[0].api_key == Secret(KEY)


def test_a_copy_with_a_change_is_checked_again() -> None:
    settings = Settings(api_key=KEY, page_size=5)
    assert replace(settings, fetch_ahead=2).accounts == settings.accounts
    with pytest.raises(SettingsError, match="page_size, from argument"):
        replace(settings, page_size=0)


def test_a_key_and_accounts_are_one_too_many() -> None:
    with pytest.raises(SettingsError, match="api_key: expected it or accounts, got both"):
        Settings(api_key=KEY, accounts=(Account(name="a", api_key=Secret(KEY)),))


# --- What stands beside the code ----------------------------------------------------------------------


def test_the_example_file_shows_every_setting_with_its_default_if_it_has_one() -> None:
    text = (ROOT / "config" / "etl.toml").read_text(encoding="utf-8")
    settings = text.partition("#[[accounts]]")[0]
    shown = tomllib.loads("\n".join(re.findall(r"^#(\w+ = .*)$", settings, re.MULTILINE)))
    assert shown.keys() == {item.name for item in definitions()}
    assert [item.name for item in definitions() if item.default not in (None, shown[item.name])] == []


def test_the_example_file_is_valid_as_it_stands_and_with_all_comments_taken_off(machine: Machine) -> None:
    text = (ROOT / "config" / "etl.toml").read_text(encoding="utf-8")
    assert machine.load(file=text) == replace(
        Settings(page_size=1000), config_file=machine.load().config_file
    )
    uncommented = re.sub(r"^#(?=\w+ = |\[\[)", "", text, flags=re.MULTILINE)
    assert [one.name for one in machine.load(file=uncommented).accounts] == ["acme", "globex"]


def test_the_example_of_dotenv_names_only_variables_that_are_read() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = {item.variable for item in definitions()} | {
        "ETL_CONFIG",
        "MAGPIPE_API_KEY",
        "MAGPIPE_API_KEY_FILE",
    }
    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) <= known


# --- Where notifications go ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/a/b?key=c", "http://127.0.0.1:8099/x", "http://localhost/x"]
)
def test_a_webhook_is_a_url_that_nobody_on_the_way_can_read(url: str) -> None:
    assert Settings(notify_webhook=url).notify_webhook == url


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/a", "https://", "https://a:b@example.com/", "x", 7]
)
def test_a_webhook_that_cannot_be_used_is_refused_and_not_shown(url: Any) -> None:
    with pytest.raises(SettingsError, match="notify_webhook, from argument: expected an https://") as caught:
        Settings(notify_webhook=url)
    assert "example.com" not in str(caught.value)


def test_a_webhook_is_a_secret() -> None:
    settings = Settings(notify_webhook="https://hooks.example.com/token")
    assert settings.secrets() == ("https://hooks.example.com/token",)
    assert "token" not in repr(settings)


@pytest.mark.parametrize("command", ["", " ", "say 'it", "a\nb"])
def test_a_command_that_no_shell_would_take_is_refused(command: str) -> None:
    with pytest.raises(SettingsError, match="notify_command, from argument: expected a command"):
        Settings(notify_command=command)


def test_a_program_that_is_started_gets_the_environment_but_for_its_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", f"key={KEY}")
    monkeypatch.setenv("SOME_WORD", "harmless")
    environ = environment_without([KEY])
    assert environ["SOME_WORD"] == "harmless"
    assert "SOME_KEY" not in environ
