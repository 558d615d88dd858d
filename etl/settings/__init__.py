"""Every setting, defined once: `Settings` is also the table that parsing, errors and documents follow.

The order of precedence is flags, environment, `.env`, file, defaults. This package is the only reader of the
environment, and it tells all faults of a configuration at once, before any work starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from etl.errors import SettingsError
from etl.model import Account
from etl.settings.accounts import (
    DEFAULT_NAME,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    did_you_mean,
    find_accounts,
    name_faults,
)
from etl.settings.definition import NOT_GIVEN, Definition, definition_of, setting
from etl.settings.keys import EXPECTED as KEY_EXPECTED
from etl.settings.keys import HINT, HINT_OF_FILE, MissingKey, parse_key
from etl.settings.origins import Found, Origins, read_origins
from etl.settings.values import (
    COMMAND,
    DATABASE_URL,
    SCHEMA_NAME,
    SHARE,
    SOURCE_URL,
    WEBHOOK_URL,
    number,
    whole_number,
)

__all__ = ["Definition", "MissingKey", "Settings", "definitions", "load_settings", "read_settings"]

_OURS = ("ETL_", "MAGPIPE_")  # how the names of this program's variables begin
_NO_KEY = f"{KEY_VARIABLE}: expected {KEY_EXPECTED}, got none (the command `demo` needs no key)"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the program is to work. Every field is checked, wherever it came from.

    `Settings()` reads the environment, `.env` and the file, as the command does. With any argument it takes
    what it is given, defaults for the rest, and reads nothing: `Settings(api_key="mgp_…", page_size=500)`.
    Raises SettingsError with every fault.
    """

    base_url: str = setting(
        SOURCE_URL,
        "https://api.magpipe.ai/functions/v1",
        "where the source is; plain http only for a loopback host",
        variable="MAGPIPE_BASE_URL",
    )
    database_url: str = setting(
        DATABASE_URL,
        "sqlite:///magpipe.db",
        "where the rows go",
        variable="DATABASE_URL",
        shown=False,
    )
    database_schema: str = setting(
        SCHEMA_NAME,
        "magpipe",
        "schema in PostgreSQL, made when missing; SQLite has none",
        variable="DATABASE_SCHEMA",
    )
    page_size: int = setting(whole_number(1, 100_000), 1000, "rows asked for in one request")
    fetch_ahead: int = setting(whole_number(1, 64), 4, "most requests of one account at the same time")
    timeout_seconds: float = setting(
        number(0.05, 600), 30.0, "longest wait for an answer; the source itself tries for up to 7 s"
    )
    max_attempts: int = setting(whole_number(1, 100), 8, "most attempts at one request")
    max_retry_seconds: float = setting(
        number(0, 86_400), 300.0, "longest time for all attempts at one request"
    )
    max_body_mib: int = setting(whole_number(1, 4096), 64, "largest answer that is accepted")
    max_pages: int = setting(whole_number(1, 10_000_000), 20_000, "most pages of one walk")
    delete_guard_share: float = setting(
        number(0, 1), 0.2, "share of an account's rows that one run may mark deleted unasked"
    )
    delete_guard_rows: int = setting(
        whole_number(0, 10**12), 10, "so many deletes are always allowed, whatever their share"
    )
    max_age_seconds: float = setting(
        number(60, 31_536_000), 86_400.0, "every batch is proven again within so long"
    )
    requests_per_minute: int = setting(whole_number(1, 10**6), 100, "the source's quota for one account")
    requests_per_hour: int = setting(whole_number(1, 10**8), 1000, "the source's quota for one account")
    quota_share: float = setting(SHARE, 1.0, "share of the quota that is this program's; others get the rest")
    notify_webhook: str | None = setting(
        WEBHOOK_URL,
        None,
        "where the service posts what goes wrong, in Slack's form; a secret: best in the environment",
        shown=False,
    )
    notify_command: str | None = setting(
        COMMAND, None, "what the service runs when something goes wrong; it reads a JSON document on stdin"
    )

    accounts: tuple[Account, ...] = NOT_GIVEN  # type: ignore[assignment]
    api_key: InitVar[str | None] = None  # of the single account `default`
    config_file: Path | None = None  # the file that was read
    warnings: tuple[str, ...] = ()  # what is odd and not wrong; `check` shows it

    def __post_init__(self, api_key: str | None) -> None:
        given = {
            name: getattr(self, name)
            for name in (*_names(), "accounts")
            if getattr(self, name) is not NOT_GIVEN
        }
        if not given and api_key is None:
            read = read_settings({})
            values = {item.name: getattr(read, item.name) for item in fields(read)}
        else:
            values = _check_arguments(given, api_key)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def select(self, names: Sequence[str] = ()) -> tuple[Account, ...]:
        """The accounts of these names, or all; SettingsError where there is none to work for.

        One without a key is among them as long as another has one: it is to fail alone, when its key is used.
        """
        known = [account.name for account in self.accounts]
        if unknown := [name for name in names if name not in known]:
            raise SettingsError([_unknown_account(name, known) for name in unknown])
        chosen = tuple(account for account in self.accounts if not names or account.name in names)
        if not chosen:
            raise SettingsError([_NO_KEY], hint=HINT)
        missing = [account.api_key.fault for account in chosen if isinstance(account.api_key, MissingKey)]
        if len(missing) == len(chosen):
            raise SettingsError(missing, hint=HINT_OF_FILE)
        return chosen

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be seen anywhere: for the logs to know, and for nothing else."""
        keys = [account.api_key for account in self.accounts if not isinstance(account.api_key, MissingKey)]
        url = urlsplit(self.database_url)
        named = (part.partition("=") for part in url.query.split("&"))
        passwords = [url.password or "", *(value for name, _, value in named if name.endswith("password"))]
        others = {*passwords, *map(unquote, passwords), self.notify_webhook or ""} - {""}
        return tuple(key.reveal() for key in keys) + tuple(others)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of SQLite, which takes one writer at a time."""
        return self.database_url.startswith("sqlite:")

    @property
    def database_shown(self) -> str:
        """The database's URL as people may see it: without password and parameters."""
        if self.is_sqlite:
            return self.database_url  # a file's name may hold every sign
        parts = urlsplit(self.database_url)
        user, at, host = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"


