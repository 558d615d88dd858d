"""A line between a client and a sandbox, on real sockets, on which anything may happen.

    with hostile_line(manner) as line:
        line.sandbox = sandbox
        client of line.base_url …

Each answer is handed, as the bytes that were to be sent, to the `Manner` that carries it to the client.
A manner without an end gives up by itself at last; `line.outlasted` tells that a client waited for that.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from etl.sandbox import Request, Sandbox

Manner = Callable[["Line", socket.socket, bytes], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time
PAUSE_SECONDS = 0.02
MOST_SENDS = 1_500  # with a pause each: far longer than any time-out of the tests


class Line:
    """Where it is, and what became of it."""

    def __init__(self, port: int, *, scheme: str) -> None:
        self.base_url = f"{scheme}://127.0.0.1:{port}/functions/v1"
        self.sandbox: Sandbox | None = None
        self.manner: Manner | None = None
        self.requests = 0
        self.bytes_sent = 0
        self.outlasted = False
        self.stopped = threading.Event()

    def send(self, connection: socket.socket, data: bytes) -> None:
        connection.sendall(data)
        self.bytes_sent += len(data)

    def drip(self, connection: socket.socket, data: bytes) -> None:
        """The same bytes again and again."""
        for _ in range(MOST_SENDS):
            self.send(connection, data)
            if self.stopped.wait(PAUSE_SECONDS):
                return
        self.outlasted = True

    def pour(self, connection: socket.socket, data: bytes, mebibytes: int) -> None:
        """So much, as fast as the client takes it."""
        for _ in range((mebibytes << 20) // len(data)):
            self.send(connection, data)
            if self.stopped.is_set():
                return
        self.outlasted = True

    def carry(self, connection: socket.socket) -> None:
        """The requests of one connection, until either end closes it."""
        with connection, suppress(OSError, ValueError), connection.makefile("rb") as received:
            while (request := _read_request(received)) is not None:
                self.requests += 1
                manner = self.manner or whole
                manner(self, connection, self._answer(request))

    def _answer(self, request: Request) -> bytes:
        if self.sandbox is None:
            body, status = b'{"batches":[]}', 200
        else:
            response = self.sandbox.answer(request)
            body, status = response.body, response.status
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def whole(line: Line, connection: socket.socket, answer: bytes) -> None:
    line.send(connection, answer)


def _read_request(received: BinaryIO) -> Request | None:
    first = received.readline()
    if not first.strip():
        return None
    headers: dict[str, str] = {}
    while text := received.readline().strip():
        name, _, value = text.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    method, path, _ = first.decode("latin-1").split(" ", 2)
    body = received.read(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


@contextmanager
def hostile_line(manner: Manner | None = None, *, tls: ssl.SSLContext | None = None) -> Iterator[Line]:
    """A line that is up; everybody who waits on it is gone at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(server.getsockname()[1], scheme="https" if tls else "http")
        line.manner = manner
        accepting = threading.Thread(target=_accept, args=(server, line, tls), daemon=True)
        accepting.start()
        try:
            yield line
        finally:
            line.stopped.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            accepting.join(10)


def _accept(server: socket.socket, line: Line, tls: ssl.SSLContext | None) -> None:
    while not line.stopped.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_take, args=(connection, line, tls), daemon=True).start()


def _take(connection: socket.socket, line: Line, tls: ssl.SSLContext | None) -> None:
    try:
        line.carry(tls.wrap_socket(connection, server_side=True) if tls else connection)
    except OSError:
        connection.close()  # the client did not like the certificate
