from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.errors import (
    KeyRefusedError,
    PermanentSourceError,
    RateLimitedError,
    SourceError,
    TransientSourceError,
)
from etl.extract.answers import Answer, Reaction, react_to, read_answer
from etl.extract.page import Page
from etl.extract.walk import Read

NOW = datetime(2024, 2, 15, 9, 30, tzinfo=UTC)
READ = Read(offset=40, limit=20)
KEY = "mgp_" + "0123456789" * 4
ROWS = b'{"batches":[{"id":"a","created_at":null}]}'


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Page:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_answer(Answer(status=status, headers=given, body=body), READ, NOW)


def refuse(status: int, body: bytes = b"", **headers: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        answer(status, body, **headers)
    return caught.value


TABLE = {
    Reaction.TAKE: [200, 201],
    Reaction.TRY_AGAIN: [202, 204, 206, 408, 425, 500, 501, 502, 503, 504, 520, 522, 524, 529, 599],
    Reaction.TRY_KEY_AGAIN: [401],
    Reaction.WAIT: [429],
    Reaction.STOP: [
        300,
        301,
        302,
        303,
        304,
        307,
        308,
        400,
        402,
        403,
        404,
        405,
        406,
        409,
        410,
        413,
        415,
        422,
        451,
    ],
}


@pytest.mark.parametrize(
    ("status", "reaction"),
    [(status, reaction) for reaction, statuses in TABLE.items() for status in statuses],
)
def test_each_status_has_its_reaction(status: int, reaction: Reaction) -> None:
    assert react_to(status) is reaction


@pytest.mark.parametrize("status", range(200, 600))
def test_every_answer_is_a_page_or_an_error_of_the_source(status: int) -> None:
    try:
        assert answer(status, ROWS).length == 1
        assert status in TABLE[Reaction.TAKE]
    except SourceError as error:
        assert type(error) in {  # noqa: PT017 - one of the two is to be
            TransientSourceError,
            PermanentSourceError,
            KeyRefusedError,
            RateLimitedError,
        }
        assert str(status) in str(error)  # noqa: PT017


def test_a_page_stands_where_it_was_asked_for() -> None:
    page = answer(200, ROWS)
    assert (page.offset, page.limit, page.observed_at) == (40, 20, NOW)
    assert [row.id for row in page.rows] == ["a"]


ERROR_SHAPES = [
    b'{"error":"database is away"}',
    b'{"data":null,"error":{"message":"database is away","code":"PGRST001"}}',
    b'{"error":{"message":"database is away"}}',
]


@pytest.mark.parametrize("body", ERROR_SHAPES)
def test_both_shapes_of_an_error_are_told_in_the_source_s_words(body: bytes) -> None:
    error = refuse(503, body)
    assert isinstance(error, TransientSourceError)
    assert str(error) == "the source answered 503: database is away"


@pytest.mark.parametrize("body", ERROR_SHAPES)
def test_an_error_in_a_200_is_tried_again(body: bytes) -> None:
    error = refuse(200, body)
    assert isinstance(error, TransientSourceError)
    assert str(error) == "the source answered 200 with an error: database is away"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><head><title>502 Bad Gateway</title></head></html>",
        b'{"batches":[{"id":"a"},{"id"',
        b'{"batches":null}',
        b'{"error":null}',
        b'{"error":7}',
        b'{"error":""}',
        b'{"error":{"code":7}}',
        b'{"error":{"message":["a"]}}',
        b'{"error":"\xff"}',
        b"[" * 100_000,
    ],
)
def test_a_200_that_is_no_page_is_tried_again(body: bytes) -> None:
    error = refuse(200, body)
    assert isinstance(error, TransientSourceError)
    assert str(error).startswith("the source answered 200, but the body ")


@pytest.mark.parametrize(
    "body", [b"", b"<html>Service Unavailable</html>", b'{"error":null}', b'{"error":[1]}', b"\xff\xfe"]
)
def test_a_refusal_without_words_is_told_by_its_status(body: bytes) -> None:
    assert str(refuse(503, body)) == "the source answered 503"


@pytest.mark.parametrize(("seconds", "text"), [(7.0, "7"), (90.0, "Thu, 15 Feb 2024 09:31:30 GMT")])
def test_a_fault_that_passes_carries_how_long_the_source_wants_us_to_wait(seconds: float, text: str) -> None:
    error = refuse(503, retry_after=text)
    assert isinstance(error, TransientSourceError)
    assert error.retry_after_seconds == seconds


def test_a_key_that_is_refused_may_be_tried_twice_more_and_tells_what_to_do() -> None:
    error = refuse(401, b'{"error":"Unauthorized"}')
    assert isinstance(error, KeyRefusedError)
    assert error.most_attempts == 3
    assert str(error) == "the source answered 401: Unauthorized"
    assert "key" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "word"), [(400, "MAGPIPE_BASE_URL"), (403, "key"), (404, "MAGPIPE_BASE_URL")]
)
def test_a_refusal_that_stays_tells_what_to_do(status: int, word: str) -> None:
    error = refuse(status)
    assert isinstance(error, PermanentSourceError)
    assert word in (error.hint or "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_where_it_leads_is_not_repeated(status: int) -> None:
    error = refuse(status, location=f"https://thief.example/?key={KEY}")
    assert isinstance(error, PermanentSourceError)
    assert "a redirect: refused" in str(error)
    assert "thief" not in f"{error} {error.hint}"


SESSION = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl-_x"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (f"no such key: {KEY}", "no such key: …"),
        (f"bad header 'Bearer {KEY}'", "bad header '…"),
        (f"bad header bearer   {KEY}.", "bad header …"),
        (f"token {SESSION} has expired", "token … has expired"),
        (f"{KEY} and {SESSION}", "… and …"),
        (f"key={KEY};", "key=…;"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_no_message_repeats_a_key(words: str, shown: str, status: int) -> None:
    error = refuse(status, json.dumps({"error": words}).encode())
    assert str(error).endswith(shown)
    assert KEY not in repr(error)
    assert SESSION not in repr(error)


@pytest.mark.parametrize(
    "odd", ["\x00", "\x1b[31m", "\r\n", "\x7f", "\x85", "\u2028", "\u202e", "\ud83d\ude00\u200b"]
)
def test_no_message_holds_characters_that_move_a_terminal(odd: str) -> None:
    message = str(refuse(500, json.dumps({"error": f"disk{odd}full"}).encode()))
    assert message.isprintable()
    assert message.startswith("the source answered 500: disk")
    assert message.endswith("full")


def test_a_message_of_the_source_is_cut_where_it_gets_long() -> None:
    message = str(refuse(500, json.dumps({"error": "x" * 10_000}).encode()))
    assert message == "the source answered 500: " + "x" * 200
