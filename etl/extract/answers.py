"""What each answer of the source means: take it, try again, or stop.

Pure: `read_answer` returns the page, or raises an error whose type is the decision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

import msgspec

from etl.errors import (
    KeyRefusedError,
    PermanentSourceError,
    RateLimitedError,
    SourceError,
    TransientSourceError,
)
from etl.extract.limits import read_limits
from etl.extract.page import Page, read_page
from etl.extract.split import MalformedBodyError
from etl.extract.walk import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)  # customers' values


class Reaction(Enum):
    TAKE = auto()
    TRY_AGAIN = auto()
    TRY_KEY_AGAIN = auto()  # a 401 can be a passing fault of the source's key look-up
    WAIT = auto()  # the quota is used up; the budget knows until when
    STOP = auto()


_REACTIONS = {
    200: Reaction.TAKE,
    201: Reaction.TAKE,
    401: Reaction.TRY_KEY_AGAIN,
    408: Reaction.TRY_AGAIN,
    425: Reaction.TRY_AGAIN,
    429: Reaction.WAIT,
}

_HINTS = {
    400: "the source refuses the request itself; is MAGPIPE_BASE_URL the address of the batch-calls API?",
    403: "the key may not read batches; use the key of a user who can see them",
    404: "nothing is at that address; check MAGPIPE_BASE_URL, which ends with /functions/v1",
}


def react_to(status: int) -> Reaction:
    """The table, with whole classes for what it does not name: 5xx and odd successes pass, others do not."""
    if status in _REACTIONS:
        return _REACTIONS[status]
    return Reaction.TRY_AGAIN if status >= 500 or status < 300 else Reaction.STOP


def read_answer(answer: Answer, read: Read, observed_at: datetime) -> Page:
    """Return the page that answers `read`; raise TransientSourceError or PermanentSourceError otherwise."""
    if react_to(answer.status) is not Reaction.TAKE:
        raise _refusal(answer, observed_at)
    try:
        return read_page(answer.body, offset=read.offset, limit=read.limit, observed_at=observed_at)
    except MalformedBodyError as error:
        said = _source_message(answer.body)
        raise TransientSourceError(
            f"the source answered {answer.status} with an error: {said}"
            if said
            else f"the source answered {answer.status}, but {error}"
        ) from None


def _refusal(answer: Answer, now: datetime) -> SourceError:
    said = _source_message(answer.body)
    message = f"the source answered {answer.status}" + (f": {said}" if said else "")
    reaction = react_to(answer.status)
    if reaction is Reaction.TRY_KEY_AGAIN:
        return KeyRefusedError(
            message,
            hint="the key is wrong or revoked: give this account a valid one (Magpipe: Settings, API keys)",
        )
    if reaction is Reaction.WAIT:
        return RateLimitedError(message)
    if reaction is Reaction.TRY_AGAIN:
        wait = read_limits(answer.headers, now).retry_after_seconds
        return TransientSourceError(message, retry_after_seconds=wait)
    if 300 <= answer.status < 400:
        return PermanentSourceError(
            f"the source answered {answer.status}, a redirect: refused, as it could carry the key elsewhere",
            hint="set MAGPIPE_BASE_URL to the final address",
        )
    return PermanentSourceError(message, hint=_HINTS.get(answer.status))


class _Error(msgspec.Struct):
    error: str | dict[str, object] | None = None


_SECRET = re.compile(r"mgp_\w+|(?i:bearer)\s+\S+|eyJ[\w.-]+")
_LONGEST_MESSAGE = 200


def _source_message(body: bytes) -> str | None:
    """The source's own words, from both shapes of its errors; short, without control characters or keys."""
    try:
        error = msgspec.json.decode(body, type=_Error).error
    except (ValueError, RecursionError):
        return None
    text = error.get("message") if isinstance(error, dict) else error
    if not isinstance(text, str) or not text.strip():
        return None
    printable = "".join(c if c.isprintable() else " " for c in _SECRET.sub("…", text))
    return " ".join(printable.split())[:_LONGEST_MESSAGE]
