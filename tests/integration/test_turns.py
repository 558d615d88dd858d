"""Turns of a service: whatever breaks, they tell of it, end in time, and the next goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from etl.migrate import HEAD, current_version
from etl.model import Account, RunStatus, RunSummary, Secret
from etl.sandbox import SandboxOptions, World
from etl.service.meters import Meters
from etl.service.turns import Turns
from etl.settings import MissingKey
from etl.state.lock import account_lock

from support.databases import Database
from support.outages import away, broken, full_disk
from support.pipeline import Pipeline

HOUR = timedelta(hours=1)


class Service:
    """The turns of a pipeline's accounts, taken one at a time."""

    def __init__(self, pipeline: Pipeline, *, timeout: timedelta = 2 * HOUR) -> None:
        self.pipeline = pipeline
        self.registry = CollectorRegistry()
        self.turns = Turns(
            pipeline.database.engine,
            pipeline.settings,
            clock=pipeline.clock,
            meters=Meters(self.registry),
            timeout=timeout,
            transport=pipeline.transport,
        )

    def take(self, name: str | None = None) -> RunSummary:
        """A turn of the account of this name, or of the first one, a minute later."""
        self.pipeline.clock.pass_time(60)
        accounts = self.pipeline.settings.accounts
        return self.turns.take(next(each for each in accounts if name in (None, each.name)))

    def figure(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=120, cap=50, accounts=("acme", "globex")))


def test_a_turn_syncs_the_account_into_a_database_that_it_makes_itself(empty_database: Database) -> None:
    pipeline = Pipeline(empty_database, SandboxOptions(batches=120))
    service = Service(pipeline)
    summary = service.take()
    assert (summary.status, summary.inserted) == (RunStatus.SUCCEEDED, 120)
    assert current_version(empty_database.engine) == HEAD
    assert service.turns.last == {"default": summary}
    assert pipeline.differences() == []


def test_an_account_that_fails_keeps_no_other_from_its_turn(pipeline: Pipeline) -> None:
    pipeline.sandbox.keys.revoke(pipeline.sandbox.key_of["acme"])
    service = Service(pipeline)
    assert service.take("acme").status is RunStatus.FAILED
    assert service.take("globex").status is RunStatus.SUCCEEDED
    assert pipeline.differences("globex") == []


def test_a_turn_that_takes_too_long_is_ended_and_the_next_goes_on_from_there(pipeline: Pipeline) -> None:
    def dawdle(number: int, _world: World) -> None:
        if number == 3:
            pipeline.clock.pass_time(3 * HOUR.total_seconds())

    pipeline.sandbox.before = dawdle
    service = Service(pipeline)
    first = service.take()
    assert (first.status, first.complete) == (RunStatus.FAILED, False)
    assert "longer than the 7200 s" in str(first.error)
    assert first.inserted > 0
    second = service.take()
    assert second.status is RunStatus.SUCCEEDED
    assert pipeline.differences() == []


def test_a_wait_for_the_quota_is_part_of_the_time_that_a_turn_may_take(database: Database) -> None:
    pipeline = Pipeline(
        database, SandboxOptions(batches=120, cap=10), requests_per_minute=3, requests_per_hour=3
    )
    summary = Service(pipeline, timeout=timedelta(minutes=10)).take()
    assert "longer than the 600 s" in str(summary.error)
    assert summary.requests == 3


