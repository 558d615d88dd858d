"""The connections below the client: how they are made, and for how long at most anybody waits on one.

A time-out of httpx is one wait for more bytes. Headers that come a byte at a time, or interim answers
without end, would be waited for again and again; so every wait is cut here to what is left of the
exchange's own time. And a connection on which more came than the answer is not used again: the rest would
pass for the next answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore
import httpx

from etl.clock import Clock
from etl.errors import SettingsError, TransientSourceError
from etl.version import USER_AGENT

if TYPE_CHECKING:
    from etl.model import Secret
    from etl.settings import Settings

_CONNECT_SECONDS = 10.0


class Deadline:
    """By when the exchange that this thread is at must be over. Any number of threads may use one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of_thread = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is done in the block may take so long."""
        self._of_thread.ends = self._clock.monotonic() + seconds
        try:
            yield
        finally:
            del self._of_thread.ends

    def check(self) -> None:
        """Raise TransientSourceError when the time is over."""
        self.cut(None)

    def cut(self, timeout: float | None) -> float | None:
        """The time-out of one wait; raises TransientSourceError when there is no time left for any."""
        ends: float | None = getattr(self._of_thread, "ends", None)
        if ends is None:
            return timeout
        left = ends - self._clock.monotonic()
        if left <= 0:
            raise TransientSourceError("the source sends its answer too slowly")
        return left if timeout is None else min(left, timeout)


def open_http(
    settings: Settings, key: Secret, deadline: Deadline, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """A client that speaks with that key; raises SettingsError for proxies or certificates of no use."""
    try:
        http = httpx.Client(
            transport=transport,
            # No proxy stands between this machine and itself.
            trust_env=not _is_loopback(settings.base_url),
            timeout=httpx.Timeout(settings.timeout_seconds, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=settings.fetch_ahead),
            event_hooks={"response": [_forget_location]},
            headers={
                "Authorization": f"Bearer {key.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": USER_AGENT,
            },
        )
    except OSError:
        fault = (
            "SSL_CERT_FILE: expected a file of certificates in PEM form, got one that cannot be read as such"
        )
        raise SettingsError([fault], hint="name your company's certificates, or unset it") from None
    except (httpx.InvalidURL, ImportError, ValueError):
        # The variables hold passwords: none of what they say is repeated.
        fault = (
            "HTTPS_PROXY, ALL_PROXY, NO_PROXY: expected http://HOST:PORT and names of hosts, got another form"
        )
        raise SettingsError([fault], hint="mend them, or unset them if there is no proxy") from None
    _guard_connections(http, deadline)
    return http


def _forget_location(response: httpx.Response) -> None:
    """No redirect is followed, so none is read: httpx raises errors of many kinds over one that is no URL."""
    response.headers.pop("location", None)


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _guard_connections(http: httpx.Client, deadline: Deadline) -> None:
    """httpcore takes a backend of one's own, but httpx, which knows the proxies, does not pass one on."""
    for transport in (http._transport, *http._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Backend(pool, deadline)


class _Backend(httpcore.NetworkBackend):
    """Connects as the pool's own one does, to streams that are guarded."""

    def __init__(self, pool: httpcore.ConnectionPool, deadline: Deadline) -> None:
        self._within = pool._network_backend
        self._pool = pool
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        stream = self._within.connect_tcp(host, port, self._deadline.cut(timeout), *arguments, **options)
        return _Stream(stream, self._pool, self._deadline)


class _Stream(httpcore.NetworkStream):
    """One connection of the pool, on which nothing is awaited past the deadline."""

    def __init__(
        self, within: httpcore.NetworkStream, pool: httpcore.ConnectionPool, deadline: Deadline
    ) -> None:
        self._within = within
        self._pool = pool
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._within.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._within.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._within.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._within.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return _Stream(stream, self._pool, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """An idle connection that is readable is one that the pool throws away."""
        if info == "is_readable" and self._has_surplus():
            return True
        return self._within.get_extra_info(info)

    def _has_surplus(self) -> bool:
        """Whether bytes came behind the last answer; they are the parser's by now, not the socket's."""
        inner = (getattr(connection, "_connection", None) for connection in self._pool.connections)
        own = next((each for each in inner if getattr(each, "_network_stream", None) is self), None)
        parser = getattr(own, "_h11_state", None)
        return parser is not None and parser.trailing_data[0] != b""
