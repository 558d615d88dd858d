"""An hour of a service against a source that lives, fails and counts requests, in a few seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from etl.model import RunStatus, RunSummary
from etl.sandbox import QuotaOptions, SandboxOptions
from etl.sandbox.faults import QUICK_KINDS
from etl.service.messenger import Messenger
from etl.service.meters import Meters
from etl.service.notices import Notice
from etl.service.pacer import Pacer
from etl.service.timing import Every
from etl.service.turns import Turns
from etl.service.watch import Watch
from etl.tables import incidents

from support.databases import Database
from support.pipeline import Pipeline

EVERY = Every(least=timedelta(minutes=5), most=timedelta(minutes=12))
HOUR = timedelta(hours=1)


class Deaf:
    """Takes every notice."""

    name = "deaf"

    def send(self, _notice: Notice) -> None: ...


class Course:
    """Takes each account's turn when it is due by the pace, and lets the source live in between."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.summaries: list[RunSummary] = []
        clock, engine, settings = pipeline.clock, pipeline.database.engine, pipeline.settings
        meters = Meters(CollectorRegistry())
        self._turns = Turns(
            engine,
            settings,
            clock=clock,
            meters=meters,
            timeout=2 * HOUR,
            transport=pipeline.transport,
        )
        self._pacer = Pacer(EVERY, engine, settings)
        messenger = Messenger([Deaf()], clock)
        self._watch = Watch(
            engine, settings, self._turns, messenger, clock=clock, max_age=HOUR / 4, faults={}
        )
        self._due = {account.name: clock.now() for account in settings.accounts}
        self._lived_until = clock.now()

    def run_until(self, end: datetime) -> None:
        while (due := min(self._due.values())) < end:
            name = min(self._due, key=lambda each: self._due[each])
            self._pass_until(due)
            self.take(name)

    def take(self, name: str) -> RunSummary:
        [account] = [each for each in self.pipeline.settings.accounts if each.name == name]
        summary = self._turns.take(account)
        self.summaries.append(summary)
        self._due[name] = self.pipeline.clock.now() + self._pacer.wait_after(summary)
        self._watch.look()
        return summary

    def _pass_until(self, moment: datetime) -> None:
        clock = self.pipeline.clock
        clock.pass_time(max(0.0, (moment - clock.now()).total_seconds()))
        self.pipeline.sandbox.world.tick((clock.now() - self._lived_until).total_seconds())
        self._lived_until = clock.now()


def test_an_hour_of_faults_ends_with_the_truth_in_the_table_and_within_the_quota(database: Database) -> None:
    kinds = tuple(
        kind for kind in QUICK_KINDS if kind != "rate_limited"
    )  # that one would be the service's fault
    options = SandboxOptions(
        batches=150,
        cap=80,
        accounts=("acme", "globex"),
        quota=QuotaOptions(),
        fault_rate=0.1,
        fault_kinds=kinds,
        tie_groups=8,
    )
    pipeline = Pipeline(database, options, requests_per_minute=100, requests_per_hour=1000)
    course = Course(pipeline)
    course.run_until(pipeline.clock.now() + HOUR)

    turns = len(course.summaries)
    assert 2 * (HOUR / EVERY.most) <= turns <= 2 * (HOUR / EVERY.least) + 2
    assert sum(summary.rate_limited for summary in course.summaries) == 0
    assert sum(summary.retries for summary in course.summaries) > 0
    assert [summary.error for summary in course.summaries if "a bug" in str(summary.error)] == []

    pipeline.sandbox.faults.clear()
    for account in options.accounts:
        assert course.take(account).status is RunStatus.SUCCEEDED
        assert pipeline.differences(account) == []
    assert [row["kind"] for row in pipeline.read(incidents) if row["closed_at"] is None] == []
