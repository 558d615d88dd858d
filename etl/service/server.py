"""The HTTP server: waitress, which needs nothing else, bounds its threads and drops clients that dawdle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from waitress.server import TcpWSGIServer, create_server

from etl.errors import SettingsError
from etl.service.address import Address

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_THREADS = 4
_STOP_SECONDS = 2.0


@contextmanager
def serving(site: WSGIApplication, address: Address) -> Iterator[Address]:
    """Answer at the address for as long as the block lasts; gives it with the port that it really has.

    Raises SettingsError when the port cannot be had.
    """
    server = create_server(
        site,
        sockets=[_listen(address)],
        threads=_THREADS,
        ident=None,
        channel_timeout=30,
        connection_limit=64,
        max_request_header_size=16 * 1024,
        max_request_body_size=16 * 1024,
        expose_tracebacks=False,
        clear_untrusted_proxy_headers=True,
    )
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    try:
        yield Address(host=address.host, port=int(server.effective_port))
    finally:
        # By the server's own thread, which is using what is closed.
        server.trigger.pull_trigger(lambda: _close(server))
        thread.join(_STOP_SECONDS)
        server.task_dispatcher.shutdown()


def _close(server: TcpWSGIServer) -> None:
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        why = error.strerror or type(error).__name__
        raise SettingsError(
            [f"--listen: expected an address that is free here, got {address.url}: {why}"]
        ) from None
    return listener
