"""The watch over the accounts: each incident told once, whoever is away or started again meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from etl.engine import writing
from etl.migrate import migrate
from etl.sandbox import SandboxOptions
from etl.service.messenger import Messenger
from etl.service.meters import Meters
from etl.service.notices import Notice
from etl.service.turns import Turns
from etl.service.watch import Watch
from etl.state.incidents import Finding, IncidentKind, News, open_incident
from etl.tables import incidents

from support.clocks import START
from support.databases import Database
from support.outages import away, broken, full_disk
from support.pipeline import Pipeline

MAX_AGE = timedelta(minutes=15)


class Receiver:
    """Hears notices, unless it is away."""

    name = "receiver"

    def __init__(self) -> None:
        self.is_away = False
        self.heard: list[Notice] = []

    def send(self, notice: Notice) -> str | None:
        if self.is_away:
            return "nobody is there"
        self.heard.append(notice)
        return None

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(notice.news.value, notice.kind) for notice in self.heard]


class Service:
    """Turns of the first account and a look after each; another one is the same service started again."""

    def __init__(self, pipeline: Pipeline, receiver: Receiver, faults: dict[str, str] | None = None) -> None:
        self.pipeline = pipeline
        clock, engine, settings = pipeline.clock, pipeline.database.engine, pipeline.settings
        meters = Meters(CollectorRegistry())
        transport = pipeline.transport
        timeout = timedelta(hours=2)
        self.turns = Turns(engine, settings, clock=clock, meters=meters, timeout=timeout, transport=transport)
        messenger = Messenger([receiver], clock)
        self.watch = Watch(
            engine, settings, self.turns, messenger, clock=clock, max_age=MAX_AGE, faults=faults or {}
        )

    def take(self, times: int = 1) -> None:
        """Turns, a minute apart, and what the watch makes of them."""
        for _ in range(times):
            self.pipeline.clock.pass_time(60)
            self.turns.take(self.pipeline.settings.accounts[0])
            self.watch.look()

    def only_look(self, times: int = 1) -> None:
        for _ in range(times):
            self.pipeline.clock.pass_time(60)
            self.watch.look()


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=60), max_attempts=1)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def source_down(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.next(*["bad_gateway"] * 100)


def test_while_all_is_well_nothing_is_said(pipeline: Pipeline, receiver: Receiver) -> None:
    Service(pipeline, receiver).take(20)
    assert receiver.heard == []
    assert pipeline.read(incidents) == []


def test_a_failure_is_told_once_and_its_end_once(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    service.take()
    source_down(pipeline)
    service.take(10)
    assert receiver.told == [("opened", "failing")]
    assert "502" in receiver.heard[0].text
    pipeline.sandbox.faults.clear()
    service.take(3)
    assert receiver.told == [("opened", "failing"), ("closed", "failing")]
    assert receiver.heard[1].text.startswith("default: over after ")


def test_a_restart_in_the_middle_tells_nothing_twice(pipeline: Pipeline, receiver: Receiver) -> None:
    Service(pipeline, receiver).take()
    source_down(pipeline)
    Service(pipeline, receiver).take(3)
    Service(pipeline, receiver).take(3)
    pipeline.sandbox.faults.clear()
    Service(pipeline, receiver).take()
    assert receiver.told == [("opened", "failing"), ("closed", "failing")]


def test_what_happens_again_later_is_another_incident(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    for _ in range(2):
        source_down(pipeline)
        service.take(2)
        pipeline.sandbox.faults.clear()
        service.take(2)
    assert receiver.told == [("opened", "failing"), ("closed", "failing")] * 2
    assert [row["to_tell"] for row in pipeline.read(incidents)] == [None, None]


def test_data_that_gets_old_is_told_though_no_turn_ends(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    service.take()
    service.only_look(30)
    assert receiver.told == [("opened", "stale")]
    service.take()
    assert receiver.told == [("opened", "stale"), ("closed", "stale")]


def test_rows_that_cannot_be_read_are_told_again_when_there_are_twice_as_many(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    service = Service(pipeline, receiver)
    service.take()
    broken = []
    for _ in range(4):
        pipeline.clock.pass_time(1)
        broken.append(pipeline.truth.create(total_recipients="many").id)
        service.take(2)
    assert receiver.told == [("opened", "quarantine"), ("worse", "quarantine"), ("worse", "quarantine")]
    for id_ in broken:
        pipeline.truth.change(id_, total_recipients=3)
    service.take()
    assert receiver.told[3:] == [("closed", "quarantine")]


def test_a_new_field_is_told_once_and_for_all(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    service.take()
    pipeline.truth.create(extra={"colour": "red"})
    service.take(3)
    Service(pipeline, receiver).take(3)
    assert receiver.told == [("opened", "drift")]
    assert "field colour" in receiver.heard[0].text


def test_deletes_that_are_held_back_are_told_and_not_as_a_failure_as_well(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    service = Service(pipeline, receiver)
    service.take()
    for batch in list(pipeline.truth.listed())[:30]:
        pipeline.truth.delete(batch.id)
    service.take(3)
    assert receiver.told == [("opened", "deletes_held")]
    pipeline.sync(allow_deletes=True)
    service.take()
    assert receiver.told == [("opened", "deletes_held"), ("closed", "deletes_held")]


def test_an_account_that_is_left_out_is_told_with_the_mend(pipeline: Pipeline, receiver: Receiver) -> None:
    faults = {"default": "SOME_KEY: expected an API key, got none"}
    service = Service(pipeline, receiver, faults)
    service.only_look(30)
    Service(pipeline, receiver, faults).only_look(30)
    assert receiver.told == [("opened", "left_out")]
    assert "SOME_KEY" in receiver.heard[0].text
    Service(pipeline, receiver).take()
    assert receiver.told == [("opened", "left_out"), ("closed", "left_out")]


def test_a_receiver_that_is_away_gets_what_it_missed_also_from_the_next_service(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    receiver.is_away = True
    source_down(pipeline)
    Service(pipeline, receiver).take(3)
    receiver.is_away = False
    Service(pipeline, receiver).take(2)
    assert receiver.told == [("opened", "failing")]


def test_an_incident_that_nobody_heard_of_before_it_was_over_is_told_as_over(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    receiver.is_away = True
    service = Service(pipeline, receiver)
    source_down(pipeline)
    service.take(2)
    pipeline.sandbox.faults.clear()
    service.take(2)
    receiver.is_away = False
    service.only_look(15)
    assert receiver.told == [("closed", "failing")]


def test_of_two_services_one_tells(pipeline: Pipeline, receiver: Receiver) -> None:
    first, second = Service(pipeline, receiver), Service(pipeline, receiver)
    source_down(pipeline)
    for _ in range(3):
        first.take()
        second.take()
    assert receiver.told == [("opened", "failing")]


def test_a_database_that_is_away_is_told_once_it_lasts_and_when_it_is_back(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    service = Service(pipeline, receiver)
    service.take()
    with away(pipeline.database):
        service.take()
        assert receiver.heard == []
        service.take(5)
        assert receiver.told == [("opened", "database")]
    service.only_look(2)
    service.take(2)
    assert receiver.told == [("opened", "database"), ("closed", "database")]


def test_a_database_that_was_restarted_is_nothing_to_tell(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    service.take()
    with away(pipeline.database):
        service.watch.look()
    service.take(2)
    assert receiver.heard == []


def test_a_database_that_takes_no_more_rows_is_told_though_it_can_keep_nothing(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    service = Service(pipeline, receiver)
    service.take()
    for number in range(300):
        pipeline.clock.pass_time(1)
        pipeline.truth.create(name=f"{number} {'x' * 500}")
    with full_disk(pipeline.database):
        service.take(4)
        assert len(receiver.told) == 1
        assert "no disk space" in receiver.heard[0].text
    service.take(2)
    assert receiver.told[1][0] == "closed"
    assert len(receiver.told) == 2
    assert pipeline.differences() == []


def test_an_incident_of_an_account_that_is_not_this_service_s_is_let_be(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    foreign = Finding(account="globex", kind=IncidentKind.FAILING, detail="x", since=START)
    with writing(pipeline.database.engine) as connection:
        open_incident(connection, foreign, News.OPENED)
    Service(pipeline, receiver).take(3)
    assert receiver.heard == []
    [row] = pipeline.read(incidents)
    assert (row["closed_at"], row["to_tell"]) == (None, "opened")


def test_before_there_are_tables_there_is_nothing_to_tell(
    empty_database: Database, receiver: Receiver
) -> None:
    service = Service(Pipeline(empty_database, SandboxOptions(batches=10)), receiver)
    service.only_look(3)
    assert receiver.heard == []
    migrate(empty_database.engine, empty_database.settings)
    service.only_look(30)
    assert receiver.told == [("opened", "stale")]


def test_a_bug_that_nobody_foresaw_costs_one_look(pipeline: Pipeline, receiver: Receiver) -> None:
    service = Service(pipeline, receiver)
    source_down(pipeline)
    with broken(pipeline.database):
        service.watch.look()
    service.take()
    assert receiver.told == [("opened", "failing")]


def test_what_became_worse_before_anybody_heard_of_it_is_told_as_it_is_now(
    pipeline: Pipeline, receiver: Receiver
) -> None:
    receiver.is_away = True
    service = Service(pipeline, receiver)
    service.take()
    for _ in range(4):
        pipeline.clock.pass_time(1)
        pipeline.truth.create(total_recipients="many")
        service.take()
    receiver.is_away = False
    service.only_look(15)
    assert receiver.told == [("opened", "quarantine")]
    assert "4 fields" in receiver.heard[0].text or "4 rows" in receiver.heard[0].text
