"""What a value of a setting may be: one `Kind` for each form, with its bounds and the words for both.

A kind takes the text of a variable, the typed value of the file and the argument of a Python caller alike,
so that a bound holds wherever the value came from.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

T = TypeVar("T")

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DATABASES = ("postgres", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`parse` gives the value or raises ValueError; `show` says what was seen and gives no secret away."""

    expected: str
    parse: Callable[[object], T]
    show: Callable[[object], str] = repr

    def fault(self, name: str, origin: str, seen: object) -> str:
        return f"{name}, from {origin}: expected {self.expected}, got {self.show(seen)}"


def whole_number(least: int, most: int) -> Kind[int]:
    """An integer within bounds, both included."""

    def parse(seen: object) -> int:
        if isinstance(seen, str) and _WHOLE.fullmatch(seen.strip()):
            seen = int(seen)
        if not isinstance(seen, int) or isinstance(seen, bool) or not least <= seen <= most:
            raise ValueError
        return seen

    return Kind(f"a whole number from {least} to {most}", parse)


def number(least: float, most: float) -> Kind[float]:
    """A finite number within bounds, both included."""

    def parse(seen: object) -> float:
        if isinstance(seen, bool) or not isinstance(seen, int | float | str):
            raise ValueError
        value = float(seen)
        if not math.isfinite(value) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(f"a number from {least:g} to {most:g}", parse)


def describe_url(seen: object) -> str:
    """What a URL looks like: whole when it can hold no password, its scheme alone otherwise."""
    if not isinstance(seen, str):
        return repr(seen)
    if not set("@?;=") & set(seen):
        return repr(seen)
    scheme = _SCHEME.match(seen)
    return f"a URL that begins with {scheme[0]!r}" if scheme else "a text that does not begin with a scheme"


def split_url(seen: object) -> SplitResult:
    """The parts of a URL; ValueError for what a client or a driver could read in another way."""
    if not isinstance(seen, str) or not seen.isprintable() or seen != seen.strip():
        raise ValueError
    parts = urlsplit(seen)
    parts.port  # noqa: B018  read for its ValueError
    return parts


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parse_share(seen: object) -> float:
    value = number(0, 1).parse(seen)
    if value == 0:
        raise ValueError
    return value


def _parse_source_url(seen: object) -> str:
    parts = split_url(seen)
    host = parts.hostname or ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if (
        not host
        or " " in parts.geturl()
        or not safe
        or parts.username is not None
        or parts.query
        or parts.fragment
    ):
        raise ValueError
    return parts.geturl().rstrip("/")


def _parse_database_url(seen: object) -> str:
    parts = split_url(seen)
    text = str(seen)
    if text.startswith("sqlite:"):
        in_memory = parts.path in ("/", "/:memory:")  # it would end with the process
        if not text.startswith("sqlite:///") or in_memory or parts.query:
            raise ValueError
    elif parts.scheme not in _DATABASES or "://" not in text or _is_ambiguous(parts):
        raise ValueError
    return text


def _is_ambiguous(parts: SplitResult) -> bool:
    """Whether a password holds a bare '@', '/', '?' or '#'.

    To the driver it goes on behind that sign, to everybody else it ends there: its end would be told as the
    host's name, or pass for what is no secret.
    """
    behind = (parts.path, parts.query, parts.fragment)
    return parts.netloc.count("@") > 1 or bool(parts.fragment) or any("@" in part for part in behind)


def _parse_webhook(seen: object) -> str:
    parts = split_url(seen)
    host = parts.hostname or ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not safe or parts.username is not None or parts.fragment:
        raise ValueError
    return str(seen)


def _show_webhook(seen: object) -> str:
    """Its scheme alone: whoever has the rest can post there."""
    scheme = _SCHEME.match(str(seen))
    return f"a text that begins with {scheme[0]!r}" if scheme else "a text that does not begin with a scheme"


def _parse_command(seen: object) -> str:
    if not isinstance(seen, str) or not seen.isprintable() or not shlex.split(seen):
        raise ValueError
    return seen


def _parse_schema(seen: object) -> str:
    if not isinstance(seen, str) or not _SCHEMA.fullmatch(seen):
        raise ValueError
    return seen


SOURCE_URL = Kind(
    "an https:// URL without user, query or fragment (http:// for a loopback host alone)",
    _parse_source_url,
    describe_url,
)
DATABASE_URL = Kind(
    "sqlite:///FILE, postgres://… or postgresql://…,"
    " a password with %40 for @, %2F for /, %3F for ?, %23 for #",
    _parse_database_url,
    describe_url,
)
SCHEMA_NAME = Kind(
    "at most 63 lower-case letters, digits and underscores, beginning with neither a digit nor pg_",
    _parse_schema,
)
SHARE = Kind("a number above 0 and not above 1", _parse_share)
WEBHOOK_URL = Kind(
    "an https:// URL without user or fragment (http:// for a loopback host alone)",
    _parse_webhook,
    _show_webhook,
)
COMMAND = Kind("a command and its arguments, as a shell would be given them", _parse_command)
