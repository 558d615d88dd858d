from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etl.extract.split import MalformedBodyError, split_rows

ODD = b"NaN"  # with such a row in it, a page is cut the slow way

awkward = st.text(alphabet='"\\[]{}:, \n\t\0é🎉\u2028abc', max_size=12)
names = st.sampled_from(["batches", '"batches":[', "a"]) | awkward
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | awkward,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
spellings = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])
fragments = st.sampled_from(
    [
        b'"',
        b"\\",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b":",
        b'"batches"',
        b'"batches":[',
        b'{"batches":[',
        b'"\xff"',
        b"1",
        b" ",
    ]
)
anything = st.binary(max_size=60) | st.lists(fragments | st.binary(max_size=3), max_size=30).map(b"".join)


def spell(value: Any, style: tuple[str, str]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=style).encode()


def object_of(members: list[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(json.dumps(name).encode() + b":" + value for name, value in members) + b"}"


@given(
    st.lists(values, max_size=6),
    st.lists(st.tuples(names.filter(lambda name: name != "batches"), values), max_size=2),
    st.lists(st.tuples(names.filter(lambda name: name != "batches"), values), max_size=2),
    spellings,
)
def test_the_fast_and_the_slow_way_cut_a_page_alike(
    rows: list[Any], before: list[tuple[str, Any]], behind: list[tuple[str, Any]], style: tuple[str, str]
) -> None:
    spelled = [spell(row, style) for row in rows]
    head = [(name, spell(value, style)) for name, value in before]
    tail = [(name, spell(value, style)) for name, value in behind]

    def page(elements: list[bytes]) -> bytes:
        return object_of([*head, ("batches", b"[" + style[0].encode().join(elements) + b"]"), *tail])

    assert split_rows(page(spelled)) == spelled
    assert split_rows(page([*spelled, ODD])) == [*spelled, ODD]


@given(st.lists(values, max_size=3), st.lists(values, max_size=3))
def test_of_a_repeated_key_the_last_counts_either_way(first: list[Any], last: list[Any]) -> None:
    style = (",", ":")
    rows = [spell(row, style) for row in last]
    for elements in (rows, [*rows, ODD]):
        body = object_of([("batches", spell(first, style)), ("batches", b"[" + b",".join(elements) + b"]")])
        assert split_rows(body) == elements


@settings(max_examples=500)
@given(anything)
@example(b'{"batches":[')
@example(b"[" * 100_000)
def test_any_bytes_are_rows_or_malformed(body: bytes) -> None:
    try:
        rows = split_rows(body)
    except MalformedBodyError:
        rows = []
    assert all(row and row in body for row in rows)


@settings(max_examples=200)
@given(st.lists(values, min_size=1, max_size=4), st.data())
def test_a_page_that_is_cut_off_is_never_taken_for_a_shorter_list(
    rows: list[Any], data: st.DataObject
) -> None:
    body = msgspec.json.encode({"batches": rows})
    length = data.draw(st.integers(0, len(body) - 3))
    with pytest.raises(MalformedBodyError):
        split_rows(body[:length])
