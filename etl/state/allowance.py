"""Whether a request may be sent, decided from what was sent and what the source has told. Pure.

Two rules hold side by side. The windows are ours: a request counts until a whole window has passed since the
source must have counted it, so that no delay on the way brings two of them nearer to each other. The other is
the source's own word of what remains. An answer is sure about the requests that were answered before its own
was sent, and about no other: what remains is held between the two numbers that this leaves possible.

Once the source's window is over, nobody knows what it takes now: one request is sent, and its answer tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from etl.settings import Settings

# How soon to look again when any answer may change what is known.
_POLL_SECONDS = 0.05
# Resets that are told this near to each other are one: the source may round them.
_SAME_RESET = timedelta(seconds=2)
# After a refusal that does not say for how long: doubled for each that follows, so that the second outlasts
# the minute in which the source counts.
_BACKOFF_SECONDS = 20.0
_LONGEST_BACKOFF_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """At most so many requests in any span of so many seconds."""

    most: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What may be sent with one key; of what the source allows, others get the rest of the share."""

    windows: tuple[Window, ...]
    share: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        allowed = ((settings.requests_per_minute, 60.0), (settings.requests_per_hour, 3600.0))
        share = settings.quota_share
        windows = tuple(Window(most=share_of(most, share), seconds=seconds) for most, seconds in allowed)
        return cls(windows=windows, share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the record of requests says at one instant."""

    under_way: int  # not answered yet
    counted_at: tuple[
        datetime | None, ...
    ]  # for each window, of its `most`-th last request; None: so far fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The requests besides the one that was answered."""

    under_way: int  # not answered yet
    overlapping: int  # these, and those that were answered after it was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one answer says of the quota; None where it is silent."""

    remaining: int | None = None
    limit: int | None = None
    resets_at: datetime | None = None
    wait_until: datetime | None = None
    refused: bool = False  # it is a 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is known of the source's side: one row of `sync_budget`."""

    told_remaining: int | None = None  # less one for each request since; None: the source says nothing
    told_limit: int | None = None
    resets_at: datetime | None = None
    spent: int = 0
    not_before: datetime | None = None
    refusals: int = 0


def share_of(requests: int, share: float) -> int:
    """A share of so many requests, rounded down, but never nothing."""
    return max(1, math.floor(requests * share + 1e-9))  # 100 * 0.29 is a little less than 29


def wait_seconds(allowance: Allowance, sent: Sent, quota: Quota, now: datetime) -> float:
    """After how long to ask again; 0 when a request may be sent now."""
    return max(0.0, *_waits(allowance, sent, quota, now))


def count_one(allowance: Allowance) -> Allowance:
    """A request is sent."""
    if allowance.told_remaining is None:
        return allowance
    remaining = max(0, allowance.told_remaining - 1)
    return replace(allowance, told_remaining=remaining, spent=allowance.spent + 1)


def hear(allowance: Allowance, told: Told, others: Others, now: datetime) -> Allowance:
    """A request is answered."""
    if told.refused:
        return _hear_refusal(allowance, told, now)
    not_before = max(filter(None, (allowance.not_before, told.wait_until)), default=None)
    allowance = replace(allowance, not_before=not_before, refusals=0)
    if told.remaining is None or told.resets_at is None:
        return _forget(allowance) if _is_over(allowance, now) else allowance
    return _hear_remaining(allowance, told.remaining, told.resets_at, told.limit, others, now)


def _waits(allowance: Allowance, sent: Sent, quota: Quota, now: datetime) -> Iterator[float]:
    yield _seconds_until(allowance.not_before, now)
    for window, counted_at in zip(quota.windows, sent.counted_at, strict=True):
        if counted_at is not None:  # one under way is counted now at the earliest
            yield window.seconds - max(0.0, (now - counted_at).total_seconds())
    if _is_used_up(allowance, quota):
        yield _POLL_SECONDS if sent.under_way else _seconds_until(allowance.resets_at, now)


def _is_used_up(allowance: Allowance, quota: Quota) -> bool:
    if allowance.told_remaining is None:
        return False
    is_shared = quota.share < 1 and allowance.told_limit is not None
    is_share_spent = is_shared and allowance.spent >= share_of(allowance.told_limit or 0, quota.share)
    return allowance.told_remaining <= 0 or is_share_spent


def _is_over(allowance: Allowance, now: datetime) -> bool:
    return allowance.resets_at is not None and now >= allowance.resets_at


def _forget(allowance: Allowance) -> Allowance:
    """The source has stopped to say what remains."""
    return Allowance(not_before=allowance.not_before, refusals=allowance.refusals)


def _hear_remaining(
    allowance: Allowance,
    remaining: int,
    resets_at: datetime,
    limit: int | None,
    others: Others,
    now: datetime,
) -> Allowance:
    lowest = max(0, remaining - others.overlapping)
    highest = max(0, remaining - others.under_way)
    held = min(max(allowance.told_remaining or 0, lowest), highest)
    is_new = (
        allowance.resets_at is None
        or _is_over(allowance, now)
        or resets_at > allowance.resets_at + _SAME_RESET
    )
    if not is_new and held == allowance.told_remaining:
        return allowance
    return replace(
        allowance,
        told_remaining=held,
        told_limit=limit,
        resets_at=resets_at,
        spent=1 + others.under_way if is_new else allowance.spent,
    )


def _hear_refusal(allowance: Allowance, told: Told, now: datetime) -> Allowance:
    """Nobody sends before the source's window is over, and then one alone asks.

    Several requests may be refused at once: they are one refusal.
    """
    is_first = _seconds_until(allowance.not_before, now) == 0
    refusals = allowance.refusals + is_first
    backoff = min(_BACKOFF_SECONDS * 2 ** min(refusals - 1, 10), _LONGEST_BACKOFF_SECONDS)
    until = told.wait_until or told.resets_at or now + timedelta(seconds=backoff)
    if allowance.not_before is not None:
        until = max(until, allowance.not_before)
    return replace(
        allowance,
        told_remaining=0,
        told_limit=told.limit or allowance.told_limit,
        resets_at=until,
        not_before=until,
        refusals=refusals,
    )


def _seconds_until(instant: datetime | None, now: datetime) -> float:
    return max(0.0, (instant - now).total_seconds()) if instant is not None else 0.0
