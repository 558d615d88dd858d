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
# Clocks that differ by no more are taken for one.
_NEAR_SECONDS = 0.1
# What a reset in whole seconds may lack, if it was rounded down; and a little, since clocks differ.
_CUT_OFF_SECONDS = 1 + 2 * _NEAR_SECONDS


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
    is_one_clock = date is None or _is_between(sent_at, date, now)
    source_now = now if is_one_clock or date is None else date
    limit = _parse_count(headers.get("x-ratelimit-limit"))
    remaining = _parse_count(headers.get("x-ratelimit-remaining"))
    has_opened = is_one_clock and limit is not None and limit - 1 == remaining
    fraction = _fraction_of_window(sent_at, now) if has_opened else _CUT_OFF_SECONDS
    return Limits(
        limit=limit,
        remaining=remaining,
        reset_seconds=_parse_reset(headers.get("x-ratelimit-reset"), source_now, fraction),
        retry_after_seconds=_parse_retry_after(headers.get("retry-after"), source_now),
    )


def _is_between(sent_at: datetime, date: datetime, now: datetime) -> bool:
    """Whether it may be by our clock that the source answered: a Date is cut to whole seconds."""
    near = timedelta(seconds=_NEAR_SECONDS)
    return sent_at - timedelta(seconds=1) - near <= date <= now + near


def _fraction_of_window(sent_at: datetime, now: datetime) -> float:
    """The fraction of a second at which the window ends that was opened by a request sent and answered then.

    A window lasts whole seconds, so it ends as it began; when that was is not known where a second ended
    while the request was under way.
    """
    fraction, way = now.timestamp() % 1, (now - sent_at).total_seconds()
    return fraction if fraction - way >= _NEAR_SECONDS else _CUT_OFF_SECONDS


def _parse_count(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) < 19 else None


def _parse_seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _parse_reset(text: str | None, source_now: datetime, fraction: float) -> float | None:
    """Seconds until the window is over; `fraction` is what an instant in whole seconds lacks."""
    seconds = _parse_seconds(text)
    if seconds is None:
        return None
    if seconds > _LONGEST_DELAY_SECONDS * 10_000:  # milliseconds since 1970
        seconds /= 1000
    is_delay = seconds < _LONGEST_DELAY_SECONDS
    if seconds.is_integer():
        seconds += _CUT_OFF_SECONDS if is_delay else fraction
    if not is_delay:
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