def test_a_source_that_is_down_for_hours_is_synced_when_it_is_back(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    service.take()
    pipeline.sandbox.faults.next(*["bad_gateway"] * 60)
    assert {service.take().status for _ in range(5)} == {RunStatus.FAILED}
    pipeline.sandbox.faults.clear()
    assert service.take().status is RunStatus.SUCCEEDED
    assert pipeline.differences() == []


def test_a_full_disk_is_told_and_costs_nothing_that_was_committed(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    service.take()
    before = pipeline.everything()
    for number in range(400):
        pipeline.clock.pass_time(1)
        pipeline.truth.create(name=f"{number} {'x' * 500}")
    with full_disk(pipeline.database):
        summary = service.take()
        assert summary.status is RunStatus.FAILED
        assert "no disk space" in str(summary.error)
        assert {row["id"] for row in before["batch_calls"]} <= {
            row["id"] for row in pipeline.everything()["batch_calls"]
        }
    assert service.take().status is RunStatus.SUCCEEDED
    assert pipeline.differences() == []


def test_a_database_that_goes_away_and_comes_back_is_no_end(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    service.take()
    with away(pipeline.database):
        summary = service.take()
        assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 4)
    assert service.take().status is RunStatus.SUCCEEDED
    assert pipeline.differences() == []


def test_a_turn_that_another_service_has_is_left_to_it(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    with account_lock(pipeline.database.engine, pipeline.settings, "acme"):
        summary = service.take("acme")
    assert (summary.exit_code, summary.run_id) == (5, None)
    assert service.take("acme").status is RunStatus.SUCCEEDED
    assert len(pipeline.runs()) == 1


def test_requests_are_counted_by_their_answers_and_runs_by_their_ends(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults.next("bad_gateway", "reset")
    service = Service(pipeline)
    summary = service.take("acme")
    answered = {
        answer: service.figure("magpipe_etl_requests_total", account="acme", answer=answer)
        for answer in ("200", "502", "none")
    }
    assert answered == {"200": summary.requests - 2, "502": 1, "none": 1}
    assert service.figure("magpipe_etl_request_seconds_count", account="acme") == summary.requests
    assert service.figure("magpipe_etl_run_seconds_count", account="acme", status="succeeded") == 1


def test_a_turn_under_way_is_overdue_when_it_should_have_been_ended_long_ago(pipeline: Pipeline) -> None:
    service = Service(pipeline, timeout=HOUR)
    seen: list[tuple[str, ...]] = []

    def look(number: int, _world: World) -> None:
        if number == 2:
            seen.append(service.turns.overdue(HOUR))
            pipeline.clock.pass_time(2 * HOUR.total_seconds() + 60)
            seen.append(service.turns.overdue(HOUR))

    pipeline.sandbox.before = look
    service.take("acme")
    assert seen == [(), ("acme",)]
    assert service.turns.overdue(HOUR) == ()


def test_a_key_that_is_missing_fails_its_account_alone(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    summary = service.turns.take(Account(name="initech", api_key=MissingKey("no key for initech")))
    assert (summary.status, summary.error) == (RunStatus.FAILED, "no key for initech")


def test_a_bug_is_told_without_what_it_was_about(pipeline: Pipeline) -> None:
    class Broken:
        def handle_request(self, _request: object) -> Any:
            raise ZeroDivisionError("mgp_secret")

        def close(self) -> None: ...

        def __enter__(self) -> Broken:
            return self

        def __exit__(self, *_: object) -> None: ...

    pipeline.transport = Broken()  # type: ignore[assignment]
    summary = Service(pipeline).turns.take(Account(name="acme", api_key=Secret("mgp_" + "0" * 40)))
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 1)
    assert "a bug" in str(summary.error)
    assert "secret" not in str(summary.error)


def test_a_bug_that_nobody_foresaw_ends_a_turn_and_no_more(pipeline: Pipeline) -> None:
    service = Service(pipeline)
    with broken(pipeline.database):
        summary = service.take()
    assert (summary.status, summary.error) == (RunStatus.FAILED, "a bug: ZeroDivisionError in the turn")
    assert service.take().status is RunStatus.SUCCEEDED


def test_a_turn_that_is_asked_to_stop_says_so_and_is_no_failure_to_be_told(pipeline: Pipeline) -> None:
    def stop(number: int, _world: World) -> None:
        pipeline.clock.stopped = number >= 2

    pipeline.sandbox.before = stop
    summary = Service(pipeline).take()
    assert (summary.status, summary.exit_code) == (RunStatus.FAILED, 130)
