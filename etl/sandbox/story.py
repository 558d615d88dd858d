"""How the calls of a batch went: started, made at some pace, ended; or stopped, or run again.

Told up to a moment: a story that has not reached its end by then is a batch that still runs.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

SECONDS_PER_CALL = 95.0


def draw_outcome(rng: random.Random, calls: int, success: float) -> tuple[int, int]:
    """How many of so many calls succeed, and how many fail."""
    spread = (calls * success * (1 - success)) ** 0.5
    completed = min(calls, max(0, round(rng.gauss(calls * success, spread))))
    return completed, calls - completed


class Story:
    """One batch's: so many people to call, so many at a time, with this share of success."""

    __slots__ = ("_concurrency", "_rng", "_success", "_total")

    def __init__(self, rng: random.Random, total: int, concurrency: int, success: float) -> None:
        self._rng = rng
        self._total = total
        self._concurrency = concurrency
        self._success = success

    def tell(self, created_at: datetime, now: datetime) -> dict[str, Any]:
        """From its creation on: the fields in which it shows."""
        rng = self._rng
        send_now = rng.random() < 0.6
        wait_seconds = 1 + 90 * rng.random() if send_now else 600 + 6 * 86400 * rng.random()
        started_at = created_at + timedelta(seconds=wait_seconds)
        planned = {"send_now": send_now, "scheduled_at": None if send_now else _whole_minute(started_at)}
        if started_at > now:
            return {**planned, "status": "scheduled"}
        return {**planned, **self.tell_run(started_at, now)}

    def tell_run(self, started_at: datetime, now: datetime) -> dict[str, Any]:
        """From its start on."""
        pace_seconds = SECONDS_PER_CALL / self._concurrency * (0.6 + 1.9 * self._rng.random())
        ended_at = started_at + timedelta(seconds=self._total * pace_seconds)
        if ended_at > now:
            calls = int((now - started_at).total_seconds() / pace_seconds)
            status = "paused" if self._rng.random() < 0.1 else "running"
            return self._stand(status, calls, started_at, now)
        chance = self._rng.random()
        if chance < 0.05:
            return self._stopped(started_at, ended_at)
        if chance < 0.07:
            return self._run_again(ended_at, now)
        status = "failed" if chance < 0.09 else "completed"
        return {**self._stand(status, self._counted(), started_at, ended_at), "completed_at": ended_at}

    def _stopped(self, started_at: datetime, ended_at: datetime) -> dict[str, Any]:
        share = self._rng.random()
        return self._stand(
            "cancelled", int(self._total * share), started_at, started_at + (ended_at - started_at) * share
        )

    def _run_again(self, ended_at: datetime, now: datetime) -> dict[str, Any]:
        """And then stopped, or still running: the start is newer than the end that is shown."""
        running = self._rng.random() < 0.1
        since = max(ended_at, now - timedelta(minutes=30)) if running else ended_at
        started_at = since + (now - since) * self._rng.random()
        updated_at = now if running else min(now, started_at + timedelta(minutes=10))
        status = "running" if running else "cancelled"
        stand = self._stand(status, self._rng.randint(0, self._total // 3), started_at, updated_at)
        return {**stand, "completed_at": ended_at}

    def _stand(self, status: str, calls: int, started_at: datetime, updated_at: datetime) -> dict[str, Any]:
        completed, failed = draw_outcome(self._rng, calls, self._success)
        return {
            "status": status,
            "completed_count": completed,
            "failed_count": failed,
            "started_at": started_at,
            "updated_at": updated_at,
        }

    def _counted(self) -> int:
        """The calls of a whole run as counted: racing writers lose some, or count some twice."""
        if self._rng.random() < 0.97:
            return self._total
        return max(0, self._total + self._rng.randint(-3, 2))


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
