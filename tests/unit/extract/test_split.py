from __future__ import annotations

import tracemalloc

import pytest

from etl.extract.split import MOST_ROWS, MalformedBodyError, split_rows

# A row that strict JSON refuses: with it in the list, the page is cut the slow way.
ODD = b"NaN"


def slowly(body: bytes) -> list[bytes]:
    """The rows of a page, cut the slow way: with an odd row at the end of the last list."""
    at = body.rindex(b"]")
    *rows, last = split_rows(body[:at] + (b"," if body[:at].rstrip()[-1:] != b"[" else b"") + ODD + body[at:])
    assert last == ODD
    return rows


PAGES = [
    (b'{"batches":[]}', []),
    (b'{"batches":[{"id":"a"},{"id":"b"}]}', [b'{"id":"a"}', b'{"id":"b"}']),
    (b' {\n"batches" :\t[ {"a" : 1} ,\r\n[ 2 ] ] }\n', [b'{"a" : 1}', b"[ 2 ]"]),
    (b'{"batches":[1,"two",null,true,-3.5e+7]}', [b"1", b'"two"', b"null", b"true", b"-3.5e+7"]),
    (b'{"batches":[{"a":{"b":[[],{}]}},[[1],[2]]]}', [b'{"a":{"b":[[],{}]}}', b"[[1],[2]]"]),
    (b'{"batches":[{"a":"]},{["},"[\\"]"]}', [b'{"a":"]},{["}', b'"[\\"]"']),
    (b'{"batches":["\\\\","\\\\\\"","\\u005d"]}', [b'"\\\\"', b'"\\\\\\""', b'"\\u005d"']),
    (b'{"batches":[{"\\"batches\\":[9]":1}]}', [b'{"\\"batches\\":[9]":1}']),
    (b'{"next":null,"batches":[1]}', [b"1"]),
    (b'{"meta":{"batches":[8,9]},"batches":[1]}', [b"1"]),
    (b'{"meta":[{"batches":[8,9]}],"batches":[1]}', [b"1"]),
    (b'{"meta":"batches","batches":[1]}', [b"1"]),
    (b'{"meta":"\\"batches\\":[8,9]","batches":[1]}', [b"1"]),
    (b'{"batches":["batches",{"batches":[8,9]}]}', [b'"batches"', b'{"batches":[8,9]}']),
    (b'{"batches":[8,9],"batches":[1]}', [b"1"]),
    ('{"batches":[{"name":"تذكير 🎉 \u2028"}]}'.encode(), ['{"name":"تذكير 🎉 \u2028"}'.encode()]),
]


@pytest.mark.parametrize(("body", "rows"), PAGES)
def test_rows_come_as_the_bytes_that_were_received(body: bytes, rows: list[bytes]) -> None:
    assert split_rows(body) == rows


@pytest.mark.parametrize(("body", "rows"), PAGES)
def test_the_slow_way_finds_the_same_rows(body: bytes, rows: list[bytes]) -> None:
    assert slowly(body) == rows


@pytest.mark.parametrize(
    "bad",
    [
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"tab\tand\nline"}',
        b'{"a":"\x00"}',
        b'{"a":"\xff\xfe"}',
        b'{"a":01}',
        b'{"a":"\\x"}',
        b'{"a":1e999}',
        b"{'a':1}",
        b"undefined",
        b'{"a" 1}',
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_a_bad_row_costs_no_other(bad: bytes) -> None:
    assert split_rows(b'{"batches":[{"id":"a"},%b,{"id":"b"}]}' % bad) == [b'{"id":"a"}', bad, b'{"id":"b"}']


def test_what_stands_behind_the_list_does_not_matter() -> None:
    assert split_rows(b'{"batches":[1,2]} <!-- served by proxy 7 -->') == [b"1", b"2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"[]",
        b'[{"batches":[1]}]',
        b'"batches"',
        b"<html><body>502 Bad Gateway</body></html>",
        b'\xef\xbb\xbf{"batches":[]}',
    ],
)
def test_a_body_that_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="the body is not a JSON object"):
        split_rows(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"{",
        b'{"error":"Unauthorized"}',
        b'{"data":null,"error":{"message":"boom"}}',
        b'{"batches":null}',
        b'{"batches":{}}',
        b'{"batches":"[]"}',
        b'{"batches"',
        b'{"a":{"batches":[1]}}',
        b'{"Batches":[1]}',
        b'{"a":"batches',
    ],
)
def test_a_body_without_the_list_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="the body holds no list named batches"):
        split_rows(body)


WHOLE = b'{"batches":[{"id":"a","t":"]"},{"id":"b"}]}'


@pytest.mark.parametrize("length", range(len(b'{"batches":['), WHOLE.rindex(b"]")))
def test_a_list_that_is_cut_off_anywhere_is_malformed(length: int) -> None:
    with pytest.raises(MalformedBodyError, match="the body ends in the middle of the list"):
        split_rows(WHOLE[:length])


def test_no_message_repeats_what_a_row_holds() -> None:
    with pytest.raises(MalformedBodyError) as caught:
        split_rows(b'{"batches":[{"name":"Anna Kowalska","caller_id":"+14155550100"')
    assert "Anna" not in str(caught.value)
    assert "+1415" not in str(caught.value)


@pytest.mark.parametrize("start", [b"{", b'{"batches":[', b'{"batches":[{"a":', b'{"a":['])
@pytest.mark.parametrize("filling", [b'"\\', b'\\"', b'"', b"[", b"{", b'"\\"', b'{"'])
def test_hostile_bodies_take_time_in_proportion_to_their_length(start: bytes, filling: bytes) -> None:
    # Of a quadratic search this would be hours; the time-out of the tests says so.
    with pytest.raises(MalformedBodyError):
        split_rows(start + filling * 100_000)


@pytest.mark.parametrize("row", [b"1", b"NaN", b'{"id":"a"}'])
def test_a_page_holds_as_many_rows_as_can_be_asked_for_and_no_more(row: bytes) -> None:
    rows = [row] * MOST_ROWS
    assert len(split_rows(b'{"batches":[%b]}' % b",".join(rows))) == MOST_ROWS
    with pytest.raises(MalformedBodyError, match="more than 100,000 rows"):
        split_rows(b'{"batches":[%b]}' % b",".join([*rows, row]))


def test_rows_of_a_byte_each_do_not_fill_the_memory() -> None:
    body = b'{"batches":[%b1]}' % (b"1," * 2**22)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedBodyError, match="more than 100,000 rows"):
            split_rows(body)
        assert tracemalloc.get_traced_memory()[1] < len(body)
    finally:
        tracemalloc.stop()
