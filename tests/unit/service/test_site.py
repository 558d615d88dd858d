"""What every answer has, whatever page it is and however it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from etl.service.site import HEADERS, Answer, Site, json_answer, text_answer


def broken() -> Answer:
    raise RuntimeError("mgp_secret")


SITE = Site(
    {"/": lambda: text_answer(HTTPStatus.OK, "figures"), "/broken": broken}, names={"localhost", "[::1]"}
)


def ask(path: str, method: str = "GET", host: str = "localhost:8787") -> tuple[str, dict[str, str], bytes]:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host}
    setup_testing_defaults(environ)
    told: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        told.extend((status, dict(headers)))

    body: Iterable[bytes] = SITE(environ, start)
    return told[0], told[1], b"".join(body)


@pytest.mark.parametrize(
    ("path", "method", "host"),
    [
        ("/", "GET", "localhost"),
        ("/none", "GET", "localhost"),
        ("/", "POST", "localhost"),
        ("/", "GET", "a.b"),
    ],
)
def test_every_answer_keeps_a_browser_on_a_short_leash(path: str, method: str, host: str) -> None:
    _, headers, body = ask(path, method, host)
    assert headers.items() >= dict(HEADERS).items()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["Content-Length"] == str(len(body))


def test_a_page_is_answered_with_what_it_is() -> None:
    status, headers, body = ask("/")
    assert (status, headers["Content-Type"], body) == ("200 OK", "text/plain; charset=utf-8", b"figures\n")


def test_the_head_of_a_page_is_its_answer_without_the_body() -> None:
    status, headers, body = ask("/", "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", "8", b"")


def test_what_is_not_there_is_told_with_what_is() -> None:
    status, _, body = ask("/nowhere")
    assert status == "404 Not Found"
    assert b"/broken" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    status, headers, _ = ask("/", method)
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8787", "localhost.evil.example:8787", "127.0.0.2"]
)
def test_a_name_of_somebody_else_is_not_served(host: str) -> None:
    assert ask("/", host=host)[0] == "421 Misdirected Request"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8787", "[::1]", "[::1]:8787", ""])
def test_its_own_names_are_served_with_a_port_and_without(host: str) -> None:
    assert ask("/", host=host)[0] == "200 OK"


def test_a_page_that_fails_tells_the_log_why_and_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status, _, body = ask("/broken")
    assert status == "500 Internal Server Error"
    assert b"secret" not in body
    assert [record.getMessage() for record in caplog.records] == ["page.failed path=/broken"]


def test_a_document_is_json() -> None:
    answer = json_answer(HTTPStatus.OK, {"ready": True})
    assert (answer.content_type, answer.body) == ("application/json", b'{\n  "ready": true\n}\n')
