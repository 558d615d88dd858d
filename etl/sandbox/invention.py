"""Believable batches, drawn from a seed: what they are called, whom they call, how far they have come.

A batch of the past is told as a story (created, started, calls made, ended), and its status follows from
where the story is at the moment of telling.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from etl.sandbox import campaigns
from etl.sandbox.batch import Batch

SECONDS_PER_CALL = 95.0
_WEEKEND = 5


class _Agent(NamedTuple):
    id: str
    success: float  # share of the calls that reach their goal


class Inventor:
    """Draws the batches of one user; the same generator, asked in the same order, draws the same ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._user_id = self.new_id()
        self._agents = [_Agent(self.new_id(), rng.uniform(0.72, 0.97)) for _ in range(5)]
        self._templates = [self.new_id() for _ in range(8)]
        self._count = 0

    def new_id(self) -> str:
        """A random UUID as Postgres makes them."""
        digits = f"{self._rng.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def sample(self, instants: Sequence[datetime], count: int) -> list[datetime]:
        """So many different ones of these."""
        return self._rng.sample(instants, count)

    def instant(self, since: datetime, until: datetime) -> datetime:
        """When somebody might have created a batch: in office hours rather, and more often of late."""
        rng = self._rng
        moment: datetime = since + (until - since) * rng.random() ** 0.7
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if day.weekday() >= _WEEKEND and rng.random() < 0.8:
            day -= timedelta(days=2)
        moment = day + timedelta(seconds=int(rng.triangular(6, 21, 14) * 3600), microseconds=self._fraction())
        return moment if moment <= until else moment - timedelta(days=1)

    def draft(self, created_at: datetime | None) -> Batch:
        """A batch that nobody has started."""
        rng = self._rng
        start, end = rng.choice(campaigns.WINDOWS)
        self._count += 1
        return Batch(
            id=self.new_id(),
            user_id=self._user_id,
            name=self._name(),
            caller_id=rng.choice(campaigns.CALLER_IDS),
            agent_id=rng.choice(self._agents).id,
            window_start_time=start,
            window_end_time=end,
            window_days=rng.choice(campaigns.WEEKS),
            max_concurrency=rng.randint(1, 5),
            total_recipients=int(rng.triangular(3, 500, 40)),
            template_id=rng.choice(self._templates) if rng.random() < 0.3 else None,
            purpose=rng.choice(campaigns.PURPOSES),
            goal=rng.choice(campaigns.GOALS),
            created_at=created_at,
            updated_at=created_at,
        )

    def past(self, created_at: datetime, now: datetime) -> Batch:
        """A batch that was created then, as it stands now."""
        batch = self.draft(created_at)
        chance = self._rng.random()
        if chance < 0.02:
            return batch
        if chance < 0.05:
            return replace(batch, **self._series(created_at, now))
        return replace(batch, **self._course(batch, created_at, now))

    def past_run(self, series: Batch, number: int, created_at: datetime, now: datetime) -> Batch:
        """A run that a series once had, as it stands now."""
        run = self.run_of(series, number, created_at)
        return replace(run, **self._run(run, created_at, now))

    def run_of(self, series: Batch, number: int, now: datetime) -> Batch:
        """The next run of a repeating series, just begun."""
        return replace(
            series,
            id=self.new_id(),
            name=f"{series.name} — Run #{number}",
            status="running",
            created_at=now,
            updated_at=now,
            started_at=now,
            completed_at=None,
            recurrence_type="none",
            recurrence_interval=1,
            recurrence_end_date=None,
            recurrence_max_runs=None,
            recurrence_run_count=0,
            parent_batch_id=series.id,
            occurrence_number=number,
        )

    def outcome(self, batch: Batch, calls: int) -> tuple[int, int]:
        """How many of so many calls succeed with this batch's agent, and how many fail."""
        success = next((agent.success for agent in self._agents if agent.id == batch.agent_id), 0.85)
        mean, spread = calls * success, (calls * success * (1 - success)) ** 0.5
        completed = min(calls, max(0, round(self._rng.gauss(mean, spread))))
        return completed, calls - completed

    def _name(self) -> str:
        if self._rng.random() < 0.01:
            return self._rng.choice(campaigns.ODD_TITLES)
        return f"{self._rng.choice(campaigns.TITLES)} {self._count}"

    def _fraction(self) -> int:
        """Microseconds: mostly six digits, sometimes three, now and then none."""
        chance = self._rng.random()
        if chance < 0.05:
            return 0
        return self._rng.randrange(1000) * 1000 if chance < 0.2 else self._rng.randrange(1_000_000)

    def _series(self, created_at: datetime, now: datetime) -> dict[str, Any]:
        rng = self._rng
        interval, ends = rng.randint(1, 3), rng.random() < 0.4
        end = (created_at + timedelta(days=rng.randint(90, 900))).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        over = ends and end <= now
        return {
            "status": "completed" if over else rng.choice(("recurring",) * 9 + ("paused",)),
            "recurrence_type": rng.choice(campaigns.SERIES),
            "recurrence_interval": interval,
            "recurrence_end_date": end if ends else None,
            "recurrence_max_runs": rng.choice((None, None, 12, 52)),
            "completed_at": end if over else None,
            "updated_at": end if over else created_at,
        }

    def _course(self, batch: Batch, created_at: datetime, now: datetime) -> dict[str, Any]:
        """What became of a batch that was meant to run."""
        rng = self._rng
        send_now = rng.random() < 0.6
        waited = timedelta(seconds=rng.uniform(1, 90) if send_now else rng.uniform(600, 6 * 86400))
        planned = {
            "send_now": send_now,
            "scheduled_at": None if send_now else _whole_minute(created_at + waited),
        }
        started_at = created_at + waited
        if started_at > now:
            return {**planned, "status": "scheduled"}
        return {**planned, **self._run(batch, started_at, now)}

    def _run(self, batch: Batch, started_at: datetime, now: datetime) -> dict[str, Any]:
        total = batch.total_recipients or 0
        pace = SECONDS_PER_CALL / (batch.max_concurrency or 1) * self._rng.uniform(0.6, 2.5)
        ended_at = started_at + timedelta(seconds=total * pace)
        if ended_at > now:
            return self._unfinished(batch, started_at, int((now - started_at).total_seconds() / pace), now)
        chance = self._rng.random()
        if chance < 0.05:
            return self._stopped(batch, started_at, ended_at)
        completed, failed = self.outcome(batch, self._attempts(total))
        ended = {
            "status": "failed" if chance < 0.07 else "completed",
            "completed_count": completed,
            "failed_count": failed,
            "started_at": started_at,
            "completed_at": ended_at,
            "updated_at": ended_at,
        }
        return {**ended, **self._second_run(batch, ended_at, now)} if chance > 0.98 else ended

    def _unfinished(self, batch: Batch, started_at: datetime, calls: int, now: datetime) -> dict[str, Any]:
        completed, failed = self.outcome(batch, calls)
        return {
            "status": "paused" if self._rng.random() < 0.1 else "running",
            "completed_count": completed,
            "failed_count": failed,
            "started_at": started_at,
            "updated_at": now,
        }

    def _stopped(self, batch: Batch, started_at: datetime, ended_at: datetime) -> dict[str, Any]:
        share = self._rng.random()
        completed, failed = self.outcome(batch, int((batch.total_recipients or 0) * share))
        return {
            "status": "cancelled",
            "completed_count": completed,
            "failed_count": failed,
            "started_at": started_at,
            "updated_at": started_at + (ended_at - started_at) * share,
        }

    def _second_run(self, batch: Batch, ended_at: datetime, now: datetime) -> dict[str, Any]:
        """It was run again and stopped, or still runs: the start is newer than the end that is shown."""
        rng = self._rng
        running = rng.random() < 0.1
        since = max(ended_at, now - timedelta(minutes=30)) if running else ended_at
        started_at = since + (now - since) * rng.random()
        completed, failed = self.outcome(batch, rng.randint(0, (batch.total_recipients or 0) // 3))
        return {
            "status": "running" if running else "cancelled",
            "completed_count": completed,
            "failed_count": failed,
            "started_at": started_at,
            "updated_at": now if running else min(now, started_at + timedelta(minutes=10)),
        }

    def _attempts(self, total: int) -> int:
        """The calls that were counted: racing writers lose some, or count some twice."""
        chance = self._rng.random()
        if chance < 0.97:
            return total
        return max(0, total + self._rng.randint(-3, 2))


def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
