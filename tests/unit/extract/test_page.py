from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.extract.page import Page, read_page, read_rows
from etl.extract.split import MalformedBodyError
from etl.interval import NEWEST, Interval

from support.pages import at, between, page, read_row

SENT_AT = datetime(2024, 2, 15, 9, 30, tzinfo=UTC)
NINE = "2024-02-15T09:00:00.000Z"


def read(*rows: object, offset: int = 0) -> Page:
    body = json.dumps({"batches": rows}, ensure_ascii=False).encode()
    return read_page(body, offset=offset, limit=50, observed_at=SENT_AT)


def ids(of: Page) -> list[str | None]:
    return [row.id for row in of.rows]


def test_a_row_has_its_id_and_the_place_that_its_created_at_gives_it() -> None:
    row = read_row(b'{"id":"a","created_at":"2024-02-15T10:00:00+01:00","status":"completed"}')
    assert row.id == "a"
    assert row.place == datetime(2024, 2, 15, 9, tzinfo=UTC)


def test_a_row_is_kept_as_it_was_received() -> None:
    raw = b'{ "id" : "a" }'
    assert read_row(raw).raw == raw
    assert read_row(raw).row_hash != read_row(b'{"id":"a"}').row_hash


@pytest.mark.parametrize("raw", [b'{"id":"a","created_at":null}', b'{"id":"a"}'])
def test_a_row_without_created_at_is_newer_than_all(raw: bytes) -> None:
    assert read_row(raw).place == NEWEST


@pytest.mark.parametrize(
    "created_at", ['"infinity"', '"0044-03-15 BC"', '"yesterday"', '""', "7", "[]", "NaN"]
)
def test_a_created_at_that_cannot_be_read_gives_no_place(created_at: str) -> None:
    row = read_row(f'{{"id":"a","created_at":{created_at}}}'.encode())
    assert (row.id, row.place) == ("a", None)


def test_rows_are_read_the_same_whatever_stands_beside_them() -> None:
    usual = b'{"id":"a","created_at":"2024-02-15T09:00:00Z"}'
    beside_nan = read_rows(b'{"batches":[' + usual + b',{"id":"b","rate":NaN}]}')
    beside_text = read_rows(b'{"batches":[' + usual + b',"text"]}')
    assert beside_nan[0] == beside_text[0] == read_row(usual)
    assert [row.id for row in (*beside_nan, *beside_text)] == ["a", "b", "a", None]


@pytest.mark.parametrize("of_id", ["null", "7", '""', '"a\\u0000b"', '"\\ud800"', f'"{"x" * 256}"', "{}"])
def test_an_id_that_no_table_holds_is_none(of_id: str) -> None:
    row = read_row(f'{{"id":{of_id},"created_at":"{NINE}"}}'.encode())
    assert row.id is None
    assert row.place == datetime(2024, 2, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize("raw", [b"null", b"7", b'"a"', b"[]", b"undefined", b"\xff", b"[" * 99 + b"]" * 99])
def test_a_row_that_is_no_object_has_neither_id_nor_place(raw: bytes) -> None:
    row = read_row(raw)
    assert (row.id, row.place) == (None, None)


def test_a_bad_value_elsewhere_in_a_row_costs_neither_id_nor_place() -> None:
    row = read_row(b'{"id":"a","created_at":"2024-02-15T09:00:00Z","rate":NaN,"name":"\\ud800"}')
    assert (row.id, row.place) == ("a", datetime(2024, 2, 15, 9, tzinfo=UTC))


def test_rows_without_an_id_are_told_apart_by_their_bytes() -> None:
    one, other = read_row(b'{"name":"one"}'), read_row(b'{"name":"other"}')
    assert one.identity == one.row_hash
    assert one.identity != other.identity
    assert read_row(b'{"id":"a"}').identity == "a"


def test_a_page_knows_where_it_stands_and_when_it_was_asked_for() -> None:
    found = read({"id": "b", "created_at": NINE}, {"id": "a", "created_at": NINE}, offset=40)
    assert (found.offset, found.limit, found.length, found.end) == (40, 50, 2, 42)
    assert found.observed_at == SENT_AT


def test_a_row_that_a_page_repeats_is_taken_once_and_still_takes_up_room() -> None:
    found = read({"id": "a", "n": 1}, {"id": "b"}, {"id": "a", "n": 2}, {"x": 1}, {"x": 1})
    assert ids(found) == ["a", "b", None]
    assert b'"n": 1' in found.rows[0].raw
    assert found.length == 5


def test_rows_without_created_at_stand_at_the_top_alone() -> None:
    found = read(
        {"id": "c"}, {"id": "bad", "created_at": 7}, {"id": "b"}, {"id": "a", "created_at": NINE}, {"id": "z"}
    )
    assert [row.place for row in found.rows[:3]] == [NEWEST, None, NEWEST]
    assert found.rows[4].id == "z"
    assert found.rows[4].place is None


def test_a_body_without_a_list_is_no_page() -> None:
    with pytest.raises(MalformedBodyError):
        read_page(b'{"error":"boom"}', offset=0, limit=50, observed_at=SENT_AT)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("c3 b2 a1", 2),
        ("d3 c3 b1 a1", 2),
        ("b1 a1", 0),
        ("a1", 0),
        ("b* a*", 0),
        ("b* a1", 1),
        ("c3 x? b2 a1 y?", 3),
    ],
)
def test_a_page_keeps_the_rows_above_those_that_share_its_last_time(words: str, kept: int) -> None:
    assert page(words).kept == kept


@pytest.mark.parametrize(
    ("words", "is_ordered"),
    [("", True), ("a1", True), ("c3 b2 a2", True), ("b* a1", True), ("b1 a2", False), ("c3 x? a4", False)],
)
def test_a_page_is_ordered_when_no_row_is_newer_than_the_one_before(words: str, is_ordered: bool) -> None:
    assert page(words).is_ordered is is_ordered


def test_rows_without_a_place_have_none_among_the_places() -> None:
    assert page("c* x? b2 a1").places == (NEWEST, at(2), at(1))


@pytest.mark.parametrize(
    ("interval", "found"),
    [
        (between(1, 3), "x? c3 b2"),
        (between(3, None), "e* x? d4"),
        (between(None, 1), "x? a1"),
        (between(4, 4), "x?"),
        (Interval(after=NEWEST, upto=None), "x?"),
    ],
)
def test_the_rows_of_an_interval_are_those_inside_and_those_without_a_place(
    interval: Interval, found: str
) -> None:
    inside = page("e* x? d4 c3 b2 a1").rows_in(interval)
    assert [row.id for row in inside] == found.split()
