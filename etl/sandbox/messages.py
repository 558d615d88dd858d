"""Requests and responses as values, and what a connection may do to a response on its way.

No socket here: the server carries a `Response` out over TCP, tests turn it into what a client would see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

JSON = "application/json"
HTML = "text/html; charset=utf-8"
_PIECES = 10


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names in lower case. Its representation shows no header, so no key."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""


class Wire(StrEnum):
    """How a response travels."""

    WHOLE = "whole"
    RESET = "reset"  # the connection is reset before a byte of the answer
    DROP = "drop"  # the connection is closed in order, without a byte of the answer
    CUT = "cut"  # the connection is closed in mid-body, short of the Content-Length that was announced
    DRIBBLE = "dribble"  # the body comes in pieces, with a pause before each


@dataclass(frozen=True, slots=True)
class Response:
    """An answer and how it travels; `delay_seconds` pass before anything of it does."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    delay_seconds: float = 0.0
    wire: Wire = Wire.WHOLE
    pause_seconds: float = 0.0  # before each piece of a dribble

    def pieces(self) -> list[bytes]:
        """The parts of the body that reach the client, in order."""
        if self.wire is Wire.CUT:
            return [self.body[: len(self.body) // 2]]
        if self.wire is Wire.DRIBBLE:
            size = len(self.body) // _PIECES + 1
            return [self.body[start : start + size] for start in range(0, len(self.body), size)]
        return [self.body]
