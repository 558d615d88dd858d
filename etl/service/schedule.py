"""The schedule: one job for each name, never two of one at once, each on a thread of its own.

A turn that is late, since the one before took long or the machine slept, is made up for once, however many
were missed. What a job raises is a bug of the job: it is expected to tell its failures by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from etl.clock import Clock
from etl.logs import Log
from etl.service.timing import Cron, Timing

log = Log(__name__)

# A job's work, which gives the wait until the next where the job itself chooses it.
Work = Callable[[], timedelta | None]


class Schedule:
    """Jobs by name, started and stopped together. `jitter` spreads what would begin in the same instant."""

    def __init__(self, timing: Timing, *, jobs: int, jitter: timedelta, clock: Clock) -> None:
        self._timing = timing
        self._jitter_seconds = jitter.total_seconds() or None
        self._clock = clock
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(1, jobs))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def add(self, name: str, work: Work) -> None:
        """Do that work at each turn; the first is due at once, unless cron says when."""
        first = {} if isinstance(self._timing, Cron) else {"next_run_time": self._clock.now()}
        self._scheduler.add_job(self._run, self._trigger(), args=(name, work), id=name, name=name, **first)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Begin nothing more; what is under way goes on."""
        self._scheduler.shutdown(wait=False)

    def next_turns(self) -> dict[str, datetime]:
        """By name, when the next turn is due."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs() if job.next_run_time}

    def restart(self) -> None:
        """Somebody has set the clock: what was due by the old one is due by the new one from now on."""
        for job in self._scheduler.get_jobs():
            job.reschedule(self._trigger())

    def _run(self, name: str, work: Work) -> None:
        wait = work()
        if wait is not None and self._scheduler.running:
            self._scheduler.modify_job(name, next_run_time=self._clock.now() + wait)

    def _trigger(self) -> BaseTrigger:
        if isinstance(self._timing, Cron):
            return self._timing.trigger(self._jitter_seconds)
        return IntervalTrigger(
            seconds=self._timing.most.total_seconds(),
            start_date=self._clock.now(),
            timezone=UTC,
            jitter=self._jitter_seconds,
        )
