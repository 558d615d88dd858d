from __future__ import annotations

import pytest

from etl.transform.values import DEEPEST, Unreadable, describe, find_fault, printable_name, read_json


def nested(levels: int, innermost: object = 1) -> object:
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":[1,2.5,"x",true,null,{}]}', {"a": [1, 2.5, "x", True, None, {}]}),
        ('"😀 تذكير"'.encode(), "😀 تذكير"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1,"a":NaN,"a":2}', {"a": 2}),
        (b'"tab\there\nand\x00there"', "tab\there\nand\0there"),
        (b'"a\xffb"', "a\udcffb"),
        (b'"\\ud800"', "\ud800"),
        (b"[NaN,Infinity,-Infinity]", [Unreadable("NaN"), Unreadable("Infinity"), Unreadable("-Infinity")]),
        (b"1e999", Unreadable("a number beyond the range of floating point")),
        (b"-1e999", Unreadable("a number beyond the range of floating point")),
        (b"[NaN,9223372036854775808]", [Unreadable("NaN"), 2**63]),
        (b"[NaN,-9223372036854775808,1.5]", [Unreadable("NaN"), -(2**63), 1.5]),
        (b"9" * 5000, Unreadable("an integer beyond 64 bits")),
        (b"-" + b"9" * 5000, Unreadable("an integer beyond 64 bits")),
        (b'["NaN \\"]",NaN]', ['NaN "]', Unreadable("NaN")]),
    ],
)
def test_json_is_read_as_far_as_it_can_be(data: bytes, value: object) -> None:
    assert read_json(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1',
        b'{"a":1}}',
        b'"cut',
        b"[1,]",
        b"{1:2}",
        b'"\\x"',
        b"nan",
        b"\xef\xbb\xbf{}",
        b"\xff",
    ]
    + [mark * 2000 for mark in (b"[", b"]", b'{"a":', b'["', b'[{"a":"\\"')],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the message is the parser's own
        read_json(data)


@pytest.mark.parametrize("levels", [DEEPEST + 1, 200, 2000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"]":', b"}")])
def test_a_value_of_any_depth_is_read_and_seen_as_too_deep(
    levels: int, opening: bytes, closing: bytes
) -> None:
    deep = opening * levels + b"1" + closing * levels
    row = read_json(b'{"before":"[[","deep":' + deep + b',"after":["}"]}')
    assert isinstance(row, dict)
    assert (row["before"], row["after"]) == ("[[", ["}"])
    assert find_fault(row["deep"]) == "a value nested deeper than 64 levels"


def test_two_deep_values_beside_each_other_are_both_cut() -> None:
    deep = b"[" * 3000 + b"]" * 3000
    row = read_json(b'{"a":' + deep + b',"b":5,"c":[[' + deep + b"],[" + deep + b"]]}")
    assert isinstance(row, dict)
    assert row["b"] == 5
    assert [find_fault(row[name]) is None for name in "abc"] == [False, True, False]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**63 - 1,
        -(2**63),
        1.5,
        1e308,
        "",
        "\x01\x7f\u2028😀\ufffe",
        [],
        {},
        {"a": [{"b": None}]},
    ],
)
def test_a_value_that_databases_store_has_no_fault(value: object) -> None:
    assert find_fault(value) is None


def test_the_deepest_level_is_stored_and_the_next_is_not() -> None:
    assert find_fault(nested(DEEPEST)) is None
    assert find_fault(nested(DEEPEST + 1)) == "a value nested deeper than 64 levels"


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("a string with a NUL character", "a\0b"),
        ("a string that is not valid Unicode", "a\ud800"),
        ("an integer beyond 64 bits", 2**63),
        ("an integer beyond 64 bits", -(2**63) - 1),
        ("NaN", Unreadable("NaN")),
    ],
)
def test_a_fault_is_found_wherever_it_stands(fault: str, value: object) -> None:
    assert find_fault(value) == fault
    assert find_fault({"fine": 1, "deep": [0, {"x": [value]}]}) == fault
    if isinstance(value, str):
        assert find_fault({"fine": {value: 1}}) == fault


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no value"),
        (True, "a boolean"),
        (5, "an integer"),
        (5.0, "a floating-point number"),
        ("Ms Example", "a string of 10 characters"),
        ([1], "a list"),
        ({"a": 1}, "an object"),
        (["\0"], "a string with a NUL character"),
    ],
)
def test_a_value_is_described_by_its_type_or_its_fault(value: object, words: str) -> None:
    assert describe(value) == words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("voice_model", "voice_model"),
        ("größe 😀", "größe 😀"),
        ("a\0b", "a\\x00b"),
        ("a\ud800", "a\\ud800"),
        ("line\nbreak", "line\\nbreak"),
        ("", ""),
        ("x" * 5000, "x" * 100),
    ],
)
def test_the_name_of_a_field_can_be_printed_and_stored_whatever_it_is(name: str, shown: str) -> None:
    assert printable_name(name) == shown
