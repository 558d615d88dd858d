"""Sums over campaigns and the rates that follow from them; nothing here reads or asks the time.

A rate over several campaigns is made of their calls, never of their rates: ten calls do not weigh as much
as ten thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Sums over some campaigns; a count that the source leaves out adds nothing."""

    campaigns: int = 0
    recipients: int = 0
    completed: int = 0  # calls that succeeded
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            campaigns=self.campaigns + other.campaigns,
            recipients=self.recipients + other.recipients,
            completed=self.completed + other.completed,
            failed=self.failed + other.failed,
        )

    @property
    def attempted(self) -> int:
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        return self.completed / self.attempted if self.attempted > 0 else None

    @property
    def completion_rate(self) -> float | None:
        return self.attempted / self.recipients if self.recipients > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One batch, as far as the report shows it."""

    account: str
    id: str
    name: str | None
    status: str
    started_at: datetime | None
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Campaigns by success rate, of those with calls enough to judge; none stands on both sides."""

    least_calls: int
    ranked: int
    best: tuple[Campaign, ...]
    worst: tuple[Campaign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """What a reader of the figures has to know: of each, how many."""

    inconsistent: int = 0  # campaigns whose calls are more than their recipients
    without_time: int = 0  # campaigns without created_at, absent from the trend and from any window
    rows_set_aside: int = 0  # not in the table at all, or there as an older version
    fields_set_aside: int = 0  # loaded, one field empty


def derive_ranking(
    best: Sequence[Campaign], worst: Sequence[Campaign], *, least_calls: int, ranked: int
) -> Ranking:
    """Best and worst without the campaigns that a short list would show twice."""
    shown = {(campaign.account, campaign.id) for campaign in best}
    others = tuple(campaign for campaign in worst if (campaign.account, campaign.id) not in shown)
    return Ranking(least_calls=least_calls, ranked=ranked, best=tuple(best), worst=others)
