"""JSON values from outside: read whatever is written, and told what about them no database can hold.

PostgreSQL refuses a NUL character in text and in jsonb, UTF-8 has no lone surrogates, and neither parser nor
encoder goes to any depth. What is told names types and sizes, never the value: it belongs to a customer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from types import NoneType
from typing import Final

import msgspec

DEEPEST: Final = 64  # levels of nesting; far more than any row needs, far less than any parser's stack
MOST: Final = 2**63 - 1
LEAST: Final = -(2**63)


class Unreadable(msgspec.Struct, frozen=True):
    """Stands where JSON held something that is no value; `seen` says what it was."""

    seen: str


def read_json(data: bytes) -> object:
    """Read one document, strictly if that works, else with tolerance.

    Of a repeated key the last value counts. Tolerated are control characters in strings (taken as they
    are), invalid UTF-8 and lone surrogates (a fault of their strings), NaN and numbers without limit
    (`Unreadable`), and any depth (it stays too deep, without what is in it). Raises ValueError when it
    is no JSON even so.
    """
    try:
        return _decode_strictly(data)
    except (ValueError, RecursionError):
        return _decode_tolerantly(_cut_depth(data.decode("utf-8", "surrogateescape")))


def find_fault(value: object, level: int = 0) -> str | None:
    """Say what keeps a value out of a database, None when nothing does."""
    if isinstance(value, str):
        return _find_text_fault(value)
    if isinstance(value, int):
        return None if LEAST <= value <= MOST else "an integer beyond 64 bits"
    if isinstance(value, Unreadable):
        return value.seen
    if isinstance(value, dict):
        return _find_inner_fault((part for item in value.items() for part in item), level)
    if isinstance(value, list):
        return _find_inner_fault(value, level)
    return None


def describe(value: object) -> str:
    """Name what was seen in the place of a value: its fault, or its type."""
    if fault := find_fault(value):
        return fault
    return f"a string of {len(value)} characters" if isinstance(value, str) else _TYPE_NAMES[type(value)]


def printable_name(name: str) -> str:
    """Make a field's name fit for a log, a key column and UTF-8, whatever the source put into it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name[:_NAME_LENGTH])


_NAME_LENGTH = 100
_TYPE_NAMES = {
    NoneType: "no value",
    bool: "a boolean",
    int: "an integer",
    float: "a floating-point number",
    list: "a list",
    dict: "an object",
}


def _find_text_fault(text: str) -> str | None:
    if "\0" in text:
        return "a string with a NUL character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a string that is not valid Unicode"
    return None


def _find_inner_fault(parts: Iterable[object], level: int) -> str | None:
    if level == DEEPEST:
        return f"a value nested deeper than {DEEPEST} levels"
    return next((fault for part in parts if (fault := find_fault(part, level + 1))), None)


def _read_int(digits: str) -> int | Unreadable:
    """Python refuses to read integers of some thousand digits: look at the length first."""
    return int(digits) if len(digits) <= len(str(LEAST)) else Unreadable("an integer beyond 64 bits")


def _read_float(digits: str) -> float | Unreadable:
    number = float(digits)
    return number if math.isfinite(number) else Unreadable("a number beyond the range of floating point")


_decode_strictly = msgspec.json.Decoder().decode
_decode_tolerantly = json.JSONDecoder(
    strict=False, parse_int=_read_int, parse_float=_read_float, parse_constant=Unreadable
).decode

# A string, whole or cut off, or a bracket. Possessive, so that the scan is linear on hostile rows.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def _cut_depth(text: str) -> str:
    """Empty what lies beyond the deepest level that `find_fault` looks at, so that a parser can follow.

    The brackets in between stay, and with them the fault.
    """
    kept: list[str] = []
    depth = begun = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == DEEPEST + 2:
                kept.append(text[begun : token.end()])
        elif token[0] in "]}":
            if depth == DEEPEST + 2:
                begun = token.start()
            depth -= 1
    if depth < DEEPEST + 2:
        kept.append(text[begun:])
    return "".join(kept)
