"""What the headers of an answer say about the source's patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# An `X-RateLimit-Reset` above this many seconds is an instant since 1970, below it a delay.
_LONGEST_DELAY_SECONDS = 10_000_000
# No quota is counted over a longer time: a reset beyond it is misread, a wait beyond it serves nobody.
_LONGEST_WAIT_SECONDS = 86_400.0


# Clocks that differ by no more are taken for one. A Date lacks a second more, as it is cut to whole ones.
_ONE_CLOCK = timedelta(seconds=1)
# A fraction of a second that is nearer to a whole one than this may belong to the other side of it.
_NEAR_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits as told by one answer; None where it is silent or cannot be meant.

    Seconds count from that answer on. By `reset_seconds` the source's window is certain to be over.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    retry_after_seconds: float | None = None


def read_limits(headers: Mapping[str, str], now: datetime, sent_at: datetime | None = None) -> Limits:
    """Read `X-RateLimit-*` and `Retry-After`; `headers` has lower-case names, `now` is when they were read.

    Where our clock and the source's `Date` disagree, instants are held against the `Date`.
    """
    sent_at = sent_at or now
    date = _parse_date(headers.get("date"))
    is_one_clock = date is None or sent_at - 2 * _ONE_CLOCK <= date <= now + _ONE_CLOCK
    source_now = now if is_one_clock or date is None else date
    limit = _parse_count(headers.get("x-ratelimit-limit"))
    remaining = _parse_count(headers.get("x-ratelimit-remaining"))
    has_opened = is_one_clock and limit is not None and limit - 1 == remaining
    way = (now - sent_at).total_seconds() if has_opened else None
    return Limits(
        limit=limit,
        remaining=remaining,
        reset_seconds=_parse_reset(headers.get("x-ratelimit-reset"), source_now, way),
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


def _parse_reset(text: str | None, source_now: datetime, way: float | None) -> float | None:
    """Seconds until the window is over; `way` is how long the request took, where it opened the window."""
    seconds = _parse_seconds(text)
    if seconds is None:
        return None
    if seconds > _LONGEST_DELAY_SECONDS * 10_000:  # milliseconds since 1970
        seconds /= 1000
    is_whole = seconds.is_integer()
    if seconds < _LONGEST_DELAY_SECONDS:
        seconds += is_whole * _cut_off(None, None)
    else:
        now = source_now.timestamp()
        seconds = max(0.0, seconds + is_whole * _cut_off(now, way) - now)
    return seconds if seconds <= _LONGEST_WAIT_SECONDS else None


def _cut_off(now: float | None, way: float | None) -> float:
    """How much a reset in whole seconds may have been rounded down.

    A window lasts whole seconds, so it ends at the fraction of a second at which it opened; that is known
    where this request has opened it, and did so in no other second than the one in which its answer came.
    """
    if now is not None and way is not None and now % 1 - way >= _NEAR_SECONDS:
        return now % 1
    return 1 + _NEAR_SECONDS


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
