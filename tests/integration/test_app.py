"""Several accounts at work side by side: one's trouble is its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from etl import app
from etl.engine import reading
from etl.errors import DestinationError, SettingsError
from etl.jobs.sync import Sync
from etl.model import Account, RunMode, RunStatus, Secret
from etl.plan import Plan
from etl.progress import Silent
from etl.sandbox import SandboxOptions, faults
from etl.settings import MissingKey
from etl.state.coverage import read_coverage
from etl.tables import batch_call_history, batch_calls, sync_runs
from etl.work import Work

from support.databases import Database
from support.pipeline import OnPage, Pipeline, changes

NAMES = ("acme", "blue", "coral")


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database, SandboxOptions(batches=60, accounts=NAMES), page_size=20)


def with_key(pipeline: Pipeline, name: str, key: Secret) -> tuple[Account, ...]:
    """The accounts, one of them with another key."""
    return tuple(
        Account(name=account.name, api_key=key if account.name == name else account.api_key)
        for account in pipeline.settings.accounts
    )


def test_accounts_land_side_by_side_each_with_its_own_rows(pipeline: Pipeline) -> None:
    summaries = pipeline.sync_all()
    assert [summary.account for summary in summaries] == list(NAMES)
    assert [(summary.status, changes(summary)) for summary in summaries] == [
        (RunStatus.SUCCEEDED, {"inserted": 60})
    ] * 3
    assert [pipeline.differences(name) for name in NAMES] == [[], [], []]
    before = pipeline.everything()
    pipeline.forbid_changes()
    assert [changes(summary) for summary in pipeline.sync_all()] == [{"unchanged": 60}] * 3
    assert pipeline.everything() == before


def test_the_same_id_in_two_accounts_is_two_batches(pipeline: Pipeline) -> None:
    first, second = (pipeline.sandbox.world[name] for name in NAMES[:2])
    shared = first.listed()[7]
    second.restore(replace(shared, name="Of the second account"))
    pipeline.sync_all()
    assert [pipeline.differences(name) for name in NAMES] == [[], [], []]
    second.delete(shared.id)
    first.progress(shared.id, completed=1)
    assert [changes(summary) for summary in pipeline.sync_all()] == [
        {"updated": 1, "unchanged": 59},
        {"unchanged": 60, "deleted": 1},
        {"unchanged": 60},
    ]
    assert [pipeline.differences(name) for name in NAMES] == [[], [], []]
    versions = [
        (row["account"], row["version"], row["change"])
        for row in pipeline.read(batch_call_history, batch_call_history.c.id == shared.id)
    ]
    assert versions == [
        ("acme", 1, "inserted"),
        ("acme", 2, "updated"),
        ("blue", 1, "inserted"),
        ("blue", 2, "deleted"),
    ]


def test_an_account_with_a_bad_key_harms_no_other(pipeline: Pipeline) -> None:
    pipeline.sandbox.keys.revoke(pipeline.sandbox.key_of["blue"])
    summaries = pipeline.sync_all()
    assert [summary.exit_code for summary in summaries] == [0, 3, 0]
    assert [summary.status for summary in summaries] == [
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.SUCCEEDED,
    ]
    assert [pipeline.differences("acme"), pipeline.alive("blue"), pipeline.differences("coral")] == [
        [],
        {},
        [],
    ]
    assert {run["account"]: run["status"] for run in pipeline.runs()} == {
        "acme": "succeeded",
        "blue": "failed",
        "coral": "succeeded",
    }


def test_an_account_without_a_key_harms_no_other(pipeline: Pipeline) -> None:
    key = MissingKey("BLUE_KEY: expected an API key, got none")
    pipeline.settings = replace(pipeline.settings, accounts=with_key(pipeline, "blue", key))
    summaries = pipeline.sync_all()
    assert [summary.exit_code for summary in summaries] == [0, 2, 0]
    assert summaries[1].error == "BLUE_KEY: expected an API key, got none"


def test_a_fault_of_one_account_s_rows_is_that_account_s(pipeline: Pipeline) -> None:
    batch = pipeline.sandbox.world["blue"].listed()[3]
    pipeline.sandbox.rows.corrupt(batch.id, {"failed_count": "x"})
    assert [summary.quarantined for summary in pipeline.sync_all()] == [0, 1, 0]
    assert [entry["account"] for entry in pipeline.set_aside()] == ["blue"]
    pipeline.sync_all(accounts=["acme", "coral"])
    assert len(pipeline.set_aside()) == 1


def test_one_account_can_be_chosen(pipeline: Pipeline) -> None:
    (summary,) = pipeline.sync_all(accounts=["coral"])
    assert summary.account == "coral"
    assert {row["account"] for row in pipeline.read(batch_calls)} == {"coral"}
    with pytest.raises(SettingsError, match="corral"):
        pipeline.sync_all(accounts=["corral"])


def test_each_account_has_its_own_coverage_and_guard(pipeline: Pipeline) -> None:
    pipeline.sync_all()
    pipeline.sandbox.world["blue"].vanish(0.5)
    assert [(summary.exit_code, summary.deleted) for summary in pipeline.sync_all()] == [
        (0, 0),
        (1, 0),
        (0, 0),
    ]
    with reading(pipeline.database.engine) as connection:
        covered = [read_coverage(connection, name) for name in NAMES]
    assert [len(parts) for parts in covered] == [1, 1, 1]


def test_more_accounts_than_work_at_once_all_have_their_turn(database: Database) -> None:
    names = tuple(f"account-{number}" for number in range(11))
    pipeline = Pipeline(database, SandboxOptions(batches=5, accounts=names))
    summaries = pipeline.sync_all()
    assert [(summary.account, summary.inserted) for summary in summaries] == [(name, 5) for name in names]
    assert len({summary.run_id for summary in summaries}) == 11


# -- exit codes ----------------------------------------------------------------------------------------


def test_every_way_to_end_has_its_exit_code(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20, fetch_ahead=1, max_attempts=2)
    codes = {"done": pipeline.sync().exit_code}
    gone = pipeline.truth.vanish()
    codes["too many gone"] = pipeline.sync().exit_code
    pipeline.truth.restore(*gone)
    pipeline.sandbox.faults.next("bad_gateway", "bad_gateway")
    codes["unreachable"] = pipeline.sync().exit_code
    pipeline.sandbox.faults.next(faults.answer(404, b""))
    codes["refused"] = pipeline.sync().exit_code
    held = OnPage(lambda pages: codes.setdefault("another runs", pipeline.sync().exit_code))
    pipeline.sync(progress=held)
    pipeline.clock.stopped = True
    codes["stopped"] = pipeline.sync().exit_code
    pipeline.clock.stopped = False
    with pipeline.connected() as connection:
        connection.exec_driver_sql("ALTER TABLE quarantine RENAME TO elsewhere")
    codes["database"] = pipeline.sync().exit_code
    assert codes == {
        "done": 0,
        "too many gone": 1,
        "unreachable": 3,
        "refused": 3,
        "another runs": 5,
        "stopped": 130,
        "database": 4,
    }


def test_a_bug_before_a_run_has_begun_is_told_of_that_account_alone(pipeline: Pipeline) -> None:
    class Broken(Sync):
        def plan(self, connection: Connection | None, account: str, *arguments: Any, **options: Any) -> Plan:
            if account == "blue":
                raise ZeroDivisionError("a customer's name")
            return super().plan(connection, account, *arguments, **options)

    work = Work(
        pipeline.database.engine,
        pipeline.settings,
        clock=pipeline.clock,
        progress=Silent(),
        transport=pipeline.transport,
    )
    job = Broken(pipeline.settings, full=True)
    summaries = [work.perform(job, account) for account in pipeline.settings.accounts]
    assert [summary.error for summary in summaries] == [
        None,
        "a bug: ZeroDivisionError in the full run",
        None,
    ]
    assert [summary.exit_code for summary in summaries] == [0, 1, 0]


def test_a_database_is_migrated_before_the_first_sync(empty_database: Database) -> None:
    pipeline = Pipeline(empty_database, SandboxOptions(batches=5))
    assert changes(pipeline.sync(engine=None)) == {"inserted": 5}
    assert changes(pipeline.sync(engine=None)) == {"unchanged": 5}
    assert len(pipeline.read(sync_runs)) == 2


def test_a_database_out_of_reach_is_told_before_anything_is_asked(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=5))
    pipeline.settings = replace(pipeline.settings, database_url="sqlite:////nowhere/at/all/magpipe.db")
    with pytest.raises(DestinationError) as caught:
        pipeline.sync(engine=None)
    assert caught.value.exit_code == 4
    assert pipeline.sandbox.requests == 0


def test_a_dry_run_asks_nothing_and_writes_nothing(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20)
    pipeline.sync()
    asked, before, runs = pipeline.sandbox.requests, pipeline.everything(), pipeline.runs()
    (plan,) = app.dry_run(pipeline.settings, full=True, clock=pipeline.clock)
    assert plan.requests is not None
    assert (pipeline.sandbox.requests, pipeline.everything(), pipeline.runs()) == (asked, before, runs)
    assert pipeline.sync().requests == plan.requests


def test_a_dry_run_tells_what_a_sync_does_after_the_clock_was_set_back(database: Database) -> None:
    pipeline = Pipeline(database, SandboxOptions(batches=60), page_size=20)
    pipeline.clock.turn(timedelta(days=2))
    pipeline.sync()
    pipeline.clock.turn(timedelta(days=-2))
    (plan,) = app.dry_run(pipeline.settings, clock=pipeline.clock)
    run = pipeline.sync(full=False)
    assert (plan.mode, plan.requests) == (run.mode, run.requests) == (RunMode.FULL, run.requests)
