"""Which accounts there are: `[[accounts]]` of the file, or the single account `default` of the environment.

A key that is missing is a matter of that account alone and travels as its `MissingKey`; a name that cannot be
used, or a key written into the file, is a fault of the whole configuration.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from etl.model import Account, Secret
from etl.settings.keys import EXPECTED, KEY_FORM, MissingKey, access_warning, parse_key, read_key
from etl.settings.origins import Found, Origins

KEY_VARIABLE = "MAGPIPE_API_KEY"
KEY_FILE_VARIABLE = "MAGPIPE_API_KEY_FILE"
DEFAULT_NAME = "default"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYS = ("name", "api_key_env", "api_key_file")
NAME_EXPECTED = "a name of up to 64 letters, digits, '.', '_' and '-', the first a letter or digit"
_NEVER_IN_FILE = (
    "expected no key in this file, got one; put it into an environment variable or a file of its own"
    " and name that in api_key_env or api_key_file"
)


def find_accounts(origins: Origins, settings: Collection[str]) -> tuple[Account, ...]:
    """The accounts in the order of the file; faults go to `origins.faults`, oddities too.

    `settings` are the other settings' names: one that slipped below an [[accounts]] line is no mere typo.
    """
    tables = origins.file.get("accounts")
    if "api_key" in origins.file:
        origins.faults.append(f"{origins.file_shown}: api_key: {_NEVER_IN_FILE}")
    if tables is None:
        return _single_account(origins)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        origins.faults.append(
            f"{origins.file_shown}: accounts: expected [[accounts]] tables, got another form"
        )
        return ()
    found = (_file_account(number, table, origins, settings) for number, table in enumerate(tables, start=1))
    accounts = tuple(account for account in found if account)
    origins.faults.extend(f"{origins.file_shown}: {fault}" for fault in name_faults(accounts))
    return accounts


def name_faults(accounts: Iterable[Account]) -> list[str]:
    """What is wrong with the names, each told once."""
    counts = Counter(account.name for account in accounts)
    return [
        f"accounts: expected {NAME_EXPECTED}, got {name!r}" for name in counts if not NAME.fullmatch(name)
    ] + [
        f"accounts: expected different names, got {name!r} {count} times"
        for name, count in counts.items()
        if count > 1
    ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _single_account(origins: Origins) -> tuple[Account, ...]:
    key, key_file = (origins.variables.get(name) for name in (KEY_VARIABLE, KEY_FILE_VARIABLE))
    if key and key_file and key.origin.startswith(".env") == key_file.origin.startswith(".env"):
        origins.faults.append(f"{KEY_VARIABLE}: expected it or {KEY_FILE_VARIABLE}, got both")
        return ()
    if key and not (key_file and key.origin.startswith(".env")):
        return (Account(name=DEFAULT_NAME, api_key=_key_of(key, key.origin)),)
    if key_file:
        path = origins.folder / Path(str(key_file.value)).expanduser()
        return (Account(name=DEFAULT_NAME, api_key=_key_in(path, key_file.origin, origins)),)
    return ()


def _file_account(
    number: int, table: Mapping[str, object], origins: Origins, settings: Collection[str]
) -> Account | None:
    """One table of the file; None, and faults, where it cannot be an account at all."""
    name = table.get("name")
    where = f"{origins.file_shown}: accounts[{number}]"
    faults = list(_table_faults(table, settings))
    if not isinstance(name, str):
        faults.append(f"name: expected {NAME_EXPECTED}, got {'none' if name is None else 'another type'}")
    origins.faults.extend(f"{where}.{fault}" for fault in faults)
    if faults or not isinstance(name, str):
        return None
    return Account(name=name, api_key=_account_key(f"{where}.", table, origins))


def _table_faults(table: Mapping[str, object], settings: Collection[str]) -> Iterator[str]:
    for key in table:
        if key == "api_key":
            yield f"api_key: {_NEVER_IN_FILE}"
        elif key in settings:
            yield f"{key}: expected above the first [[accounts]], got it inside an account"
        elif key not in _KEYS:
            yield f"{key}: expected one of {', '.join(_KEYS)}, got an unknown name{did_you_mean(key, _KEYS)}"
    for key in _KEYS[1:]:
        value = table.get(key)
        if isinstance(value, str) and KEY_FORM.search(value):
            yield f"{key}: {_NEVER_IN_FILE}"
        elif value is not None and not isinstance(value, str):
            yield f"{key}: expected a text, got another type"
    if "api_key_env" in table and "api_key_file" in table:
        yield "api_key_env: expected it or api_key_file, got both"
    variable = table.get("api_key_env")
    if isinstance(variable, str) and not _VARIABLE.fullmatch(variable):
        yield "api_key_env: expected the name of an environment variable, got a text that cannot be one"


def _account_key(where: str, table: Mapping[str, object], origins: Origins) -> Secret:
    """The key that an account's table points at, or what says why there is none."""
    variable, file = table.get("api_key_env"), table.get("api_key_file")
    if isinstance(variable, str):
        found = origins.variables.get(variable)
        if found is None:
            return MissingKey(
                f"{where}api_key_env: expected environment variable {variable} to hold {EXPECTED}, got none"
            )
        return _key_of(found, f"{found.origin} (named by {where}api_key_env)")
    if isinstance(file, str) and origins.file_path:
        path = origins.file_path.parent / Path(file).expanduser()
        return _key_in(path, f"{where}api_key_file", origins)
    return MissingKey(f"{where}api_key_env: expected it or api_key_file, got neither")


def _key_of(found: Found, origin: str) -> Secret:
    try:
        return parse_key(str(found.value))
    except ValueError as error:
        return MissingKey(f"{origin}: expected {EXPECTED}, got {error}")


def _key_in(path: Path, origin: str, origins: Origins) -> Secret:
    try:
        key = read_key(path)
        if odd := access_warning(path):
            origins.oddities.append(f"{origin}: {path} {odd}")
        return key
    except ValueError as error:
        shown = "a key in place of its name" if KEY_FORM.search(str(path)) else path
        return MissingKey(f"{origin}: expected a file that holds {EXPECTED}, got {error}: {shown}")
