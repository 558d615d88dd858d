"""The statuses of a batch. The source may add others: they are loaded and reported as drift, not refused."""

from __future__ import annotations

from typing import Final

LIVE_STATUSES: Final = ("draft", "scheduled", "running", "paused", "recurring")
ENDED_STATUSES: Final = ("completed", "cancelled", "failed")
KNOWN_STATUSES: Final = LIVE_STATUSES + ENDED_STATUSES


def is_live(status: str) -> bool:
    """Whether a batch of that status is expected to change by itself, rather than by a re-run alone."""
    return status in LIVE_STATUSES
