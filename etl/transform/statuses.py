"""The statuses of a batch. The source may add others: they are loaded and reported as drift, not refused."""

from __future__ import annotations

from typing import Final

# A batch of these is expected to change by itself, one of the others by a re-run alone.
LIVE_STATUSES: Final = ("draft", "scheduled", "running", "paused", "recurring")
ENDED_STATUSES: Final = ("completed", "cancelled", "failed")
KNOWN_STATUSES: Final = LIVE_STATUSES + ENDED_STATUSES