def definitions() -> tuple[Definition, ...]:
    """Every setting but the accounts, in the order in which they are documented."""
    return tuple(definition_of(item) for item in fields(Settings) if item.metadata)


def read_settings(flags: Mapping[str, object]) -> Settings:
    """The settings as the command has them: from its flags, this process's environment and working folder."""
    return load_settings(flags, os.environ, Path.cwd())


def environment_without(secrets: Iterable[str]) -> dict[str, str]:
    """This process's environment for a program that it starts, but for the variables that hold a secret."""
    known = tuple(secrets)
    return {name: value for name, value in os.environ.items() if not any(each in value for each in known)}


def load_settings(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Settings:
    """The settings of a command started in `folder`; reads `.env` and the file there and nothing else.

    `flags` go by the names of the settings, and `config` names the file; None is a flag that was not given.
    """
    origins = read_origins(flags, environ, folder)
    origins.faults.extend(_unknown_keys(origins))
    values = {item.name: _resolve(item, origins) for item in definitions()}
    accounts = find_accounts(origins, _names())
    if origins.faults:
        raise SettingsError(origins.faults)
    warnings = (*_odd_variables(origins), *origins.oddities)
    return Settings(**values, accounts=accounts, config_file=origins.file_path, warnings=warnings)


def _names() -> tuple[str, ...]:
    return tuple(item.name for item in fields(Settings) if item.metadata)


def _resolve(item: Definition, origins: Origins) -> Any:
    """The value of the first origin that has one."""
    found = origins.flags.get(item.name) or origins.variables.get(item.variable) or origins.of_file(item.name)
    return item.parse(found, origins.faults) if found else item.default


def _check_arguments(given: Mapping[str, Any], api_key: str | None) -> dict[str, Any]:
    faults: list[str] = []
    values = {
        item.name: item.parse(Found(given[item.name], "argument"), faults)
        if item.name in given
        else item.default
        for item in definitions()
    }
    values["accounts"] = _given_accounts(given.get("accounts", ()), api_key, faults)
    if faults:
        raise SettingsError(faults)
    return values


def _given_accounts(
    accounts: Iterable[Account], api_key: str | None, faults: list[str]
) -> tuple[Account, ...]:
    found = tuple(accounts)
    faults += name_faults(found)
    if api_key is None:
        return found
    if found:
        faults.append("api_key: expected it or accounts, got both")
    try:
        return (Account(name=DEFAULT_NAME, api_key=parse_key(api_key)),)
    except ValueError as error:
        faults.append(f"api_key: expected {KEY_EXPECTED}, got {error}")
        return ()


def _unknown_keys(origins: Origins) -> list[str]:
    known = (*_names(), "accounts")
    unknown = (key for key in origins.file if key not in (*known, "api_key"))
    return [
        f"{origins.file_shown}: {key}: expected the name of a setting, got another{did_you_mean(key, known)}"
        for key in unknown
    ]


def _unknown_account(name: str, known: Sequence[str]) -> str:
    among = f"one of {', '.join(known)}" if known else "an account that is configured, and none is"
    return f"account: expected {among}, got {name!r}{did_you_mean(name, known)}"


def _odd_variables(origins: Origins) -> list[str]:
    """Variables that were meant for this program and that it does not use."""
    keys = (KEY_VARIABLE, KEY_FILE_VARIABLE)
    tables = origins.file.get("accounts")
    named = {table.get("api_key_env") for table in tables} if isinstance(tables, list) else set(keys)
    known = {item.variable for item in definitions()} | {"ETL_CONFIG", *keys}
    odd = [
        f"{found.origin} is not one of this program's{did_you_mean(name, known)}"
        for name, found in origins.variables.items()
        if name.startswith(_OURS) and not name.startswith("ETL_TEST_") and name not in known | named
    ]
    unused = [name for name in keys if name in origins.variables and name not in named]
    odd += [f"{name} is not used: the accounts of {origins.file_shown} do not name it" for name in unused]
    return odd
