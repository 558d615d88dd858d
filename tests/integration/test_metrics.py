"""What Prometheus is told: from the rows, the same whoever wrote them, and true after a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, insert, select

from etl.engine import reading, writing
from etl.errors import DestinationError
from etl.model import RunStatus
from etl.sandbox import SandboxOptions
from etl.service.meters import Meters
from etl.service.metrics import TablesCollector, render_metrics
from etl.service.pacer import Pacer
from etl.service.reading import Reading
from etl.service.timing import Every
from etl.service.totals import Kind, Totals
from etl.tables import sync_runs

from support.databases import Database
from support.documents import table
from support.outages import away
from support.pipeline import Pipeline

HOUR = timedelta(hours=1)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=60, accounts=("acme", "globex")), max_attempts=1)


class Scraper:
    """Asks as Prometheus does."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.registry = CollectorRegistry()
        tables = Reading(pipeline.database.engine).tables
        collector = TablesCollector(tables, pipeline.settings, pipeline.clock, HOUR)
        self.registry.register(collector)

    def scrape(self) -> dict[tuple[str, ...], float]:
        """Every sample by its name and the values of its labels."""
        text = render_metrics(self.registry).decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


def test_runs_rows_and_requests_are_those_of_the_tables(pipeline: Pipeline) -> None:
    first = pipeline.sync_all()
    pipeline.sandbox.faults.next("bad_gateway")
    failed = pipeline.sync_all(accounts=["acme"])
    samples = Scraper(pipeline).scrape()
    assert samples["magpipe_etl_runs_total", "acme", "full", "succeeded"] == 1
    assert samples["magpipe_etl_runs_total", "acme", "full", "failed"] == 1
    assert samples["magpipe_etl_runs_total", "globex", "full", "succeeded"] == 1
    assert samples["magpipe_etl_rows_total", "acme", "inserted"] == 60
    sent = first[0].requests + failed[0].requests
    assert samples["magpipe_etl_run_requests_total", "acme"] == sent


def test_what_is_seen_of_an_account_is_as_it_stands(pipeline: Pipeline) -> None:
    pipeline.sync_all(accounts=["acme"])
    pipeline.truth.create(total_recipients="many")
    pipeline.truth.create(extra={"colour": "red"})
    pipeline.sync_all(accounts=["acme"])
    pipeline.clock.pass_time(90)
    samples = Scraper(pipeline).scrape()
    assert samples["magpipe_etl_database_up",] == 1
    assert samples["magpipe_etl_batches", "acme", "live"] == 61
    assert samples["magpipe_etl_fresh", "acme"] == 1
    assert samples["magpipe_etl_fresh", "globex"] == 0
    assert 90 <= samples["magpipe_etl_last_complete_age_seconds", "acme"] < 120
    assert 90 <= samples["magpipe_etl_oldest_proof_age_seconds", "acme"] < 120
    assert ("magpipe_etl_last_complete_age_seconds", "globex") not in samples
    assert samples["magpipe_etl_quarantined", "acme", "rows"] == 1
    assert samples["magpipe_etl_drift", "acme"] == 1
    spent = sum(run["requests"] for run in pipeline.runs())
    most = pipeline.settings.requests_per_hour
    assert samples["magpipe_etl_quota_requests", "acme", "3600s"] == most
    assert samples["magpipe_etl_quota_left_requests", "acme", "3600s"] == most - spent


def test_a_counter_goes_on_and_counts_each_run_once(pipeline: Pipeline) -> None:
    scraper = Scraper(pipeline)
    counts = []
    for _ in range(3):
        pipeline.sync_all(accounts=["acme"])
        counts.append(scraper.scrape()["magpipe_etl_runs_total", "acme", "full", "succeeded"])
        assert scraper.scrape() == Scraper(pipeline).scrape()
    assert counts == [1, 2, 3]


def test_a_run_that_is_under_way_counts_when_it_has_ended(pipeline: Pipeline) -> None:
    totals, engine = Totals(), pipeline.database.engine
    pipeline.sync_all(accounts=["acme"])
    run = pipeline.run()
    pipeline.sync_all(accounts=["globex"])

    def runs() -> dict[Kind, int]:
        with reading(engine) as connection:
            return {kind: sums.runs for kind, sums in totals.read(connection).items()}

    done = {Kind("acme", "full", "succeeded"): 1, Kind("globex", "full", "succeeded"): 1}
    assert runs() == runs() == done
    run.finish()
    assert runs() == runs() == {**done, Kind("acme", "full", "succeeded"): 2}


