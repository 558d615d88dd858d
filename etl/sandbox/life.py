"""What happens to an account's batches while time passes: they are created, run, end, are re-run, vanish.

Rates are of a busy small company. Each event goes through the operations that tests call by name, so a
living world can do nothing that a test cannot.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from etl.sandbox.account import SourceAccount
from etl.sandbox.batch import Batch
from etl.sandbox.invention import Inventor
from etl.sandbox.story import SECONDS_PER_CALL

Event = Callable[[SourceAccount, Batch], object]

_CREATED_PER_HOUR = 4.0
_RUNS_OF_SERIES_PER_HOUR = 1.0
# Status of the batch that it befalls, how often in an hour, what.
_EVENTS: tuple[tuple[str, float, Event], ...] = (
    ("draft", 0.5, lambda account, batch: account.start(batch.id)),
    ("running", 0.3, lambda account, batch: account.pause(batch.id)),
    ("running", 0.2, lambda account, batch: account.cancel(batch.id)),
    ("running", 0.1, lambda account, batch: account.finish(batch.id, "failed")),
    ("paused", 0.6, lambda account, batch: account.resume(batch.id)),
    ("completed", 0.5, lambda account, batch: batch.is_series or account.rerun(batch.id)),
    ("cancelled", 0.1, lambda account, batch: batch.is_series or account.rerun(batch.id)),
    ("failed", 0.1, lambda account, batch: account.rerun(batch.id)),
    ("completed", 0.2, lambda account, batch: account.delete(batch.id)),
    ("draft", 0.2, lambda account, batch: account.delete(batch.id)),
    ("draft", 0.3, lambda account, batch: account.change(batch.id, name=f"{batch.name} (edited)")),
)


class Life:
    """Lets one account live; the same seed and the same ticks make the same life."""

    def __init__(
        self, account: SourceAccount, inventor: Inventor, rng: random.Random, now: Callable[[], datetime]
    ) -> None:
        self._account = account
        self._now = now
        self._inventor = inventor
        self._rng = rng
        self._runs: list[str] = []  # of series, and not yet ended; the list does not show them

    def tick(self, seconds: float) -> None:
        """So much time passed."""
        hours = seconds / 3600
        self._start_due()
        self._advance_all(seconds)
        for number in range(self._times(_CREATED_PER_HOUR * hours)):
            self._create(number)
        for _ in range(self._times(_RUNS_OF_SERIES_PER_HOUR * hours)):
            self._spawn_run()
        for status, per_hour, event in _EVENTS:
            for _ in range(self._times(per_hour * hours)):
                if (picked := self._account.pick(self._rng, status)) is not None:
                    event(self._account, picked)

    def _create(self, number: int) -> None:
        """The `number`th of this tick: a microsecond after the one before, lest a long tick makes ties."""
        batch = self._account.create(created_at=self._now() + timedelta(microseconds=number))
        chance = self._rng.random()
        if chance < 0.7:
            self._account.start(batch.id)
        elif chance < 0.9:
            scheduled_at = self._now() + timedelta(minutes=self._rng.randint(5, 600))
            self._account.change(batch.id, status="scheduled", send_now=False, scheduled_at=scheduled_at)

    def _spawn_run(self) -> None:
        if (series := self._account.pick(self._rng, "recurring")) is not None:
            self._runs.append(self._account.spawn_run(series.id).id)

    def _start_due(self) -> None:
        now = self._now()
        for batch in self._account.listed("scheduled"):
            if isinstance(batch.scheduled_at, datetime) and batch.scheduled_at <= now:
                self._account.start(batch.id)

    def _advance_all(self, seconds: float) -> None:
        runs = [run for run_id in self._runs if (run := self._account.get(run_id)) is not None]
        running = [run for run in runs if run.status == "running"]
        for batch in (*self._account.listed("running"), *running):
            self._advance(batch, seconds)
        self._runs = [run.id for run in running]

    def _advance(self, batch: Batch, seconds: float) -> None:
        """Calls end; the batch when all have, or when one of them was lost to a race and nobody waits."""
        rng = self._rng
        left = (batch.total_recipients or 0) - batch.attempted
        calls = self._times((batch.max_concurrency or 1) * seconds / SECONDS_PER_CALL)
        if calls:
            completed, failed = self._inventor.outcome(batch, min(calls, max(left, 0)))
            failed += rng.random() < 0.01
            self._account.progress(batch.id, completed=completed, failed=failed, touch=rng.random() < 0.95)
        if calls >= left - (rng.random() < 0.02):
            self._account.finish(batch.id)

    def _times(self, mean: float) -> int:
        """How often something happens that happens `mean` times on average."""
        whole = int(mean)
        return whole + (self._rng.random() < mean - whole)
