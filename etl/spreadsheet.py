"""Cells that a spreadsheet cannot take for formulas.

A campaign's name is whatever somebody typed, or sent; a spreadsheet that opens a file runs what begins like
a formula.
"""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A telephone number, or a number: it can do nothing, and others who read the file want it as it is.
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[ .][0-9]+)*")


def inert(value: object) -> object:
    """The value, a text that would be taken for a formula with an apostrophe before it."""
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_FORMULA) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"
