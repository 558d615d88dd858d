"""`/metrics`: what the tables say at the moment of the question, in Prometheus's words.

Counts come from the rows, so that they are true across restarts and across services that share a database.
Nothing is labelled with what only the source decides, but for the statuses of its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from etl.clock import Clock
from etl.errors import DestinationError
from etl.report.health import Health
from etl.service.totals import ROW_OUTCOMES, Kind, Sums, Totals
from etl.settings import Settings
from etl.standing import read_standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Tables = Callable[[], AbstractContextManager[Connection | None]]


class TablesCollector(Collector):
    """Reads the tables whenever it is asked; without them it says so, and the process's own figures stay."""

    def __init__(self, tables: Tables, settings: Settings, clock: Clock, max_age: timedelta) -> None:
        self._tables = tables
        self._settings = settings
        self._clock = clock
        self._max_age = max_age
        self._totals = Totals()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the database may be away when the service starts."""
        return ()

    def collect(self) -> Iterator[Metric]:
        now = self._clock.now()
        try:
            with self._tables() as connection:
                accounts = read_standing(connection, self._settings, now, self._max_age)
                totals = self._totals.read(connection) if connection is not None else {}
        except DestinationError:
            yield _database_up(up=False)
            return
        yield _database_up(up=True)
        yield from run_metrics(totals)
        yield from account_metrics([health for health in accounts if health.configured], now)


def render_metrics(registry: CollectorRegistry) -> bytes:
    """Everything that is registered, as Prometheus reads it."""
    return generate_latest(registry)


def run_metrics(totals: Mapping[Kind, Sums]) -> Iterator[Metric]:
    """Of all runs that have ended."""
    runs = CounterMetricFamily("magpipe_etl_runs", "Runs that ended", labels=("account", "mode", "status"))
    rows = CounterMetricFamily("magpipe_etl_rows", "Rows by what was done", labels=("account", "outcome"))
    sent = CounterMetricFamily("magpipe_etl_run_requests", "Requests of all runs", labels=["account"])
    retries = CounterMetricFamily("magpipe_etl_retries", "Requests that were tried again", labels=["account"])
    refused = CounterMetricFamily("magpipe_etl_rate_limited", "Answers 429", labels=["account"])
    for kind, sums in sorted(totals.items()):
        runs.add_metric(kind, sums.runs)
    for account, sums in sorted(_by_account(totals).items()):
        for outcome in ROW_OUTCOMES:
            rows.add_metric((account, outcome), sums.of[outcome])
        for metric, name in ((sent, "requests"), (retries, "retries"), (refused, "rate_limited")):
            metric.add_metric([account], sums.of[name])
    return iter((runs, rows, sent, retries, refused))


def account_metrics(accounts: Iterable[Health], now: datetime) -> Iterator[Metric]:
    """Of each configured account, as it stands; what is not known is left out."""
    gauges = {name: GaugeMetricFamily(name, meaning, labels=labels) for name, meaning, labels in _GAUGES}
    for health in accounts:
        for name, labels, value in _values(health, now):
            gauges[name].add_metric((health.facts.account, *labels), value)
    return iter(gauges.values())


_GAUGES = (
    ("magpipe_etl_batches", "Batches in the table, by whether the source has them", ("account", "state")),
    ("magpipe_etl_fresh", "1 while the last complete sync is young enough", ("account",)),
    ("magpipe_etl_last_complete_age_seconds", "Since the last complete sync ended", ("account",)),
    ("magpipe_etl_oldest_proof_age_seconds", "No number in the table is older", ("account",)),
    ("magpipe_etl_failing_runs", "Syncs in a row that were not complete", ("account",)),
    ("magpipe_etl_quarantined", "What is set aside, rows and single fields", ("account", "what")),
    ("magpipe_etl_drift", "Fields and statuses that this version does not know", ("account",)),
    ("magpipe_etl_deletes_held", "Batches gone that the guard keeps from being marked", ("account",)),
    ("magpipe_etl_quota_requests", "Requests that the quota allows in the window", ("account", "window")),
    ("magpipe_etl_quota_left_requests", "Of these, those not sent yet", ("account", "window")),
)


def _values(health: Health, now: datetime) -> Iterator[tuple[str, tuple[str, ...], float]]:
    facts = health.facts
    yield "magpipe_etl_batches", ("live",), facts.rows
    yield "magpipe_etl_batches", ("deleted",), facts.deleted
    yield "magpipe_etl_fresh", (), not health.stale
    if health.age is not None:
        yield "magpipe_etl_last_complete_age_seconds", (), health.age.total_seconds()
    if health.oldest_proof_at is not None:
        age = max((now - health.oldest_proof_at).total_seconds(), 0.0)
        yield "magpipe_etl_oldest_proof_age_seconds", (), age
    yield "magpipe_etl_failing_runs", (), facts.failing.count if facts.failing else 0
    yield "magpipe_etl_quarantined", ("rows",), facts.rows_set_aside
    yield "magpipe_etl_quarantined", ("fields",), facts.fields_set_aside
    yield "magpipe_etl_drift", (), len(facts.drift)
    yield "magpipe_etl_deletes_held", (), facts.deletes_held
    for window in health.quota.windows if health.quota else ():
        span = f"{window.seconds:g}s"
        yield "magpipe_etl_quota_requests", (span,), window.most
        yield "magpipe_etl_quota_left_requests", (span,), max(window.most - window.used, 0)


def _by_account(totals: Mapping[Kind, Sums]) -> dict[str, Sums]:
    accounts: dict[str, Sums] = {}
    for kind, sums in totals.items():
        accounts[kind.account] = accounts[kind.account] + sums if kind.account in accounts else sums
    return accounts


def _database_up(*, up: bool) -> Metric:
    return GaugeMetricFamily("magpipe_etl_database_up", "1 while the database can be read", value=up)
