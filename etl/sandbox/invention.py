"""Believable batches, drawn from a seed: what they are called, whom they call, how far they have come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from etl.sandbox import campaigns
from etl.sandbox.batch import Batch
from etl.sandbox.story import Story, draw_outcome

_T = TypeVar("_T")
_WEEKEND = 5


class Inventor:
    """Draws the batches of one user; the same generator, asked in the same order, draws the same ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._user_id = self._new_id()
        # Every agent has its own share of calls that reach their goal.
        self._success = {self._new_id(): rng.uniform(0.72, 0.97) for _ in range(5)}
        self._agent_ids = tuple(self._success)
        self._template_ids = tuple(self._new_id() for _ in range(8))
        self._count = 0

    def instant(self, since: datetime, until: datetime) -> datetime:
        """When somebody might have created a batch: in office hours rather, and more often of late."""
        rng = self._rng
        moment: datetime = since + (until - since) * rng.random() ** 0.7
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if day.weekday() >= _WEEKEND and rng.random() < 0.8:
            day -= timedelta(days=2)
        moment = day + timedelta(seconds=int(rng.triangular(6, 21, 14) * 3600), microseconds=self._fraction())
        return moment if moment <= until else moment - timedelta(days=1)

    def sample(self, instants: Sequence[datetime], count: int) -> list[datetime]:
        """So many different ones of these."""
        return self._rng.sample(instants, count)

    def draft(self, created_at: datetime) -> Batch:
        """A batch that nobody has started."""
        return Batch(**self._brief(created_at))

    def past(self, created_at: datetime, now: datetime) -> Batch:
        """A batch that was created then, as it stands now."""
        fields = self._brief(created_at)
        chance = self._rng.random()
        if chance >= 0.05:
            story = self._story(fields["agent_id"], fields["total_recipients"], fields["max_concurrency"])
            fields.update(story.tell(created_at, now))
        elif chance >= 0.02:
            fields.update(self._series(created_at, now))
        return Batch(**fields)

    def run_of(self, series: Batch, number: int, now: datetime) -> Batch:
        """The next run of a repeating series, just begun."""
        return replace(
            series,
            id=self._new_id(),
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

    def past_run(self, series: Batch, number: int, created_at: datetime, now: datetime) -> Batch:
        """A run that a series once had, as it stands now."""
        run = self.run_of(series, number, created_at)
        story = self._story(run.agent_id, run.total_recipients or 0, run.max_concurrency or 1)
        return replace(run, **story.tell_run(created_at, now))

    def outcome(self, batch: Batch, calls: int) -> tuple[int, int]:
        """How many of so many calls succeed with this batch's agent, and how many fail."""
        return draw_outcome(self._rng, calls, self._success_of(batch.agent_id))

    def _brief(self, created_at: datetime) -> dict[str, Any]:
        """What somebody fills in to create a batch."""
        rng = self._rng
        start, end = self._one_of(campaigns.WINDOWS)
        return {
            "id": self._new_id(),
            "user_id": self._user_id,
            "name": self._name(),
            "caller_id": self._one_of(campaigns.CALLER_IDS),
            "agent_id": self._one_of(self._agent_ids),
            "window_start_time": start,
            "window_end_time": end,
            "window_days": self._one_of(campaigns.WEEKS),
            "max_concurrency": 1 + int(5 * rng.random()),
            "total_recipients": int(rng.triangular(3, 500, 40)),
            "template_id": self._one_of(self._template_ids) if rng.random() < 0.3 else None,
            "purpose": self._one_of(campaigns.PURPOSES),
            "goal": self._one_of(campaigns.GOALS),
            "created_at": created_at,
            "updated_at": created_at,
        }

    def _series(self, created_at: datetime, now: datetime) -> dict[str, Any]:
        rng = self._rng
        end = (created_at + timedelta(days=rng.randint(90, 900))).replace(hour=0, minute=0, second=0)
        ends = rng.random() < 0.4
        over = ends and end <= now
        return {
            "status": "completed" if over else "paused" if rng.random() < 0.1 else "recurring",
            "recurrence_type": self._one_of(campaigns.SERIES),
            "recurrence_interval": rng.randint(1, 3),
            "recurrence_end_date": end.replace(microsecond=0) if ends else None,
            "recurrence_max_runs": self._one_of((None, None, 12, 52)),
            "completed_at": end if over else None,
            "updated_at": end if over else created_at,
        }

    def _story(self, agent_id: str | None, total: int, concurrency: int) -> Story:
        return Story(self._rng, total, concurrency, self._success_of(agent_id))

    def _success_of(self, agent_id: str | None) -> float:
        return self._success.get(agent_id or "", 0.85)

    def _name(self) -> str:
        self._count += 1
        if self._rng.random() < 0.01:
            return self._one_of(campaigns.ODD_TITLES)
        return f"{self._one_of(campaigns.TITLES)} {self._count}"

    def _new_id(self) -> str:
        """A random UUID as Postgres makes them; uuid.UUID takes three times as long."""
        digits = f"{self._rng.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def _fraction(self) -> int:
        """Microseconds: mostly six digits, sometimes three, now and then none."""
        chance = self._rng.random()
        if chance < 0.05:
            return 0
        return self._rng.randrange(1000) * 1000 if chance < 0.2 else self._rng.randrange(1_000_000)

    def _one_of(self, choices: Sequence[_T]) -> _T:
        """As random.choice, which is several times slower."""
        return choices[int(self._rng.random() * len(choices))]
