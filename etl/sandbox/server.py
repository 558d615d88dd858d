"""The source behind a socket of the loopback interface: HTTP/1.1, kept alive, a thread a connection.

It carries out what a `Response` says of its way: late, reset, dropped, cut off, dribbled. When it stops,
nobody waits: open connections are closed and sleepers woken.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from etl.clock import Clock, SystemClock
from etl.errors import SettingsError, StoppedError
from etl.sandbox.messages import Request, Response, Wire
from etl.sandbox.options import SandboxOptions
from etl.sandbox.source import Sandbox

logger = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.02  # how soon the server notices that it is to stop
_TICK_SECONDS = 0.25  # between two ticks of a living world
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: what is unsent is thrown away, RST is sent


class SandboxServer:
    """A source that is up: where it is, and its `sandbox` to look into and to turn."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.port = port

    @property
    def base_url(self) -> str:
        """What MAGPIPE_BASE_URL is to be."""
        return f"http://{_HOST}:{self.port}/functions/v1"

    @property
    def key(self) -> str:
        """The first account's key."""
        return self.sandbox.key

    @property
    def keys(self) -> dict[str, str]:
        """Account by account."""
        return dict(self.sandbox.key_of)


@contextmanager
def serve(
    options: SandboxOptions | None = None,
    *,
    sandbox: Sandbox | None = None,
    now: Callable[[], datetime] | None = None,
) -> Iterator[SandboxServer]:
    """A source on 127.0.0.1 for as long as the block lasts; `sandbox` serves one that a test has prepared.

    Raises SettingsError when the port cannot be had.
    """
    clock = SystemClock()
    options = sandbox.options if sandbox else options or SandboxOptions()
    sandbox = sandbox or Sandbox(options, now=now or clock.now)
    with _listen(sandbox, clock) as listener:
        work: list[Callable[[], None]] = [lambda: listener.serve_forever(_POLL_SECONDS)]
        if options.live:
            work.append(lambda: _live(sandbox, clock, options.speed))
        threads = [threading.Thread(target=each, name="sandbox", daemon=True) for each in work]
        for thread in threads:
            thread.start()
        try:
            yield SandboxServer(sandbox, listener.server_address[1])
        finally:
            clock.stop.set()
            listener.shutdown()
            listener.close_connections()
            for thread in threads:
                thread.join()


def _listen(sandbox: Sandbox, clock: Clock) -> _Listener:
    port = sandbox.options.port
    try:
        return _Listener(sandbox, clock)
    except OSError as error:
        why = error.strerror or error
        raise SettingsError([f"port is {port}: expected a free one, or 0 for any; {why}"]) from error


def _live(sandbox: Sandbox, clock: Clock, speed: float) -> None:
    """Let the world live as fast as is asked, however long a tick takes, until the server stops."""
    last = clock.monotonic()
    with suppress(StoppedError):
        while True:
            clock.sleep(_TICK_SECONDS)
            passed, last = clock.monotonic() - last, clock.monotonic()
            sandbox.world.tick(passed * speed)


class _Listener(socketserver.ThreadingTCPServer):
    """Takes connections. Not http.server's, which asks the DNS for the host's name when it starts."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self._connections: set[socket.socket] = set()
        super().__init__((_HOST, sandbox.options.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().close_request(request)

    def close_connections(self) -> None:
        """Wake the threads that wait for a client's next request."""
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that went away is its own affair; anything else is a bug of the sandbox."""
        error = sys.exception()
        if not isinstance(error, OSError):
            logger.error("sandbox.failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and a small body leave together

    def _exchange(self) -> None:
        """Read a request, answer it."""
        listener = cast(_Listener, self.server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        response = listener.sandbox.answer(Request(self.command, self.path, headers, body))
        try:
            self._send(response, listener.clock)
        except (ConnectionError, StoppedError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _exchange  # noqa: N815

    def _send(self, response: Response, clock: Clock) -> None:
        if response.delay_seconds:
            clock.sleep(response.delay_seconds)
        self.close_connection = self.close_connection or response.wire in {Wire.RESET, Wire.DROP, Wire.CUT}
        if response.wire is Wire.RESET:
            self._reset()
        elif response.wire is not Wire.DROP:
            self._send_head(response)
            self._send_body(response, clock)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self.connection.close()

    def _send_head(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()

    def _send_body(self, response: Response, clock: Clock) -> None:
        for piece in response.pieces():
            if response.pause_seconds:
                self.wfile.flush()
                clock.sleep(response.pause_seconds)
            self.wfile.write(piece)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the journal has it, and a request's line is no place for what may be secret."""
