"""Cuts the body of an answer into its raw rows without reading them, so that one bad row costs no other.

The fast way lets msgspec find the rows. It refuses a whole page for one NaN, lone surrogate or
control character; then a scan for brackets and strings finds them, whatever stands inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import msgspec

# A string, or one of the marks that matter. A quote that opens no whole string is a mark of its own.
# Possessive quantifiers keep the scan linear on hostile bodies.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(_STRING + rb'|["\[\]{},]', re.DOTALL)
_TOKEN_BUT_COMMA = re.compile(_STRING + rb'|["\[\]{}]', re.DOTALL)


# No page asks for more. Rows of two bytes each would fill sixty times the memory of their body.
MOST_ROWS = 100_000
_MOST_COMMAS = 40 * MOST_ROWS  # that many rows of the usual number of fields, to be split at once


class MalformedBodyError(ValueError):
    """The body is not a whole JSON document with a list of batches; the text says how."""


class _Body(msgspec.Struct):
    batches: list[msgspec.Raw]


_decode_body = msgspec.json.Decoder(_Body).decode


def split_rows(body: bytes) -> list[bytes]:
    """Return the elements of the list under `batches`, each as the bytes received.

    Raises MalformedBodyError when the body is cut off or holds no such list, or one of too many rows.
    """
    rows = list(islice(_split_rows(body), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise MalformedBodyError(f"the body holds more than {MOST_ROWS:,} rows")
    return rows


def _split_rows(body: bytes) -> Iterator[bytes]:
    if len(body) <= _MOST_COMMAS or body.count(b",") <= _MOST_COMMAS:
        with suppress(msgspec.DecodeError, RecursionError):
            return map(bytes, _decode_body(body).batches)
    return _scan_rows(body)


def _scan_rows(body: bytes) -> Iterator[bytes]:
    start = _find_list(body)
    depth = 0
    begun = start
    for token in _TOKEN.finditer(body, start):
        mark = token[0]
        if depth == 0 and mark in b",]":
            if row := body[begun : token.start()].strip():
                yield row
            if mark == b"]":
                return
            begun = token.end()
        elif mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        elif mark == b'"':
            break
    raise MalformedBodyError("the body ends in the middle of the list")


def _find_list(body: bytes) -> int:
    """Return where the list under `batches` of the outermost object begins, behind its bracket.

    Of a repeated key the last counts, as everywhere.
    """
    if not body.lstrip().startswith(b"{"):
        raise MalformedBodyError("the body is not a JSON object")
    found = None
    depth = 0
    for token in _TOKEN_BUT_COMMA.finditer(body):
        mark = token[0]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        elif mark == b'"':  # to look for more would be to look at the rest again for each quote in it
            break
        elif depth == 1 and mark == b'"batches"' and (opening := _LIST_VALUE.match(body, token.end())):
            found = opening.end()
    if found is None:
        raise MalformedBodyError("the body holds no list named batches")
    return found


_LIST_VALUE = re.compile(rb"\s*:\s*\[")
