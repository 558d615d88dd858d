"""Which campaigns a report is about, and in which zone its days begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Batches that are still at the source, created in `[since, until)`; of all accounts and statuses where
    none is named."""

    accounts: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    zone: tzinfo = UTC

    @property
    def zone_name(self) -> str:
        return str(self.zone)

    def local(self, moment: datetime) -> datetime:
        """The instant as a clock in the report's zone shows it."""
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # in the first or the last hours of all years
            return moment
