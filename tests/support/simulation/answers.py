"""What can befall an answer on its way: each fault by name, as httpx would show it to its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.utils import format_datetime
from random import Random

import httpx

from support.simulation.moments import START, Moments

KINDS = (
    "text error",
    "documented error",
    "bad gateway",
    "unavailable",
    "error in 200",
    "html in 200",
    "cut json",
    "cut body",
    "unauthorized",
    "request timeout",
    "too early",
    "rate limited",
    "reset",
    "drop",
    "refused",
    "hang",
    "slow",
    "false empty",
    "encoded",
    "bad request",
    "redirect",
)
HARMLESS = tuple(kind for kind in KINDS if kind not in ("bad request", "redirect", "unauthorized"))
EMPTY = b'{"batches":[]}'
_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n"
_PLAIN: Mapping[str, tuple[int, bytes]] = {
    "text error": (500, b'{"error":"Internal server error"}'),
    "documented error": (500, b'{"data":null,"error":{"message":"Internal","code":"internal_error"}}'),
    "bad gateway": (502, _HTML),
    "unavailable": (503, _HTML),
    "error in 200": (200, b'{"error":"canceling statement due to statement timeout"}'),
    "html in 200": (200, _HTML),
    "unauthorized": (401, b'{"error":"Unauthorized"}'),
    "request timeout": (408, b'{"error":"Request Timeout"}'),
    "too early": (425, b""),
    "bad request": (400, b'{"error":"Unknown action: list"}'),
    "redirect": (307, b""),
    "false empty": (200, EMPTY),
}


class _CutBody(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def respond(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def befall(kind: str, body: bytes, *, rng: Random, moments: Moments, timeout: float) -> httpx.Response:
    """The answer as it arrives, or the error that arrives instead."""
    if kind in _PLAIN:
        status, plain = _PLAIN[kind]
        return respond(plain, status)
    return _ODD[kind](body, rng, moments, timeout)


def _cut_json(body: bytes, *_: object) -> httpx.Response:
    return respond(body[: len(body) // 2])


def _cut_body(body: bytes, *_: object) -> httpx.Response:
    return httpx.Response(200, stream=_CutBody(body))


def _encoded(body: bytes, *_: object) -> httpx.Response:
    return respond(body, headers={"Content-Encoding": "gzip"})


def _rate_limited(_body: bytes, rng: Random, moments: Moments, _timeout: float) -> httpx.Response:
    wait = rng.choice((1, 7, 60))
    reset = int(START.timestamp() + moments.now / 1_000_000) + wait
    told = rng.choice(
        (
            {},
            {"Retry-After": str(wait)},
            {"Retry-After": format_datetime(moments.instant.replace(microsecond=0), usegmt=True)},
            {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)},
        )
    )
    return respond(b'{"error":"Rate limit exceeded"}', 429, told)


def _slow(body: bytes, rng: Random, moments: Moments, timeout: float) -> httpx.Response:
    moments.pass_time(rng.uniform(0, timeout))
    return respond(body)


def _hang(_body: bytes, _rng: Random, moments: Moments, timeout: float) -> httpx.Response:
    moments.pass_time(timeout)
    raise httpx.ReadTimeout("The read operation timed out")


def _reset(*_: object) -> httpx.Response:
    raise httpx.ReadError("[Errno 104] Connection reset by peer")


def _drop(*_: object) -> httpx.Response:
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")


def _refused(*_: object) -> httpx.Response:
    raise httpx.ConnectError("[Errno 111] Connection refused")


_ODD: Mapping[str, Callable[[bytes, Random, Moments, float], httpx.Response]] = {
    "cut json": _cut_json,
    "cut body": _cut_body,
    "encoded": _encoded,
    "rate limited": _rate_limited,
    "slow": _slow,
    "hang": _hang,
    "reset": _reset,
    "drop": _drop,
    "refused": _refused,
}
