"""What the headers of an answer say about the source's patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# An `X-RateLimit-Reset` above this many seconds is an instant since 1970, below it a delay.
_LONGEST_DELAY_SECONDS = 10_000_000
# No quota is counted over a longer time: a reset beyond it is misread, a wait beyond it serves nobody.
_LONGEST_WAIT_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits as told by one answer; None where it is silent or cannot be meant.

    Seconds count from that answer on.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after_seconds: float | None = None


def read_limits(headers: Mapping[str, str], now: datetime) -> Limits:
    """Read `X-RateLimit-*` and `Retry-After`; `headers` has lower-case names.

    Instants are held against the answer's own `Date` where it has one, since the two clocks may differ.
    """
    source_now = _parse_date(headers.get("date")) or now
    return Limits(
        limit=_parse_count(headers.get("x-ratelimit-limit")),
        remaining=_parse_count(headers.get("x-ratelimit-remaining")),
        reset_seconds=_parse_reset(headers.get("x-ratelimit-reset"), source_now),
        retry_after_seconds=_parse_retry_after(headers.get("retry-after"), source_now),
    )


def _parse_count(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() and len(text) < 19 else None


def _parse_seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _parse_reset(text: str | None, source_now: datetime) -> float | None:
    seconds = _parse_seconds(text)
    if seconds is None:
        return None
    if seconds > _LONGEST_DELAY_SECONDS * 10_000:  # milliseconds since 1970
        seconds /= 1000
    if seconds >= _LONGEST_DELAY_SECONDS:
        seconds = max(0.0, seconds - source_now.timestamp())
    return seconds if seconds <= _LONGEST_WAIT_SECONDS else None


def _parse_retry_after(text: str | None, source_now: datetime) -> float | None:
    seconds = _parse_seconds(text)
    if seconds is None and (instant := _parse_date(text)) is not None:
        seconds = max(0.0, (instant - source_now).total_seconds())
    return None if seconds is None else min(seconds, _LONGEST_WAIT_SECONDS)


def _parse_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
