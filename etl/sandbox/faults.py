"""What can go wrong with an answer, each by name.

A fault takes the answer as it would have been and returns the one that is sent. `KINDS` holds each with
believable figures; the functions below them take figures of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from etl.sandbox.messages import HTML, JSON, Response, Wire
from etl.sandbox.refusals import documented_body, text_body

Fault = Callable[[Response], Response]


def answer(status: int, body: bytes, content_type: str = JSON, **headers: str) -> Fault:
    """This answer in place of the true one; header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(status, body, {"Content-Type": content_type, **named})
    return lambda _: response


def proxy_page(status: int, title: str) -> Fault:
    """The HTML of a proxy that stands before the server."""
    page = f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>{title}</body>\r\n</html>\r\n"
    return answer(status, page.encode(), HTML)


def redirect(location: str) -> Fault:
    """Somebody sends the client, and its key, elsewhere."""
    return answer(307, b"", HTML, Location=location)


def slow(seconds: float) -> Fault:
    """The true answer, late."""
    return lambda true: replace(true, delay_seconds=true.delay_seconds + seconds)


def hang(seconds: float) -> Fault:
    """Nothing for so long, then the connection is closed."""
    return lambda true: replace(true, delay_seconds=seconds, wire=Wire.DROP)


def dribble(pause_seconds: float) -> Fault:
    """The true answer in pieces, with a pause before each."""
    return lambda true: replace(true, wire=Wire.DRIBBLE, pause_seconds=pause_seconds)


def huge(mebibytes: int) -> Fault:
    """The true answer, followed by so much white space: the same JSON, but too much of it."""
    return lambda true: replace(true, body=true.body + b" " * (mebibytes << 20))


def labelled(content_type: str) -> Fault:
    """The true answer under a wrong name."""
    return lambda true: replace(true, headers={**true.headers, "Content-Type": content_type})


def _reset(true: Response) -> Response:
    return replace(true, wire=Wire.RESET)


def _drop(true: Response) -> Response:
    return replace(true, wire=Wire.DROP)


def _cut_body(true: Response) -> Response:
    return replace(true, wire=Wire.CUT)


def _cut_json(true: Response) -> Response:
    """Half of the answer as if it were all: HTTP is content, the JSON ends in the middle."""
    return replace(true, body=true.body[: len(true.body) // 2])


KINDS: Mapping[str, Fault] = MappingProxyType(
    {
        "internal_error": answer(500, text_body("Internal server error")),
        "documented_error": answer(500, documented_body("Internal server error", "internal_error")),
        "internal_error_html": proxy_page(500, "Internal Server Error"),
        "bad_gateway": proxy_page(502, "Bad Gateway"),
        "unavailable": proxy_page(503, "Service Temporarily Unavailable"),
        "error_in_200": answer(200, text_body("canceling statement due to statement timeout")),
        "html_in_200": proxy_page(200, "Just a moment..."),
        "empty_list": answer(200, b'{"batches":[]}'),
        "cut_json": _cut_json,
        "unauthorized": answer(401, text_body("Unauthorized")),
        "request_timeout": answer(408, text_body("Request Timeout")),
        "too_early": answer(425, text_body("Too Early")),
        "rate_limited": answer(429, text_body("Rate limit exceeded")),
        "reset": _reset,
        "drop": _drop,
        "cut_body": _cut_body,
        "wrong_content_type": labelled("text/plain"),
        "redirect": redirect("/functions/v2/batch-calls"),
        "huge": huge(65),
        "slow": slow(2.0),
        "dribble": dribble(0.2),
        "hang": hang(60.0),
    }
)
# Passing faults that cost no waiting: what `fault_rate` draws from unless told otherwise.
QUICK_KINDS = tuple(
    (
        "internal_error documented_error internal_error_html bad_gateway unavailable error_in_200 "
        "html_in_200 empty_list cut_json unauthorized request_timeout rate_limited reset drop cut_body"
    ).split()
)
