"""A source that gives the answers it was told to, one after the other, without a socket.

    source = ScriptedSource(Reply(status=503), httpx.ConnectError("refused"), Reply())

The last answer is given again and again. What was asked is kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

PAGE = b'{"batches":[{"id":"a","created_at":"2024-02-15T09:00:00Z"}]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `pieces` are its body as it arrives, and `takes` is called before each of them."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = (PAGE,)
    takes: Callable[[], None] = lambda: None


class ScriptedSource(httpx.BaseTransport):
    """Any thread may use it."""

    def __init__(self, *script: Reply | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self.pieces_sent = 0
        self.script = script
        self._lock = threading.Lock()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._lock:
            answer = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=_Body(self, answer))


class _Body(httpx.SyncByteStream):
    def __init__(self, source: ScriptedSource, reply: Reply) -> None:
        self._source = source
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._reply.pieces:
            self._reply.takes()
            self._source.pieces_sent += 1
            yield piece
