"""Where the service listens: read from a flag, and what it means for who can see it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from etl.settings.values import is_loopback

_FORM = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?(?P<port>[0-9]{1,5})")
_LOOPBACK = "127.0.0.1"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host, as a socket takes it, and a port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def names(self) -> frozenset[str] | None:
        """By what host names it may be asked for; None for any.

        Who listens to this machine alone is asked for by its own names: under another one, a page of the web
        could reach it through the browser of whoever reads that page.
        """
        return _LOOPBACK_NAMES | {_bracketed(self.host)} if self.is_loopback else None

    @property
    def exposes(self) -> str | None:
        """What others than this machine can see there; None where they cannot."""
        if self.is_loopback:
            return None
        return (
            "the names and figures of all campaigns, to whoever can reach this address: there is no password"
        )

    @property
    def url(self) -> str:
        return f"http://{_bracketed(self.host)}:{self.port}/"


def parse_address(text: str) -> Address:
    """`HOST:PORT`, or a port of this machine alone; ValueError says what is expected."""
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found["port"]) > 65_535:
        raise ValueError("expected HOST:PORT such as 127.0.0.1:8787, or none")
    host = (found["host"] or _LOOPBACK).strip("[]")
    return Address(host=host, port=int(found["port"]))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
