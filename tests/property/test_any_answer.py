"""Any bytes as an answer: refused as a whole, or cut into rows that are loaded or set aside, and no bug."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.sandbox import Sandbox, SandboxOptions
from etl.transform.fields import SOURCE_COLUMNS

from support.hostile import HOSTILE_TEXTS, NESTED, NUMBERS, TIMES
from support.parsing import NOW, check_answer

SANDBOX = Sandbox(SandboxOptions(batches=5), now=lambda: NOW)
ROWS = [SANDBOX.rows.encode(batch) for batch in SANDBOX.account.listed()]
SPELLED = tuple(each.encode("utf-8", "surrogatepass") for each in (*HOSTILE_TEXTS, *NESTED, *NUMBERS, *TIMES))

marks = st.sampled_from([b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b'{"batches":[', b"]}", b" \t\n"])
fields = st.sampled_from(SOURCE_COLUMNS).map(lambda name: b'"' + name.encode() + b'":')
pieces = marks | fields | st.sampled_from(SPELLED) | st.sampled_from(ROWS) | st.binary(max_size=4)


@settings(max_examples=200)
@given(st.lists(pieces, max_size=12).map(b"".join))
def test_any_answer_is_refused_or_cut_into_rows(body: bytes) -> None:
    check_answer(body)
    check_answer(b'{"batches":[' + body + b"]}")


@settings(max_examples=200)
@given(st.sampled_from(ROWS), st.integers(0, 899), st.integers(0, 40), pieces)
def test_a_row_with_anything_in_the_place_of_a_part_is_loaded_or_set_aside(
    row: bytes, begin: int, length: int, piece: bytes
) -> None:
    check_answer(b'{"batches":[' + row[:begin] + piece + row[begin + length :] + b"]}")


@pytest.mark.parametrize("value", SPELLED, ids=range(len(SPELLED)))
def test_nothing_hostile_is_beyond_the_rules(value: bytes) -> None:
    check_answer(b'{"batches":[' + b",".join([*ROWS, value, *ROWS]) + b"]}")
