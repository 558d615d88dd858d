"""Where values come from: flags, environment, `.env` and the file, in the order of precedence.

Each origin becomes a mapping of names to `Found` values. Nothing here knows what a value means; what cannot
be read at all is added to the faults.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_FILE = Path("config") / "etl.toml"

_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*
    (?:'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<bare>[^\n'"][^\n]*?|))
    [ \t]*(?:(?<=[ \t])\#[^\n]*)?$""",
    re.MULTILINE | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Found:
    """A value as it was seen, and where."""

    value: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """All that was found, before anything is believed; `variables` is the environment laid over `.env`."""

    folder: Path
    flags: Mapping[str, Found]
    variables: Mapping[str, Found]
    file: Mapping[str, object]
    file_path: Path | None
    file_shown: str = ""
    faults: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)  # what is odd and not wrong

    def of_file(self, key: str) -> Found | None:
        value = self.file.get(key)
        return None if value is None else Found(value, self.file_shown)


def read_origins(flags: Mapping[str, object], environ: Mapping[str, str], folder: Path) -> Origins:
    """Read `.env` and the file of `folder`; a flag of None and an empty variable count as not given."""
    faults: list[str] = []
    given = {
        name: Found(value, f"flag --{name.replace('_', '-')}")
        for name, value in flags.items()
        if value is not None
    }
    variables = _read_dotenv(folder / ".env", faults)
    variables |= {
        name: Found(value, f"environment variable {name}") for name, value in environ.items() if value.strip()
    }
    asked = given.get("config") or variables.get("ETL_CONFIG")
    path, text = _read_file(asked, folder, faults)
    shown = str(asked.value) if asked else str(DEFAULT_FILE)
    return Origins(
        folder=folder,
        flags=given,
        variables=variables,
        file=_parse_toml(text, shown, faults),
        file_path=path,
        file_shown=shown,
        faults=faults,
    )


def parse_dotenv(text: str) -> tuple[dict[str, tuple[str, int]], list[int]]:
    """Values with the number of their line, and the numbers of the lines that are no assignment."""
    values: dict[str, tuple[str, int]] = {}
    covered: set[int] = set()
    for match in _ASSIGNMENT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        covered.update(range(line, line + match[0].count("\n") + 1))
        values[match["name"]] = (_unquote(match), line)
    others = (
        number
        for number, line in enumerate(text.split("\n"), start=1)
        if number not in covered and line.strip() and not line.lstrip().startswith("#")
    )
    return values, list(others)


def _unquote(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["double"])
    if match["single"] is not None:
        return match["single"]
    # A comment needs a space before it: a password may hold a '#'.
    return re.split(r"(?:^|[ \t])#", match["bare"], maxsplit=1)[0].strip()


def _read_dotenv(path: Path, faults: list[str]) -> dict[str, Found]:
    values, others = parse_dotenv(_read_if_there(path, ".env", faults))
    faults += [f".env line {line}: expected NAME=value, got something else" for line in others]
    return {
        name: Found(value, f".env line {line}") for name, (value, line) in values.items() if value.strip()
    }


def _read_file(asked: Found | None, folder: Path, faults: list[str]) -> tuple[Path | None, str]:
    """The file's path and text; one that was asked for has to be there, the usual one need not."""
    if asked is None:
        path = folder / DEFAULT_FILE
        text = _read_if_there(path, str(DEFAULT_FILE), faults)
        return (path if text else None), text
    path = folder / Path(str(asked.value)).expanduser()
    try:
        return path, path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = _why_unreadable(error)
        faults.append(f"config, from {asked.origin}: expected a TOML file, got {asked.value}, which {why}")
        return None, ""


def _parse_toml(text: str, shown: str, faults: list[str]) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"{shown}: expected TOML, got a fault in its form: {error}")
        return {}


def _read_if_there(path: Path, shown: str, faults: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""  # a folder named .env is a virtual environment
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{shown}: expected a readable text file, got one that {_why_unreadable(error)}")
        return ""


def _why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    return f"cannot be read ({error.strerror or type(error).__name__})"
