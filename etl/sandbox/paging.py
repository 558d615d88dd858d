"""Which rows `limit` and `offset` mean, odd values included.

Two programs have a say: the server's JavaScript, which adds the two (and so joins strings), and
PostgREST, which reads the sums as a range of positions. Both are followed step by step, since a client
that sends something odd should see here what it would see there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

_INTEGER = re.compile(r"\s*(-?\d+)\s*", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_INTEGER = 10**21  # from here on JavaScript writes an exponent


class Page(NamedTuple):
    """Positions `offset` to `offset + limit`, before the server's cap."""

    offset: int
    limit: int


def parse_page(params: Mapping[str, object]) -> Page | None:
    """The page asked for; None when PostgREST calls the range unsatisfiable."""
    first, count = _javascript(params.get("offset", 0), params.get("limit", 50))
    return _postgrest(_read_integer(first) or 0, _read_integer(count) or 0)


def _javascript(offset: object, limit: object) -> tuple[str, str]:
    """`range(offset, offset + limit - 1)`, which is sent as `offset=from` and `limit=to - from + 1`."""
    to = _number(_add(offset, limit)) - 1
    return _text(offset), _text(to - _number(offset) + 1)


def _postgrest(first: int, count: int) -> Page | None:
    last = first + count - 1
    if last == -1:  # how it recognises `limit=0`, and what some negative offsets look like to it
        return Page(0, 0)
    first = max(0, first)
    return Page(first, last - first + 1) if first <= last else None


def _add(one: object, other: object) -> object:
    """JavaScript's `+`: of two primitive values that are no strings the sum, else the strings joined."""
    if isinstance(one, (str, list, dict)) or isinstance(other, (str, list, dict)):
        return _text(one) + _text(other)
    return _number(one) + _number(other)


def _number(value: object) -> float:
    """JavaScript's `Number(value)`; a whole number stays an int, so that no digit is lost."""
    match value:
        case None:
            return 0
        case bool() | int() | float():
            return value
        case str():
            return _number_of_text(value.strip())
        case list():
            return _number_of_text(_text(value))
        case _:
            return math.nan


def _number_of_text(text: str) -> float:
    """As `_number`; hexadecimal and its like are left out."""
    if not text:
        return 0
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def _text(value: object) -> str:
    """JavaScript's `String(value)`."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case int() | float() if abs(value) < _LONGEST_INTEGER and value == int(value):
            return str(int(value))
        case int() | float():
            return repr(float(value))
        case list():
            return ",".join("" if item is None else _text(item) for item in value)
        case _:
            return value if isinstance(value, str) else "[object Object]"


def _read_integer(text: str) -> int | None:
    """Haskell's reading of an Integer; anything else counts as not given."""
    match = _INTEGER.fullmatch(text)
    return int(match[1]) if match else None