def test_an_older_copy_of_the_database_starts_the_sums_anew(pipeline: Pipeline) -> None:
    totals, engine = Totals(), pipeline.database.engine
    for _ in range(2):
        pipeline.sync_all(accounts=["acme"])
    with reading(engine) as connection:
        assert totals.read(connection)[Kind("acme", "full", "succeeded")].runs == 2
    newest = max(run["run_id"] for run in pipeline.runs())
    pipeline.change(sync_runs.delete().where(sync_runs.c.run_id == newest))
    with reading(engine) as connection:
        assert totals.read(connection)[Kind("acme", "full", "succeeded")].runs == 1


def test_without_the_database_the_process_s_own_figures_are_left(pipeline: Pipeline) -> None:
    scraper = Scraper(pipeline)
    meters = Meters(scraper.registry)
    meters.heard("acme", 200, 0.1)
    with away(pipeline.database):
        samples = scraper.scrape()
    assert samples["magpipe_etl_database_up",] == 0
    assert samples["magpipe_etl_requests_total", "acme", "200"] == 1
    assert not [name for name, *_ in samples if name.startswith("magpipe_etl_runs")]


def test_before_the_first_sync_there_is_nothing_to_count(empty_database: Database) -> None:
    samples = Scraper(Pipeline(empty_database)).scrape()
    assert samples["magpipe_etl_database_up",] == 1
    assert samples["magpipe_etl_fresh", "default"] == 0


def test_every_metric_is_explained(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    scraper = Scraper(pipeline)
    meters = Meters(scraper.registry)
    meters.heard("acme", 200, 0.1)
    text = render_metrics(scraper.registry).decode()
    types = re.findall(r"^# TYPE (magpipe_etl_\w+) ", text, re.MULTILINE)
    found = {name.removesuffix("_created").removesuffix("_total") for name in types}
    told = {name for row in table("docs/operations.md", "Metrics") for name in re.findall(r"`(\w+)`", row[0])}
    assert found == told


@contextmanager
def crowded(reading_: Reading, count: int) -> Iterator[None]:
    """So many are reading already."""
    held = [reading_.tables() for _ in range(count)]
    for each in held:
        each.__enter__()
    try:
        yield
    finally:
        for each in held:
            each.__exit__(None, None, None)


def test_a_database_that_keeps_others_waiting_does_not_keep_all_waiting(pipeline: Pipeline) -> None:
    reading_ = Reading(pipeline.database.engine, patience_seconds=0.01)
    with crowded(reading_, 2), pytest.raises(DestinationError, match="busy"), reading_.tables():
        pass
    with reading_.tables() as connection:
        assert connection is not None


def add_run(connection: Connection, pipeline: Pipeline, requests: int) -> None:
    newest = dict(
        connection.execute(select(sync_runs).order_by(sync_runs.c.run_id.desc())).mappings().first() or {}
    )
    del newest["run_id"]
    connection.execute(insert(sync_runs).values(**newest | {"requests": requests}))


def test_the_pace_follows_what_the_tables_tell(pipeline: Pipeline) -> None:
    every = Every(least=timedelta(minutes=1), most=timedelta(minutes=30))
    pacer = Pacer(every, pipeline.database.engine, pipeline.settings)
    for batch in list(pipeline.truth.listed("running")):
        pipeline.truth.finish(batch.id)
    pipeline.sync()
    idle = [pacer.wait_after(pipeline.sync()) for _ in range(3)]
    assert idle == [timedelta(minutes=n) for n in (2, 4, 8)]
    batch = pipeline.truth.listed("completed")[0]
    pipeline.truth.rerun(batch.id)
    pipeline.sync()
    turn = pipeline.sync()
    assert pacer.wait_after(turn) == every.least
    with away(pipeline.database):
        assert pacer.wait_after(turn) == 2 * every.least


def test_the_pace_stays_within_the_quota(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), requests_per_hour=1000)
    every = Every(least=timedelta(seconds=1), most=timedelta(minutes=30))
    summary = pipeline.sync()
    with writing(database.engine) as connection:
        for _ in range(5):
            add_run(connection, pipeline, requests=40)
    wait = Pacer(every, database.engine, pipeline.settings).wait_after(summary)
    assert HOUR / wait * 40 <= 1000


def test_a_run_that_died_is_counted_once_the_next_has_said_so(pipeline: Pipeline) -> None:
    pipeline.run()
    pipeline.sync_all(accounts=["acme"])
    samples = Scraper(pipeline).scrape()
    assert samples["magpipe_etl_runs_total", "acme", "full", RunStatus.ABANDONED] == 1
