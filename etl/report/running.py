"""Campaigns that call at this moment: how far they are, and when they end at their pace so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.report.figures import Campaign

_LONGEST_WAIT = timedelta(days=60)  # beyond that, a pace tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One campaign under way; its counts are as of `seen_at`."""

    campaign: Campaign
    seen_at: datetime
    expected_end_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """The campaigns last started, of so many."""

    count: int
    shown: tuple[Running, ...]


def derive_running(campaign: Campaign, seen_at: datetime) -> Running:
    """The campaign with its expected end, where its calls so far tell a pace."""
    return Running(campaign=campaign, seen_at=seen_at, expected_end_at=expect_end(campaign, seen_at))


def expect_end(campaign: Campaign, seen_at: datetime) -> datetime | None:
    """When all recipients would be called at the pace since the start, nights and pauses included."""
    done, total = campaign.tally.attempted, campaign.tally.recipients
    if campaign.started_at is None or not 0 < done < total:
        return None
    spent = seen_at - campaign.started_at
    if spent <= timedelta():
        return None
    seconds = spent.total_seconds() * ((total - done) / done)
    return seen_at + timedelta(seconds=seconds) if seconds < _LONGEST_WAIT.total_seconds() else None
