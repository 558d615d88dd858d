"""Whether a request may be sent, decided from what was sent and what the source has told. Pure.

Two rules hold side by side. The windows are ours: a request counts until a whole window has passed since the
source must have counted it, so that no delay on the way brings two of them nearer to each other. The other is
the source's own word of what remains, the least that any answer of its window has told: what the source has
counted since is under way still, so that less those there is certain to be room.

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
# How much later than it is a reset can seem, besides the way of the answer: it may have been rounded up,
# and is taken for one that was rounded down.
_LATEST_RESET = timedelta(seconds=2.5)
# Of so many requests one may be in vain: too few for a share of a window of the usual size.
_REQUESTS_PER_SPARE = 500
# A refusal is not over at once, whatever it says: the clocks may differ.
_SOON = timedelta(seconds=1)
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

    @property
    def spare(self) -> int:
        """How many requests may be in vain, now and then, if the quota is what is set."""
        return min(window.most for window in self.windows) // _REQUESTS_PER_SPARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the record of requests says at one instant."""

    under_way: int  # not answered yet
    of_window: int  # in the window of which the source speaks, those under way among them
    # For each window, of its `most`-th last request; None where there were fewer.
    counted_at: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A request that is under way no longer."""

    sent_at: datetime
    overlapping: int  # others that were under way at the same time, whether they are answered by now or not


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldWindow:
    """The source's window as one answer tells of it; by `resets_at` it is certain to be over."""

    remaining: int
    limit: int | None
    resets_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one answer says of the quota; None where it is silent."""

    window: ToldWindow | None = None
    wait_until: datetime | None = None
    refused: bool = False  # it is a 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is known of the source's side: one row of `sync_budget`."""

    told_remaining: int | None = None  # the least of its window; None while the source says nothing
    told_limit: int | None = None
    opened_at: datetime | None = None
    resets_at: datetime | None = None
    not_before: datetime | None = None
    refusals: int = 0


def share_of(requests: int, share: float) -> int:
    """A share of so many requests, rounded down, but never nothing."""
    return max(1, math.floor(requests * share + 1e-9))  # 100 * 0.29 is a little less than 29


def wait_seconds(allowance: Allowance, sent: Sent, quota: Quota, now: datetime) -> float:
    """After how long to ask again; 0 when a request may be sent now."""
    return max(0.0, *_waits(allowance, sent, quota, now))


def is_awaited(allowance: Allowance, sent: Sent, quota: Quota) -> bool:
    """Whether nobody sends another before one that is sent now has its answer."""
    with_it = replace(sent, under_way=sent.under_way + 1, of_window=sent.of_window + 1)
    return _is_used_up(allowance, with_it, quota.share)


def hear(allowance: Allowance, told: Told | None, request: Ended, now: datetime) -> Allowance:
    """A request has ended; `told` is None where it got no answer."""
    if told is None:
        return _hear_nothing(allowance)
    if told.refused:
        return _hear_refusal(allowance, told, now)
    not_before = max(filter(None, (allowance.not_before, told.wait_until)), default=None)
    if allowance.refusals and _seconds_until(allowance.not_before, now) > 0:
        # It was let through before the refusal, whenever it is heard of, and tells nothing of what came then.
        return replace(allowance, not_before=not_before)
    allowance = replace(allowance, not_before=not_before, refusals=0)
    if told.window is not None:
        return _hear_window(allowance, told.window, request, now)
    is_over = allowance.resets_at is None or now >= allowance.resets_at
    return _forget(allowance) if is_over else _hear_nothing(allowance)


def _waits(allowance: Allowance, sent: Sent, quota: Quota, now: datetime) -> Iterator[float]:
    yield _seconds_until(allowance.not_before, now)
    for window, counted_at in zip(quota.windows, sent.counted_at, strict=True):
        if counted_at is not None:  # one under way is counted now at the earliest
            yield window.seconds - max(0.0, (now - counted_at).total_seconds())
    if _is_used_up(allowance, sent, quota.share):
        yield _POLL_SECONDS if sent.under_way else _seconds_until(allowance.resets_at, now)


def _is_used_up(allowance: Allowance, sent: Sent, share: float) -> bool:
    if allowance.told_remaining is None:
        return False
    is_share_spent = (
        share < 1
        and allowance.told_limit is not None
        and sent.of_window >= share_of(allowance.told_limit, share)
    )
    return is_share_spent or allowance.told_remaining <= sent.under_way


def _hear_window(allowance: Allowance, told: ToldWindow, request: Ended, now: datetime) -> Allowance:
    remaining, resets_at = allowance.told_remaining, allowance.resets_at
    late = _LATEST_RESET + (now - request.sent_at)
    if remaining is None or resets_at is None:
        return _begin_window(allowance, told, request.sent_at)
    if now >= resets_at or told.resets_at > resets_at + late:
        # What was under way at the same time may be of this window too, counted later, and told of before.
        left = max(0, told.remaining - request.overlapping)
        return _begin_window(allowance, replace(told, remaining=left), request.sent_at)
    # The nearer reset is the better known one, unless the window may have moved on since.
    choose = max if now + late > resets_at else min
    return replace(
        allowance,
        told_remaining=min(told.remaining, remaining),
        resets_at=choose(told.resets_at, resets_at),
    )


def _begin_window(allowance: Allowance, told: ToldWindow, opened_at: datetime) -> Allowance:
    return replace(
        allowance,
        told_remaining=told.remaining,
        told_limit=told.limit,
        opened_at=opened_at,
        resets_at=told.resets_at,
    )


def _hear_nothing(allowance: Allowance) -> Allowance:
    """The source may have counted the request, and has not told."""
    remaining = allowance.told_remaining
    return replace(allowance, told_remaining=max(0, remaining - 1)) if remaining is not None else allowance


def _forget(allowance: Allowance) -> Allowance:
    """The source has stopped to say what remains."""
    return Allowance(not_before=allowance.not_before, refusals=allowance.refusals)


def _hear_refusal(allowance: Allowance, told: Told, now: datetime) -> Allowance:
    """Nobody sends before the source's window is over, and then one alone asks.

    Several requests may be refused at once: they are one refusal.
    """
    is_first = _seconds_until(allowance.not_before, now) == 0
    refusals = allowance.refusals + is_first
    backoff = min(_BACKOFF_SECONDS * 2 ** min(refusals - 1, 10), _LONGEST_BACKOFF_SECONDS)
    resets_at = max(told.window.resets_at, now + _SOON) if told.window else now + timedelta(seconds=backoff)
    until = max(filter(None, (told.wait_until or resets_at, allowance.not_before)))
    return replace(allowance, told_remaining=0, resets_at=until, not_before=until, refusals=refusals)


def _seconds_until(instant: datetime | None, now: datetime) -> float:
    return max(0.0, (instant - now).total_seconds()) if instant is not None else 0.0
