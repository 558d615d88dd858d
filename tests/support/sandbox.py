"""httpx over the sandbox, without a socket: faults become what a client would see of a real network.

    client = httpx.Client(transport=SandboxTransport(sandbox))

Nothing waits unless `sleep` is handed in; a delay that is longer than the client's time-out for reads
raises at once, as it would have after that time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from etl.sandbox import Request, Response, Sandbox, Wire
from etl.sandbox.endpoint import PATH


def ask(sandbox: Sandbox, *, key: str | None = None, **params: object) -> Response:
    """One answer, to the first account unless a key is given: `ask(sandbox, action="list", limit=10)`."""
    headers = {"authorization": f"Bearer {key or sandbox.key}"}
    return sandbox.answer(Request("POST", PATH, headers, json.dumps(params).encode()))


def ask_list(sandbox: Sandbox, **params: object) -> list[dict[str, Any]]:
    """The rows of a page."""
    response = ask(sandbox, key=None, **{"action": "list", **params})
    if response.status != 200:
        raise ValueError(f"answered {response.status}, expected 200")
    rows: list[dict[str, Any]] = json.loads(response.body)["batches"]
    return rows


class SandboxTransport(httpx.BaseTransport):
    """Hands requests to a sandbox. Any thread may use it."""

    def __init__(self, sandbox: Sandbox, sleep: Callable[[float], None] = lambda seconds: None) -> None:
        self._sandbox = sandbox
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        timeout: float | None = request.extensions.get("timeout", {}).get("read")
        response = self._sandbox.answer(
            Request(request.method, request.url.raw_path.decode("ascii"), request.headers, request.read())
        )
        self._wait(response.delay_seconds, timeout)
        if response.wire is Wire.RESET:
            raise httpx.ReadError("[Errno 104] Connection reset by peer")
        if response.wire is Wire.DROP:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(
            response.status,
            headers={**response.headers, "Content-Length": str(len(response.body))},
            stream=_Body(response, lambda seconds: self._wait(seconds, timeout)),
        )

    def _wait(self, seconds: float, timeout: float | None) -> None:
        if timeout is not None and seconds >= timeout:
            self._sleep(timeout)
            raise httpx.ReadTimeout("The read operation timed out")
        self._sleep(seconds)


class _Body(httpx.SyncByteStream):
    """The body as it comes in; a client learns in the middle of it that something is wrong."""

    def __init__(self, response: Response, wait: Callable[[float], None]) -> None:
        self._response = response
        self._wait = wait

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for piece in self._response.pieces():
            self._wait(self._response.pause_seconds)
            received += len(piece)
            yield piece
        if received < (expected := len(self._response.body)):
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {received} bytes, expected {expected})"
            )
